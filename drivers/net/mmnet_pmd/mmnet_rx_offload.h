/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_OFFLOAD_H
#define MMNET_RX_OFFLOAD_H

/** @file Rx offloads: checksums, VLAN tags, hashes, timestamps, packets that the sender left unfinished. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ethdev_driver.h>
#include <rte_mbuf.h>

struct mmnet_rxq;

/** Set the queues up for the offloads that the application asks for. The port is stopped, or has full burst functions. */
void mmnet_rx_offload_configure(struct rte_eth_dev *dev);

/** @return true when the application asks for an offload that only the full burst functions do */
bool mmnet_rx_offload_wanted(const struct rte_eth_dev *dev);

/** @return what a peer may leave to this end: MMNET_META_* */
uint16_t mmnet_rx_offload_accepts(const struct rte_eth_dev *dev);

/** Strip the VLAN tag from a received packet that has one. The queue's lock is held. @return the packet */
struct rte_mbuf *mmnet_rx_strip(struct mmnet_rxq *rxq, struct rte_mbuf *m);

/** Do the other offloads. The queue's lock is not held. @return n */
uint16_t mmnet_rx_offload_apply(struct mmnet_rxq *rxq, struct rte_mbuf **pkts, uint16_t n);

/** Packet types that the port tells apart. @return *n of them, followed by RTE_PTYPE_UNKNOWN; NULL: none */
const uint32_t *mmnet_rx_offload_ptypes(const struct rte_eth_dev *dev, size_t *n);

int mmnet_read_clock(struct rte_eth_dev *dev, uint64_t *now);

#endif
