/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_TXQ_H
#define MMNET_TXQ_H

/**
 * @file
 * A transmit queue: one ring. With spread= a queue of the application's is several of them.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_ethdev.h>

#include <fido/counters_shm.h>
#include <fido/region.h>
#include <fido/txq.h>

struct mmnet_port;
struct mmnet_tx_peer;

/** Tickets out from which on completions are reaped: the oldest ones then fill their cache line. */
#define MMNET_TX_LAG 64u
/** Tickets out from which on a burst reaps all completions. Less for a small ring. */
#define MMNET_TX_MANY 384u

struct mmnet_txq {
	struct fido_txq *q; /**< NULL until the port has started once */
	uint32_t lag;       /**< tickets out from which on a burst reaps some completions */
	uint32_t many;      /**< tickets out from which on it reaps all */
	unsigned int lcore; /**< the lcore that sent last */
	bool fast_free;
	const struct fido_region *bounce_arena;
	char *bounce; /**< this queue's part of the arena */
	uint16_t *bounce_free;
	uint32_t bounce_count;
	uint32_t bounce_total;
	uint64_t *places; /**< addresses of the current packet's segments (mmnet_chain.c) */
	uint32_t places_max;
	uint16_t index;   /**< of its ring, among all rings of the port */
	uint16_t nb_desc; /**< as the application set it up; all rings of a port have one size */
	struct mmnet_tx_peer *peer; /**< NULL: the port's burst function does not need it */
	struct mmnet_port *port;
	struct fido_tx_stats_shm base; /**< at the last reset */
	struct fido_tx_stats_shm now;  /**< at the last mmnet_view_update() */
	uint32_t out;                  /**< tickets out, at that time */
	struct rte_eth_txconf conf;
};

/** @return tickets out of a ring of this size from which on a burst reaps some completions */
static inline uint32_t
mmnet_tx_lag(uint32_t ring_size)
{
	return RTE_MIN(ring_size / 4, MMNET_TX_LAG);
}

#endif
