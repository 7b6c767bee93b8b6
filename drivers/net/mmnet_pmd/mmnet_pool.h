/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_POOL_H
#define MMNET_POOL_H

/**
 * @file
 * Pointer mbufs: mbufs that point into a peer's memory, and return its ticket when they are freed.
 * Each Rx queue has a pool of them.
 */

#include <stdint.h>

#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <fido/receiver.h>
#include <fido/rxq.h>

struct mmnet_rxq;

/**
 * Mbufs that the polling lcore frees between two polls, at most; it returns the tickets of more
 * at once.
 */
#define MMNET_FREED_MAX 512
/** Matches no thread, not even one that is no lcore (LCORE_ID_ANY). */
#define MMNET_NO_LCORE (LCORE_ID_ANY - 1)

/** Pointer mbufs of one Rx queue: free ones on a stack. Guarded by the queue's lock (fido_rxq). */
struct mmnet_pointers {
	struct rte_mempool *pool;
	struct fido_rxq *q; /**< NULL while the pool is being filled */
	struct rte_mbuf **stack;
	uint32_t count;     /**< free mbufs on the stack */
	uint32_t size;      /**< mbufs in all */
	unsigned int lcore; /**< that polls; MMNET_NO_LCORE: none, or a thread that is no lcore */
	unsigned int freed_count;
	void *freed[MMNET_FREED_MAX]; /**< by that lcore, in order; their tickets are still held */
};

/** A pointer mbuf's private area. */
struct mmnet_pointer_priv {
	struct fido_receiver *receiver;
	uint16_t ticket;
};

/** Create n pointer mbufs. @return NULL: no memory (rte_errno) */
struct mmnet_pointers *mmnet_pointers_create(const char *name, uint32_t n, int socket);

/** Free them. All of them are on the stack. NULL is legal. */
void mmnet_pointers_free(struct mmnet_pointers *p);

/**
 * Before a poll: return the tickets of mbufs that the polling lcore has freed. The queue's lock
 * is held.
 */
void mmnet_pointers_harvest(struct mmnet_pointers *p, struct fido_rxq *q);

/** Return an mbuf that the application never saw. The queue's lock is held. */
void mmnet_pointer_return(struct mmnet_pointers *p, struct rte_mbuf *m, uint16_t status);

/** Return tickets of freed mbufs now, and at once until the next poll. Any thread. */
void mmnet_rx_settle(struct mmnet_rxq *rxq);

/** Do the same for all queues that this lcore polls, before it sleeps. */
void mmnet_rx_settle_lcore(unsigned int lcore);

static inline struct mmnet_pointer_priv *
mmnet_pointer_priv(struct rte_mbuf *m)
{
	return (struct mmnet_pointer_priv *)(m + 1);
}

#endif
