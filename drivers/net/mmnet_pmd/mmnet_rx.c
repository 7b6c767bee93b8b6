/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive: one burst function for each mode, chosen when the port starts.
 *
 *   copy    every packet is copied into the application's mbufs; tickets go back at once
 *   header  of longer packets only the first bytes are copied; the rest follows as a read-only segment
 *   zero    the mbuf points into the peer's memory; its ticket goes back when it is freed
 *
 * Each works on chunks: first the descriptors of a chunk are read and checked, and what will be copied is
 * prefetched; then the mbufs are filled. A message that is not complete within a chunk is carried in
 * rxq->head.
 *
 * A message waits in its ring until there are mbufs of the application's pool for all of it: nothing of it is read before,
 * and it holds none while it waits. So two queues of one pool cannot each have half of what they need. Header mbufs are
 * the queue's own: a message that lacks some keeps those that it has, and goes on when the application frees others.
 */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <ethdev_driver.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_prefetch.h>

#include <fido/atomic.h>
#include <fido/gaddr.h>
#include <fido/link.h>
#include <fido/lock.h>
#include <fido/queue_shm.h>
#include <fido/receiver.h>
#include <fido/rxq.h>

#include "mmnet_meta.h"
#include "mmnet_pool.h"
#include "mmnet_rx.h"
#include "mmnet_rx_copy.h"
#include "mmnet_rx_mode.h"
#include "mmnet_rx_offload.h"
#include "mmnet_rx_reader.h"
#include "mmnet_rxq.h"
#include "mmnet_tx.h"

/* Header mode copies this much into the writable first segment... */
#define HEADER_COPY 128
/* ... of packets longer than this; shorter ones are copied whole. */
#define HEADER_THRESHOLD 256
/* After so many empty polls, look for completions on the transmit queues of this lcore. */
#define IDLE_REAP 128

/* ---- the message that is being read ---- */

static inline void
rearm(struct rte_mbuf *m, uint64_t value)
{
	/* data_off, refcnt, nb_segs, port in one store, as rte_mbuf.h lays them out for this. */
	*(uint64_t *)RTE_PTR_ADD(m, offsetof(struct rte_mbuf, rearm_data)) = value;
}

static inline void
deliver(struct reader *rd, struct rte_mbuf *m)
{
	rd->t.packets++;
	rd->t.bytes += m->pkt_len;
	rd->pkts[rd->n++] = m;
}

static void
append(struct mmnet_rxq *rxq, struct rte_mbuf *m)
{
	if (rxq->head == NULL) {
		rxq->head = rxq->tail = m;
		return;
	}
	rxq->tail->next = m;
	rxq->tail = m;
	rxq->head->nb_segs++;
	rxq->head->pkt_len += m->data_len;
}

/*
 * Give back all of the unfinished message, and tell its sender: its ring need not be one that is read now. The queue's lock is
 * held, so headers go home directly.
 */
static uint32_t
discard(struct mmnet_rxq *rxq, uint16_t status)
{
	struct rte_mbuf *m = rxq->head;
	struct fido_receiver *r = NULL;
	uint32_t completed = 0;

	while (m != NULL) {
		struct rte_mbuf *next = m->next;

		m->next = NULL;
		m->nb_segs = 1;
		if (rxq->headers != NULL && m->pool == rxq->headers->pool) {
			r = mmnet_header_priv(m)->receiver;
			mmnet_header_return(rxq->headers, m, status);
			completed++;
		} else {
			rte_mempool_put(m->pool, m);
		}
		m = next;
	}
	rxq->head = rxq->tail = NULL;
	if (r != NULL)
		fido_rxq_flush(rxq->q, r);
	return completed;
}

/* Drop the message that d belongs to: what was read of it, d itself, and what follows. */
static void
drop_message(struct reader *rd, const struct fido_desc *d, uint16_t status)
{
	struct mmnet_rxq *rxq = rd->rxq;

	rd->t.completed += discard(rxq, status);
	fido_receiver_complete(rd->r, d->ticket, status);
	rd->t.completed++;
	rxq->dropping = (d->flags & FIDO_DESC_CHAINED) != 0;
}

/* @return true when d is not to be looked at any further */
static inline bool
filter(struct reader *rd, const struct fido_desc *d)
{
	if (likely(d->data != NULL && !rd->rxq->dropping))
		return false;
	if (d->data == NULL)
		rd->t.bad++;
	drop_message(rd, d, d->data == NULL ? FIDO_STATUS_BAD_ADDRESS : FIDO_STATUS_DROPPED);
	return true;
}

/* ---- metadata (mmnet_meta.h), in the burst functions of ports that accept some ---- */

/*
 * After d, which may have been a message's last: the packet, if it was delivered, gets what came before it, and its tag is
 * taken out, for which mbufs have been reserved.
 */
static inline void
finish_message(struct reader *rd, const struct fido_desc *d, uint16_t before)
{
	struct mmnet_rxq *rxq = rd->rxq;

	if (d->flags & FIDO_DESC_CHAINED)
		return;
	if (rxq->expecting && rd->n != before &&
		unlikely(!mmnet_meta_apply(&rxq->meta, rd->pkts[before])))
		rd->t.bad++;
	rxq->expecting = false;
	if (rxq->strip && rd->n != before)
		rd->pkts[before] = mmnet_rx_strip(rxq, rd->pkts[before]);
}

/* ---- mbufs of the application's pool ---- */

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

struct rte_mbuf *
mmnet_rx_take(struct mmnet_rxq *rxq)
{
	struct rte_mbuf *m = rxq->spare;

	if (m == NULL)
		return refill(rxq) ? take_fresh(rxq, 0) : NULL;
	rxq->spare = m->next;
	rxq->spare_count--;
	m->next = NULL;
	return init_fresh(rxq, m, 0);
}

/* Put n <= MMNET_RX_CHUNK mbufs aside. @return false: there are not so many */
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
 * Have at least `need` mbufs at hand: in fresh as many as it holds, the rest aside.
 * @return 0; -ENOBUFS: not now; -EMSGSIZE: the pool has not so many
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

/* @return bytes of the message that goes on with the next descriptor of the ring; more than `enough` is enough */
static uint64_t
rest_of_message(const struct fido_receiver *r, uint64_t enough)
{
	uint64_t bytes = 0;

	/* No address is used, and all is read anew when the message is: a sender that changes it harms itself. */
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

/* @return bytes of the message that begins with d, of which n descriptors have been read; more than `enough` is enough */
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

/* @return true when a tag must be taken out of a packet in the peer's memory */
static inline bool
is_tagged(const struct fido_desc *d)
{
	const uint8_t *p = d->data;

	return p != NULL && d->len >= RTE_ETHER_HDR_LEN + 4 && p[12] == RTE_ETHER_TYPE_VLAN >> 8 &&
		p[13] == (RTE_ETHER_TYPE_VLAN & 0xff);
}

/* @return mbufs that the message takes that begins with d, of which n descriptors have been read */
static uint32_t
mbufs_of(const struct reader *rd, const struct fido_desc *d, uint16_t n, enum mmnet_rx_mode mode)
{
	const struct mmnet_rxq *rxq = rd->rxq;
	uint64_t bytes;

	if (mode == MMNET_RX_ZERO)
		return rxq->strip && n != 0 && is_tagged(d);
	if (mode == MMNET_RX_HEADER)
		bytes = RTE_MIN(message_bytes(rd, d, n, HEADER_COPY), (uint64_t)HEADER_COPY);
	else
		bytes = message_bytes(rd, d, n, rxq->max_frame);
	/* What is dropped needs none. */
	if (bytes > rxq->max_frame || rxq->room == 0)
		return 0;
	return rxq->scatter && bytes > rxq->room ? ((uint32_t)bytes + rxq->room - 1) / rxq->room
						 : 1;
}

/*
 * Copy one descriptor's bytes to the end of the message, into as many mbufs as it takes.
 * @return 0, -EMSGSIZE (the packet may have one mbuf only), -ENOBUFS (the message is longer than it was)
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
 * Copy up to max bytes of d, which is of a message that n descriptors have been read of.
 * @return 0, -EMSGSIZE, -ENOBUFS: at the beginning of a message, it waits; later, it is not what it was at its beginning
 */
static int
copy_part(struct reader *rd, const struct fido_desc *d, uint16_t n, uint32_t max,
	enum mmnet_rx_mode mode)
{
	struct mmnet_rxq *rxq = rd->rxq;
	int ret = 0;

	if (d->len > rxq->max_frame)
		return -EMSGSIZE;
	if (rxq->head == NULL)
		ret = reserve(rxq, mbufs_of(rd, d, n, mode));
	if (ret == 0)
		ret = copy_append(rxq, d->data, RTE_MIN(d->len, max));
	return ret;
}

/* Drop the message that d belongs to, as copy_part() says. */
static void
drop_uncopied(struct reader *rd, const struct fido_desc *d, int ret)
{
	rd->t.too_long += ret != -ENOBUFS;
	rd->t.bad += ret == -ENOBUFS;
	drop_message(rd, d, FIDO_STATUS_DROPPED);
}

/* The general case of copying: chains, and packets longer than one mbuf. @return false: the message waits for mbufs */
static bool
copy_slow(struct reader *rd, const struct fido_desc *d, uint16_t n)
{
	struct mmnet_rxq *rxq = rd->rxq;
	int ret = copy_part(rd, d, n, UINT32_MAX, MMNET_RX_COPY);

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

/* ---- mbufs that point into the peer's memory ---- */

static inline struct rte_mbuf *
take_header(struct mmnet_rxq *rxq, struct fido_receiver *r, const struct fido_desc *d,
	uint32_t skip)
{
	struct mmnet_headers *h = rxq->headers;
	struct rte_mbuf *m = h->stack[--h->count];
	struct mmnet_header_priv *priv = mmnet_header_priv(m);
	uint16_t len = (uint16_t)(d->len - skip);

	priv->receiver = r;
	priv->ticket = d->ticket;
	/* Read-only by its mapping; mbufs have no const. */
	m->buf_addr = (void *)((uintptr_t)d->data + skip);
	rearm(m, rxq->header_rearm);
	m->ol_flags = RTE_MBUF_F_EXTERNAL;
	m->packet_type = 0;
	m->pkt_len = len;
	m->data_len = len;
	m->vlan_tci = 0;
	m->hash.rss = 0;
	m->buf_len = len;
	return m;
}

/* @return true when the message was dropped: longer than a packet can be, or than there are headers for */
static inline bool
chain_too_long(struct reader *rd, const struct fido_desc *d)
{
	struct mmnet_rxq *rxq = rd->rxq;

	if (likely(rxq->head->pkt_len <= rxq->max_frame && rxq->head->nb_segs < rxq->headers->size))
		return false;
	rd->t.too_long++;
	rd->t.completed += discard(rxq, FIDO_STATUS_DROPPED);
	rxq->dropping = (d->flags & FIDO_DESC_CHAINED) != 0;
	return true;
}

/* A segment of a message that comes in several. */
static void
zero_chain(struct reader *rd, const struct fido_desc *d)
{
	struct mmnet_rxq *rxq = rd->rxq;

	append(rxq, take_header(rxq, rd->r, d, 0));
	if (unlikely(chain_too_long(rd, d)))
		return;
	if (d->flags & FIDO_DESC_CHAINED)
		return;
	rd->t.zero++;
	deliver(rd, rxq->head);
	rxq->head = rxq->tail = NULL;
}

/* ---- one descriptor, by mode: d is the first of n that have been read ---- */

/*
 * Metadata: it is taken when its message can be.
 * @return false: that waits for mbufs
 */
static inline bool
take_meta(struct reader *rd, const struct fido_desc *d, uint16_t n, enum mmnet_rx_mode mode)
{
	struct mmnet_rxq *rxq = rd->rxq;

	if (unlikely(rxq->dropping || rxq->head != NULL || rxq->expecting ||
		    !mmnet_meta_read(&rxq->meta, d, rxq->accepts))) {
		rd->t.bad++;
		rxq->expecting = false;
		drop_message(rd, d, FIDO_STATUS_BAD_ADDRESS);
		return true;
	}
	if (unlikely(reserve(rxq, mbufs_of(rd, d + 1, (uint16_t)(n - 1), mode)) == -ENOBUFS))
		return false;
	rxq->expecting = true;
	fido_receiver_complete(rd->r, d->ticket, FIDO_STATUS_OK);
	rd->t.completed++;
	return true;
}

static inline bool
take_copy(struct reader *rd, const struct fido_desc *d, uint16_t n)
{
	/* A long packet before this one, in the same chunk, may have taken more mbufs than its share. */
	if (likely(d->len <= rd->rxq->whole && !(d->flags & FIDO_DESC_CHAINED) &&
		    rd->rxq->head == NULL && rd->rxq->fresh_count != 0)) {
		copy_whole(rd, d);
		return true;
	}
	return copy_slow(rd, d, n);
}

static inline bool
take_zero(struct reader *rd, const struct fido_desc *d, uint16_t n, const bool full)
{
	if (unlikely(d->len > rd->rxq->max_frame)) {
		rd->t.too_long++;
		drop_message(rd, d, FIDO_STATUS_DROPPED);
		return true;
	}
	if (full && rd->rxq->head == NULL &&
		unlikely(reserve(rd->rxq, mbufs_of(rd, d, n, MMNET_RX_ZERO)) == -ENOBUFS))
		return false;
	if (unlikely((d->flags & FIDO_DESC_CHAINED) || rd->rxq->head != NULL)) {
		zero_chain(rd, d);
		return true;
	}
	deliver(rd, take_header(rd->rxq, rd->r, d, 0));
	rd->t.zero++;
	return true;
}

/* @return bytes of the message that are still to be copied in front, wherever its sender has cut it */
static inline uint32_t
left_to_copy(const struct mmnet_rxq *rxq)
{
	if (likely(rxq->head == NULL))
		return HEADER_COPY;
	if (rxq->tail->pool != rxq->mp || rxq->head->pkt_len >= HEADER_COPY)
		return 0;
	return HEADER_COPY - rxq->head->pkt_len;
}

static inline bool
take_split(struct reader *rd, const struct fido_desc *d, uint16_t n)
{
	struct mmnet_rxq *rxq = rd->rxq;
	uint32_t skip = left_to_copy(rxq);
	int ret = 0;

	if (rxq->head == NULL && !(d->flags & FIDO_DESC_CHAINED) && d->len <= HEADER_THRESHOLD &&
		d->len <= rxq->whole && rxq->fresh_count != 0) {
		copy_whole(rd, d);
		return true;
	}
	if (skip != 0)
		ret = copy_part(rd, d, n, skip, MMNET_RX_HEADER);
	else if (unlikely(d->len > rxq->max_frame))
		ret = -EMSGSIZE;
	if (unlikely(ret == -ENOBUFS && rxq->head == NULL))
		return false;
	if (unlikely(ret != 0)) {
		drop_uncopied(rd, d, ret);
		return true;
	}
	if (d->len > skip) {
		append(rxq, take_header(rxq, rd->r, d, skip));
	} else {
		fido_receiver_complete(rd->r, d->ticket, FIDO_STATUS_OK);
		rd->t.completed++;
	}
	if (unlikely(chain_too_long(rd, d)))
		return true;
	if (d->flags & FIDO_DESC_CHAINED)
		return true;
	if (likely(rxq->tail->pool != rxq->mp))
		rd->t.header++;
	else
		rd->t.copied++;
	deliver(rd, rxq->head);
	rxq->head = rxq->tail = NULL;
	return true;
}

static __rte_always_inline bool
take(struct reader *rd, const struct fido_desc *d, uint16_t n, enum mmnet_rx_mode mode,
	const bool full)
{
	if (mode == MMNET_RX_COPY)
		return take_copy(rd, d, n);
	if (mode == MMNET_RX_ZERO)
		return take_zero(rd, d, n, full);
	return take_split(rd, d, n);
}

/*
 * A message has to wait for mbufs: leave it in the ring, with these n descriptors that have been read from its first on.
 *
 * For a while no other ring is read before it, so that as many mbufs come together in the pool as it needs, whatever the
 * other rings bring; then they are, for as long: the application may keep its mbufs for ever.
 */
static void
wait_for_mbufs(struct reader *rd, const struct fido_desc *d, uint16_t n)
{
	struct mmnet_rxq *rxq = rd->rxq;

	for (uint16_t i = 0; i < n; i++)
		rd->r->held[d[i].ticket] = 0;
	rd->r->held_count -= n;
	rd->r->cons -= n;
	rd->t.polled -= n;
	fido_counter_add(&rxq->q->stats->no_buffer, 1);
	/* Other queues of this pool wait for them, perhaps. */
	mmnet_rx_free_fresh(rxq);
	/* By turns this ring keeps the others waiting, and does not. */
	rxq->waiting = rte_rdtsc() / rxq->wait_turn % 2 != 0;
}

/* ---- the burst ---- */

/* @return how many descriptors may be read now: each needs an mbuf of the kinds its mode uses, but what goes on with a message */
static inline uint16_t
budget(struct reader *rd, uint16_t want, enum mmnet_rx_mode mode)
{
	struct mmnet_rxq *rxq = rd->rxq;
	uint32_t n = RTE_MIN(want, (uint16_t)MMNET_RX_CHUNK);

	if (mode != MMNET_RX_ZERO) {
		if (likely(refill(rxq))) {
			n = RTE_MIN(n, (uint32_t)rxq->fresh_count);
		} else if (rxq->head == NULL) {
			wait_for_mbufs(rd, NULL, 0);
			return 0;
		}
	}
	if (mode != MMNET_RX_COPY)
		n = RTE_MIN(n, rxq->headers->count);
	return (uint16_t)n;
}

static inline uint16_t
read_chunk(struct reader *rd, struct fido_desc *d, uint16_t max, enum mmnet_rx_mode mode)
{
	uint16_t n;

	if (max == 0 || (mode == MMNET_RX_ZERO && !fido_receiver_pending(rd->r)))
		return 0;
	/* As many as came the last time. */
	fido_receiver_prefetch(rd->r, rd->rxq->last_chunk);
	n = (uint16_t)fido_receiver_poll(rd->r, d, max);
	/* Into the second cache: the first one's fetches are too few for a chunk, and what is read first would wait for all. */
	for (uint16_t i = 0; mode != MMNET_RX_ZERO && i < n; i++)
		rte_prefetch1(d[i].data); /* NULL does no harm */
	if (n != 0)
		fido_receiver_stamp(rd->r);
	rd->rxq->last_chunk = n;
	rd->t.polled += n;
	return n;
}

static __rte_always_inline void
read_ring(struct reader *rd, enum mmnet_rx_mode mode, const bool full)
{
	struct fido_desc d[MMNET_RX_CHUNK];
	uint32_t seen = 0;
	uint16_t got, max;

	do {
		/* Without a look the pool would be asked for mbufs that nothing comes for. */
		if (mode != MMNET_RX_ZERO && !fido_receiver_pending(rd->r))
			break;
		max = budget(rd, (uint16_t)(rd->max - rd->n), mode);
		got = read_chunk(rd, d, max, mode);
		for (uint16_t i = 0; i < got; i++) {
			uint16_t before = rd->n, left = (uint16_t)(got - i);
			bool meta = full && unlikely(d[i].flags & FIDO_DESC_INLINE);

			if (unlikely(meta ? !take_meta(rd, &d[i], left, mode)
					  : !filter(rd, &d[i]) &&
						    !take(rd, &d[i], left, mode, full))) {
				wait_for_mbufs(rd, &d[i], left);
				got = 0;
				break;
			}
			if (full && !meta)
				finish_message(rd, &d[i], before);
		}
		seen += got;
		/* Once round the ring at most: a peer that posts nothing but what is dropped must not keep us here. */
	} while (got != 0 && got == max && rd->n < rd->max && seen <= rd->r->mask);
	if (rd->t.completed != 0)
		fido_rxq_flush(rd->rxq->q, rd->r);
	if (unlikely(rd->r->broken))
		fido_link_kick(rd->rxq->q->link);
}

/*
 * The burst ended within a message, or before one that waits for mbufs. More of it is there: go on with it next time. Nothing
 * is: a sender publishes whole messages, so this one breaks the rules.
 */
static void
suspend(struct reader *rd)
{
	struct mmnet_rxq *rxq = rd->rxq;

	rxq->partial_id = rd->r->queue_id;
	if (fido_receiver_pending(rd->r))
		return;
	rd->r->broken = true;
	rd->t.completed += discard(rxq, FIDO_STATUS_DROPPED);
	rxq->dropping = rxq->expecting = false;
	fido_link_kick(rxq->q->link);
}

/* @return the ring that a message is in that goes on, or waits; 0: it is gone */
static __rte_noinline uint16_t
ring_of_message(struct reader *rd)
{
	struct mmnet_rxq *rxq = rd->rxq;
	struct fido_rxq *q = rxq->q;

	rxq->waiting = false;
	for (uint16_t i = 0; i < q->count; i++)
		if (q->receivers[i]->queue_id == rxq->partial_id)
			return i;
	/* And with the ring the rest of the message. */
	fido_counter_add(&q->stats->completed, discard(rxq, FIDO_STATUS_DROPPED));
	rxq->dropping = rxq->expecting = false;
	return 0;
}

/* @return the ring to begin with: the one that a message is in that goes on or waits, else in turn. A stopped queue reads none. */
static uint16_t
first_ring(struct reader *rd)
{
	struct mmnet_rxq *rxq = rd->rxq;
	struct fido_rxq *q = rxq->q;

	if (likely(rxq->head == NULL && !rxq->dropping && !rxq->stopped && !rxq->expecting &&
		    !rxq->waiting)) {
		if (++q->next >= q->count)
			q->next = 0;
		return q->next;
	}
	if (!rxq->stopped)
		return ring_of_message(rd);
	rd->max = 0;
	return 0;
}

static __rte_always_inline uint16_t
rx_locked(struct mmnet_rxq *rxq, struct rte_mbuf **pkts, uint16_t n, enum mmnet_rx_mode mode,
	const bool full)
{
	struct fido_rxq *q = rxq->q;
	struct reader rd = {.rxq = rxq, .pkts = pkts, .max = n};
	uint16_t first = first_ring(&rd);

	if (mode != MMNET_RX_COPY)
		mmnet_headers_harvest(rxq->headers, q);
	for (uint16_t k = 0; k < q->count && rd.n < rd.max; k++) {
		rd.r = q->receivers[first];
		if (++first == q->count)
			first = 0;
		read_ring(&rd, mode, full);
		if (unlikely(rxq->head != NULL || rxq->dropping || (full && rxq->expecting) ||
			    rxq->waiting)) {
			suspend(&rd);
			break;
		}
	}
	if (rd.t.polled != 0)
		tally_count(&rd.t, q->stats);
	return rd.n;
}

static __rte_always_inline uint16_t
rx_burst(void *queue, struct rte_mbuf **pkts, uint16_t n, enum mmnet_rx_mode mode, const bool full)
{
	struct mmnet_rxq *rxq = queue;
	uint16_t got;

	if (unlikely(!fido_lock_try(&rxq->q->lock)))
		return 0;
	got = rx_locked(rxq, pkts, n, mode, full);
	fido_lock_release(&rxq->q->lock);
	/* Buffers of others that we passed on come back through our transmit queues: without this an idle
	 * forwarder would keep them, and their owner might have none left to send. */
	if (got == 0 && unlikely(++rxq->idle == IDLE_REAP)) {
		rxq->idle = 0;
		mmnet_tx_reap_lcore(rte_lcore_id());
	}
	return got;
}

static uint16_t
rx_burst_copy(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return rx_burst(queue, pkts, n, MMNET_RX_COPY, false);
}

static uint16_t
rx_burst_header(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return rx_burst(queue, pkts, n, MMNET_RX_HEADER, false);
}

static uint16_t
rx_burst_zero(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return rx_burst(queue, pkts, n, MMNET_RX_ZERO, false);
}

static uint16_t
rx_burst_copy_full(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return mmnet_rx_offload_apply(queue, pkts, rx_burst(queue, pkts, n, MMNET_RX_COPY, true));
}

static uint16_t
rx_burst_header_full(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return mmnet_rx_offload_apply(queue, pkts, rx_burst(queue, pkts, n, MMNET_RX_HEADER, true));
}

static uint16_t
rx_burst_zero_full(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return mmnet_rx_offload_apply(queue, pkts, rx_burst(queue, pkts, n, MMNET_RX_ZERO, true));
}

eth_rx_burst_t
mmnet_rx_function(enum mmnet_rx_mode mode, bool full)
{
	static const eth_rx_burst_t functions[][2] = {
		[MMNET_RX_AUTO] = {rx_burst_copy, rx_burst_copy_full},
		[MMNET_RX_COPY] = {rx_burst_copy, rx_burst_copy_full},
		[MMNET_RX_HEADER] = {rx_burst_header, rx_burst_header_full},
		[MMNET_RX_ZERO] = {rx_burst_zero, rx_burst_zero_full},
	};

	return functions[mode][full];
}

void
mmnet_rx_free_fresh(struct mmnet_rxq *rxq)
{
	if (rxq->fresh_count != 0)
		rte_mempool_put_bulk(rxq->mp, (void **)rxq->fresh, rxq->fresh_count);
	rxq->fresh_count = 0;
	while (rxq->spare != NULL) {
		struct rte_mbuf *m = rxq->spare;

		rxq->spare = m->next;
		m->next = NULL;
		rte_mempool_put(rxq->mp, m);
	}
	rxq->spare_count = 0;
}

void
mmnet_rx_reset(struct mmnet_rxq *rxq)
{
	mmnet_rx_settle(rxq);
	if (rxq->q != NULL) {
		fido_lock_take(&rxq->q->lock);
		fido_counter_add(&rxq->q->stats->completed, discard(rxq, FIDO_STATUS_CLOSED));
		rxq->dropping = rxq->expecting = rxq->waiting = false;
		fido_lock_release(&rxq->q->lock);
	}
	mmnet_rx_free_fresh(rxq);
}
