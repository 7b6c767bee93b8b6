/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_BOUNCE_H
#define MMNET_BOUNCE_H

/**
 * @file
 * Buffers of the arena: a packet that the peer cannot read in place is copied into them. Each
 * transmit queue has a share of them; its lock is held.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_debug.h>

#include <fido/region.h>
#include <fido/txq.h>

#include "mmnet_txq.h"

struct mmnet_port;

#define MMNET_BOUNCE_SIZE 2048
/** No buffer has this index: it is in the cookie of a descriptor that has no memory. */
#define MMNET_NO_BUFFER UINT16_MAX

/** Give buffers to the port's queues that have none. The port is stopped. @return 0, -errno */
int mmnet_bounce_start(struct mmnet_port *port);

/** @return the buffers that len bytes take. 0 bytes take one: a descriptor has an address */
static inline uint32_t
mmnet_bounce_buffers(uint32_t len)
{
	return len == 0 ? 1 : (len + MMNET_BOUNCE_SIZE - 1) / MMNET_BOUNCE_SIZE;
}

/** @return a buffer's cookie: bit 0 is set, unlike in an mbuf's, which is its aligned address */
static inline void *
mmnet_bounce_cookie(uint16_t index)
{
	return (void *)((uintptr_t)index << 1 | 1);
}

/** @return true when n buffers can be filled and posted now */
static inline bool
mmnet_bounce_ready(const struct mmnet_txq *txq, uint32_t n)
{
	const struct fido_region *r = txq->bounce_arena;

	/* An arena is exported as a whole. */
	return n <= txq->bounce_count && r != NULL &&
		fido_txq_peer_has(txq->q, r, (uintptr_t)txq->bounce - r->va, MMNET_BOUNCE_SIZE);
}

/** Take a buffer. mmnet_bounce_ready() has returned true for it. @return its address */
static inline char *
mmnet_bounce_take(struct mmnet_txq *txq, void **cookie)
{
	uint16_t index;

	RTE_ASSERT(txq->bounce_count != 0);
	index = txq->bounce_free[--txq->bounce_count];
	*cookie = mmnet_bounce_cookie(index);
	return txq->bounce + (size_t)index * MMNET_BOUNCE_SIZE;
}

/** Put a buffer that was taken. An arena's addresses are its gaddrs. */
static inline void
mmnet_bounce_post(struct mmnet_txq *txq, const char *at, uint32_t len, uint16_t flags, void *cookie)
{
	fido_sender_put(txq->q->sender, (uintptr_t)at, len, flags, cookie);
}

#endif
