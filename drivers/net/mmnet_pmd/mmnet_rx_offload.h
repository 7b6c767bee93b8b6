/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_OFFLOAD_H
#define MMNET_RX_OFFLOAD_H

/** @file Rx offloads: what the burst functions with offloads do to received packets. */

#include <stdbool.h>
#include <stdint.h>

#include <ethdev_driver.h>
#include <rte_mbuf.h>

struct mmnet_rxq;

/**
 * Strip the VLAN tag from a received packet that has one. The queue's lock is held.
 * @return the packet
 */
struct rte_mbuf *mmnet_rx_strip(struct mmnet_rxq *rxq, struct rte_mbuf *m);

/** Do the other offloads that the queue is set up for. The queue's lock is not held. @return n */
uint16_t mmnet_rx_offload_apply(struct mmnet_rxq *rxq, struct rte_mbuf **pkts, uint16_t n);

/** Register the mbuf field for timestamps. @return false: mbufs have no room for it */
bool mmnet_rx_offload_register_time(void);

int mmnet_read_clock(struct rte_eth_dev *dev, uint64_t *now);

#endif
