/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_COPY_H
#define MMNET_RX_COPY_H

/**
 * @file
 * Copies out of a peer's memory, whose lines are in another core's cache. Part of mmnet_rx.c.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_common.h>
#include <rte_mbuf.h>
#include <rte_memcpy.h>
#include <rte_prefetch.h>

#include <fido/queue_shm.h>
#include <fido/receiver.h>

#include "mmnet_rx.h"
#include "mmnet_rx_mbufs.h"
#include "mmnet_rx_reader.h"
#include "mmnet_rxq.h"

/**
 * Up to this length the C library copies in a loop of wide vectors; beyond it, by one string
 * instruction on many processors.
 */
#define MMNET_COPY_PIECE 2048

/**
 * Copy a packet of several pages, in pieces that the C library copies in its loop. Prefetch the
 * beginning of each page: the hardware prefetcher stops at page boundaries.
 */
static __rte_noinline void
mmnet_copy_long(char *to, const char *from, uint32_t len)
{
	const uintptr_t page = 4096;

	for (uintptr_t p = ((uintptr_t)from | (page - 1)) + 1; p < (uintptr_t)from + len; p += page)
		for (unsigned int line = 0; line < 8; line++)
			rte_prefetch0((const void *)(p + line * RTE_CACHE_LINE_SIZE));
	while (len != 0) {
		/* Not constant: for a constant length the compiler emits a string instruction. */
		uint32_t n = RTE_MIN(len, (uint32_t)MMNET_COPY_PIECE);

		memcpy(to, from, n);
		to += n;
		from += n;
		len -= n;
	}
}

/**
 * Copy a packet's bytes. The C library's copy is optimized for the processor that it runs on,
 * rte_memcpy() for the oldest that DPDK supports; but a call costs more than a copy of two lines.
 */
static inline void
mmnet_copy(void *to, const void *from, uint32_t len)
{
	if (len <= 2 * RTE_CACHE_LINE_SIZE)
		rte_memcpy(to, from, len);
	else if (len <= MMNET_COPY_PIECE)
		memcpy(to, from, len);
	else
		mmnet_copy_long(to, from, len);
}

/* ---- descriptors ---- */

/*
 * Append one descriptor's bytes to the message, in as many mbufs as they take.
 * @return 0, -EMSGSIZE (the packet may have one mbuf only), -ENOBUFS (the sender has made the
 * message longer)
 */
static int
copy_append(struct mmnet_rxq *rxq, const char *from, uint32_t len)
{
	while (len != 0 || rxq->head == NULL) {
		struct rte_mbuf *tail = rxq->tail;
		uint32_t room =
			tail != NULL && tail->pool == rxq->mp ? rxq->room - tail->data_len : 0;
		uint32_t part;

		if (room == 0) {
			struct rte_mbuf *m;

			if ((tail != NULL && !rxq->scatter) || rxq->room == 0)
				return -EMSGSIZE;
			m = mmnet_rx_take(rxq);
			if (m == NULL)
				return -ENOBUFS;
			append(rxq, m);
			tail = rxq->tail;
			room = rxq->room;
		}
		part = RTE_MIN(len, room);
		memcpy(rte_pktmbuf_mtod_offset(tail, char *, tail->data_len), from, part);
		tail->data_len += part;
		rxq->head->pkt_len += part;
		from += part;
		len -= part;
	}
	return 0;
}

/*
 * Copy up to max bytes of d, the first of n descriptors that have been read.
 * @return 0; -EMSGSIZE; -ENOBUFS: too few mbufs: a message that begins with d waits, another one
 * has been changed by its sender
 */
static int
copy_part(struct reader *rd, const struct fido_desc *d, uint16_t n, uint32_t max, uint32_t copies)
{
	struct mmnet_rxq *rxq = rd->rxq;
	int ret = 0;

	if (d->len > rxq->max_frame)
		return -EMSGSIZE;
	if (rxq->head == NULL)
		ret = reserve(rxq, mbufs_of(rd, d, n, copies));
	if (ret == 0)
		ret = copy_append(rxq, d->data, RTE_MIN(d->len, max));
	return ret;
}

/* Drop and count the message that d belongs to. @param ret of copy_part() */
static void
drop_uncopied(struct reader *rd, const struct fido_desc *d, int ret)
{
	rd->t.too_long += ret != -ENOBUFS;
	rd->t.bad += ret == -ENOBUFS;
	drop_message(rd, d, FIDO_STATUS_DROPPED);
}

/* Copy chains, and packets longer than one mbuf. @return false: the message waits for mbufs */
static bool
copy_slow(struct reader *rd, const struct fido_desc *d, uint16_t n)
{
	struct mmnet_rxq *rxq = rd->rxq;
	int ret = copy_part(rd, d, n, UINT32_MAX, COPY_ALL);

	if (ret == -ENOBUFS && rxq->head == NULL)
		return false;
	if (ret != 0 || rxq->head->pkt_len > rxq->max_frame) {
		drop_uncopied(rd, d, ret);
		return true;
	}
	fido_receiver_complete(rd->r, d->ticket, FIDO_STATUS_OK);
	rd->t.completed++;
	if (d->flags & FIDO_DESC_CHAINED)
		return true;
	rd->t.copied++;
	deliver(rd, rxq->head);
	rxq->head = rxq->tail = NULL;
	return true;
}

static inline void
copy_whole(struct reader *rd, const struct fido_desc *d)
{
	struct rte_mbuf *m = take_fresh(rd->rxq, d->len);

	mmnet_copy(rte_pktmbuf_mtod(m, void *), d->data, d->len);
	fido_receiver_complete(rd->r, d->ticket, FIDO_STATUS_OK);
	rd->t.completed++;
	rd->t.copied++;
	deliver(rd, m);
}

#endif
