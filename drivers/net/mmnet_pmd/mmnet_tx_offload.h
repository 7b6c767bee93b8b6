/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_TX_OFFLOAD_H
#define MMNET_TX_OFFLOAD_H

/** @file Transmit with offloads, spread over the peer's queues, or limited to an MTU. */

#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "mmnet_hash.h"
#include "mmnet_meta.h"

/** Tx offloads that mmnet_tx_burst() does not do. */
#define MMNET_TX_OFFLOADS                                                     \
	(RTE_ETH_TX_OFFLOAD_VLAN_INSERT | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM |     \
		RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | \
		RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_UDP_TSO)

/** Packet flags that ask for segmentation. */
#define MMNET_TX_CUT (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)

/** What a transmit queue has learnt from the peer's note. */
struct mmnet_tx_peer {
	uint64_t queue_id; /**< with seq: identifies the note */
	uint32_t seq;
	uint16_t accepts; /**< MMNET_META_* */
	uint8_t lane[MMNET_RETA_SIZE];
	struct mmnet_hash hash; /**< without types: one lane takes all */
};

uint16_t mmnet_tx_burst_offload(void *queue, struct rte_mbuf **pkts, uint16_t n);

/** As mmnet_tx_burst(), but free and count packets longer than the port's MTU allows. */
uint16_t mmnet_tx_burst_mtu(void *queue, struct rte_mbuf **pkts, uint16_t n);

/** Find the first packet that the burst function would drop. @return its index (rte_errno), or n */
uint16_t mmnet_tx_prepare_offload(void *queue, struct rte_mbuf **pkts, uint16_t n);
uint16_t mmnet_tx_prepare_mtu(void *queue, struct rte_mbuf **pkts, uint16_t n);

#endif
