/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RSS_H
#define MMNET_RSS_H

/** @file RSS: key, types and table, and the note that tells the peer of them. */

#include <stdbool.h>
#include <stdint.h>

#include <ethdev_driver.h>

#include "mmnet_meta.h"

/** Apply the application's RSS configuration. @return 0, -EINVAL (message logged) */
int mmnet_rss_configure(struct rte_eth_dev *dev);

/** Write the note for the peer. @return 0, -errno */
int mmnet_note_publish(struct rte_eth_dev *dev);

/** @return true when every index in a peer's note is in range */
bool mmnet_note_valid(const struct mmnet_note *note);

/** @return the types of packets that can be hashed, RTE_ETH_RSS_* */
uint64_t mmnet_rss_types(void);

int mmnet_rss_hash_update(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf);
int mmnet_rss_hash_conf_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf);
int mmnet_reta_update(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta,
	uint16_t size);
int mmnet_reta_query(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta, uint16_t size);

#endif
