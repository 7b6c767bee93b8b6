/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_STATS_H
#define MMNET_STATS_H

/** @file Counters. */

#include <ethdev_driver.h>

#include "pmd_compat.h"

/** Add a port's counters, and its queues' unless `queues` is NULL. @return 0, -errno */
int mmnet_stats_fill(struct rte_eth_dev *dev, struct rte_eth_stats *port,
	struct pmd_queue_stats *queues);

int mmnet_stats_reset(struct rte_eth_dev *dev);
int mmnet_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n);
int mmnet_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names,
	unsigned int n);

#endif
