/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_MBUFS_H
#define MMNET_RX_MBUFS_H

/**
 * @file
 * Mbufs of the application's pool: allocated ahead, and reserved for a message before it is read.
 * Part of mmnet_rx.c.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <fido/atomic.h>
#include <fido/gaddr.h>
#include <fido/queue_shm.h>
#include <fido/receiver.h>

#include "mmnet_rx_reader.h"
#include "mmnet_rxq.h"

/* How many bytes of a packet a mode copies: all, the first ones (rx=header), none. */
#define COPY_ALL UINT32_MAX
#define COPY_HEADER 128
#define COPY_NONE 0

static inline bool
refill(struct mmnet_rxq *rxq)
{
	if (likely(rxq->fresh_count != 0))
		return true;
	if (likely(rte_mempool_get_bulk(rxq->mp, (void **)rxq->fresh, MMNET_RX_CHUNK) == 0)) {
		rxq->fresh_count = MMNET_RX_CHUNK;
		return true;
	}
	if (rte_mempool_get_bulk(rxq->mp, (void **)rxq->fresh, 1) == 0)
		rxq->fresh_count = 1;
	return rxq->fresh_count != 0;
}

static inline struct rte_mbuf *
init_fresh(const struct mmnet_rxq *rxq, struct rte_mbuf *m, uint32_t len)
{
	rearm(m, rxq->rearm);
	m->ol_flags = rxq->fresh_flags;
	m->packet_type = 0;
	m->pkt_len = len;
	m->data_len = (uint16_t)len;
	m->vlan_tci = 0;
	m->hash.rss = 0;
	return m;
}

static inline struct rte_mbuf *
take_fresh(struct mmnet_rxq *rxq, uint32_t len)
{
	return init_fresh(rxq, rxq->fresh[--rxq->fresh_count], len);
}

/* Allocate n <= MMNET_RX_CHUNK mbufs into rxq->spare. @return false: the pool has fewer */
static bool
get_spare(struct mmnet_rxq *rxq, uint32_t n)
{
	struct rte_mbuf *m[MMNET_RX_CHUNK];

	if (rte_mempool_get_bulk(rxq->mp, (void **)m, n) != 0)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		m[i]->next = rxq->spare;
		rxq->spare = m[i];
	}
	rxq->spare_count += n;
	return true;
}

/*
 * Hold at least `need` mbufs: as many in rxq->fresh as it has room for, the others in rxq->spare.
 * @return 0; -ENOBUFS: not now; -EMSGSIZE: never, the pool has fewer
 */
static int
reserve(struct mmnet_rxq *rxq, uint32_t need)
{
	uint32_t have = rxq->fresh_count + rxq->spare_count;

	if (likely(need <= have))
		return 0;
	if (need > rxq->mp->size)
		return -EMSGSIZE;
	if (rxq->fresh_count < MMNET_RX_CHUNK) {
		uint32_t n = RTE_MIN(need - have, (uint32_t)MMNET_RX_CHUNK - rxq->fresh_count);

		if (rte_mempool_get_bulk(rxq->mp, (void **)&rxq->fresh[rxq->fresh_count], n) != 0)
			return -ENOBUFS;
		rxq->fresh_count += (uint16_t)n;
		have += n;
	}
	for (; have < need; have = rxq->fresh_count + rxq->spare_count)
		if (!get_spare(rxq, RTE_MIN(need - have, (uint32_t)MMNET_RX_CHUNK)))
			return -ENOBUFS;
	return 0;
}

/*
 * @return bytes of the message that continues with the ring's next descriptor; stops counting
 * beyond `enough`
 */
static uint64_t
rest_of_message(const struct fido_receiver *r, uint64_t enough)
{
	uint64_t bytes = 0;

	/*
	 * A length only; the descriptors are read again later. A sender that changes them harms
	 * itself.
	 */
	for (uint32_t n = 0; n <= r->mask && bytes <= enough; n++) {
		uint32_t pos = r->cons + n;
		const struct fido_desc_shm *d = &r->desc[pos & r->mask];
		uint64_t w1 = fido_load_relaxed(&d->w1);

		if ((uint16_t)w1 != (uint16_t)((pos >> r->shift) + 1))
			break;
		bytes += w1 >> 32;
		if (!(fido_load_relaxed(&d->w0) >> FIDO_GADDR_BITS & FIDO_DESC_CHAINED))
			break;
	}
	return bytes;
}

/*
 * @return bytes of the message that begins with d, of which n descriptors have been read; stops
 * counting beyond `enough`
 */
static uint64_t
message_bytes(const struct reader *rd, const struct fido_desc *d, uint16_t n, uint64_t enough)
{
	uint64_t bytes = 0;

	for (uint16_t i = 0; i < n; i++) {
		bytes += d[i].len;
		if (!(d[i].flags & FIDO_DESC_CHAINED))
			return bytes;
	}
	return bytes + rest_of_message(rd->r, enough);
}

/* @return true when d begins with an Ethernet header that has a VLAN tag */
static inline bool
is_tagged(const struct fido_desc *d)
{
	const uint8_t *p = d->data;

	return p != NULL && d->len >= RTE_ETHER_HDR_LEN + 4 && p[12] == RTE_ETHER_TYPE_VLAN >> 8 &&
		p[13] == (RTE_ETHER_TYPE_VLAN & 0xff);
}

/* @return mbufs that the message takes that begins with d, of which n descriptors have been read */
static uint32_t
mbufs_of(const struct reader *rd, const struct fido_desc *d, uint16_t n, uint32_t copies)
{
	const struct mmnet_rxq *rxq = rd->rxq;
	uint64_t bytes;

	if (copies == COPY_NONE)
		return rxq->strip && n != 0 && is_tagged(d);
	if (copies != COPY_ALL)
		bytes = RTE_MIN(message_bytes(rd, d, n, copies), (uint64_t)copies);
	else
		bytes = message_bytes(rd, d, n, rxq->max_frame);
	/* It will be dropped. */
	if (bytes > rxq->max_frame || rxq->room == 0)
		return 0;
	return rxq->scatter && bytes > rxq->room ? ((uint32_t)bytes + rxq->room - 1) / rxq->room
						 : 1;
}

#endif
