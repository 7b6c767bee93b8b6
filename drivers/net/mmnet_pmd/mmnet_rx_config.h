/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_CONFIG_H
#define MMNET_RX_CONFIG_H

/** @file Rx offloads that the application asks for. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ethdev_driver.h>

/** Set the queues up for the offloads. The port is stopped, or its burst function has offloads. */
void mmnet_rx_configure(struct rte_eth_dev *dev);

/** @return true when the application asks for what only the burst functions with offloads do */
bool mmnet_rx_wants_offload(const struct rte_eth_dev *dev);

/** @return what a peer may leave to this end: MMNET_META_* */
uint16_t mmnet_rx_accepts(const struct rte_eth_dev *dev);

/** @return the *n packet types that are told apart, followed by RTE_PTYPE_UNKNOWN; NULL: none */
const uint32_t *mmnet_rx_ptypes(const struct rte_eth_dev *dev, size_t *n);

#endif
