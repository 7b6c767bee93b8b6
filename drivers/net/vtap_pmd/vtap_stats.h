/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VTAP_STATS_H
#define VTAP_STATS_H

/** @file Counters: those of the queues since the last reset. */

#include <ethdev_driver.h>

#include "pmd_compat.h"

int vtap_stats_fill(struct rte_eth_dev *dev, struct rte_eth_stats *stats,
	struct pmd_queue_stats *queues);
int vtap_stats_reset(struct rte_eth_dev *dev);
int vtap_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n);
int vtap_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names,
	unsigned int n);

#endif
