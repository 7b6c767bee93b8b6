/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RXQ_H
#define MMNET_RXQ_H

/** @file A receive queue. */

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <fido/counters_shm.h>
#include <fido/rxq.h>

#include "mmnet_meta.h"

struct mmnet_pointers;
struct mmnet_port;

/** Descriptors read ahead of filling mbufs. */
#define MMNET_RX_CHUNK 32

struct mmnet_rxq {
	struct fido_rxq *q;                     /**< NULL until the port has started once */
	struct mmnet_pointers *pointers;        /**< NULL: the mode uses none */
	struct rte_mempool *mp;                 /**< the application's */
	struct rte_mbuf *fresh[MMNET_RX_CHUNK]; /**< allocated ahead from mp */
	uint16_t fresh_count;
	uint16_t last_chunk; /**< descriptors in the last chunk */
	uint16_t port_id;
	uint16_t room;        /**< bytes an mbuf of mp takes */
	uint16_t whole;       /**< packets up to this length go into one mbuf */
	uint32_t max_frame;   /**< longer packets are dropped */
	uint64_t fresh_flags; /**< offload flags of a fresh mbuf of mp */
	uint16_t idle;        /**< empty polls since the last reap of our transmit queues */
	bool scatter;
	bool csum;        /**< check checksums */
	bool l4_csum;     /**< check those of UDP and TCP too */
	bool strip;       /**< strip VLAN tags */
	bool hash;        /**< hash packets */
	bool timestamp;   /**< timestamp packets */
	uint16_t accepts; /**< MMNET_META_* */
	struct mmnet_meta meta;
	/*
	 * Bits of one byte, because each burst tests all of them. Changed with the queue's lock
	 * held.
	 */
	bool dropping : 1;  /**< drop the rest of the current message */
	bool stopped : 1;   /**< leave packets in the rings */
	bool expecting : 1; /**< meta is that of the next message */
	bool waiting : 1;   /**< a message waits for mbufs, and its ring is read first */
	uint64_t rearm;     /**< first mbuf fields of a received packet */
	uint64_t pointer_rearm;
	struct rte_mbuf *head; /**< the current message, as far as it has been read */
	struct rte_mbuf *tail;
	uint64_t partial_id;    /**< queue_id of the ring that has the rest of it, or all */
	struct rte_mbuf *spare; /**< reserved for it, in addition to fresh; linked by next */
	uint32_t spare_count;
	struct mmnet_port *port;
	struct fido_rx_stats_shm base; /**< at the last reset */
	struct fido_rx_stats_shm now;  /**< at the last mmnet_view_update() */
	uint32_t ring_size;            /**< of all rings together, at that time; 0: none */
	uint16_t nb_desc;              /**< as the application set it up */
	uint64_t wait_turn;            /**< `waiting` alternates with this period, in TSC ticks */
	struct rte_eth_rxconf conf;
};

#endif
