/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_BOUNCE_H
#define MMNET_BOUNCE_H

/** @file A transmit queue's part of the arena: buffers for what the peer cannot read where it lies. The queue's lock is held. */

#include <rte_debug.h>

#include "mmnet.h"

/** @return the buffers that len bytes take; no bytes take one, as a descriptor names some memory. */
static inline uint32_t
mmnet_bounce_buffers(uint32_t len)
{
	return len == 0 ? 1 : (len + MMNET_BOUNCE_SIZE - 1) / MMNET_BOUNCE_SIZE;
}

/** @return what stands for a buffer among the cookies. mbufs are aligned, so bit 0 tells them apart. */
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

/** Take a buffer: mmnet_bounce_ready() has said that there is one. @return where it is */
static inline char *
mmnet_bounce_take(struct mmnet_txq *txq, void **cookie)
{
	uint16_t index;

	RTE_ASSERT(txq->bounce_count != 0);
	index = txq->bounce_free[--txq->bounce_count];
	*cookie = mmnet_bounce_cookie(index);
	return txq->bounce + (size_t)index * MMNET_BOUNCE_SIZE;
}

/** Post a buffer that was taken. An arena is mapped at its own gaddr. */
static inline void
mmnet_bounce_post(struct mmnet_txq *txq, const char *at, uint32_t len, uint16_t flags, void *cookie)
{
	fido_sender_put(txq->q->sender, (uintptr_t)at, len, flags, cookie);
}

#endif
