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
 */

#include <errno.h>
#include <string.h>

#include <rte_lcore.h>
#include <rte_prefetch.h>

#include "mmnet.h"
#include "mmnet_copy.h"
#include "mmnet_reader.h"

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

/* @return true when d is not of the message's bytes */
static inline bool
take_meta(struct reader *rd, const struct fido_desc *d)
{
	struct mmnet_rxq *rxq = rd->rxq;

	if (likely(!(d->flags & FIDO_DESC_INLINE)))
		return false;
	if (unlikely(rxq->dropping || rxq->head != NULL || rxq->expecting ||
			    !mmnet_meta_read(&rxq->meta, d, rxq->accepts))) {
		rd->t.bad++;
		rxq->expecting = false;
		drop_message(rd, d, FIDO_STATUS_BAD_ADDRESS);
		return true;
	}
	rxq->expecting = true;
	fido_receiver_complete(rd->r, d->ticket, FIDO_STATUS_OK);
	rd->t.completed++;
	return true;
}

/* After d, which may have been a message's last: the packet, if it was delivered, gets what came before it. */
static inline void
give_meta(struct reader *rd, const struct fido_desc *d, uint16_t before)
{
	struct mmnet_rxq *rxq = rd->rxq;

	if (likely(!rxq->expecting) || (d->flags & FIDO_DESC_CHAINED))
		return;
	rxq->expecting = false;
	if (likely(rd->n != before) && unlikely(!mmnet_meta_apply(&rxq->meta, rd->pkts[before])))
		rd->t.bad++;
}

/* ---- mbufs to copy into ---- */

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
take_fresh(struct mmnet_rxq *rxq, uint32_t len)
{
	struct rte_mbuf *m = rxq->fresh[--rxq->fresh_count];

	rearm(m, rxq->rearm);
	m->ol_flags = rxq->fresh_flags;
	m->packet_type = 0;
	m->pkt_len = len;
	m->data_len = (uint16_t)len;
	m->vlan_tci = 0;
	m->hash.rss = 0;
	return m;
}

/*
 * Copy one descriptor's bytes to the end of the message, into as many mbufs as it takes.
 * @return 0, -EMSGSIZE (the packet may have one mbuf only), -ENOBUFS (counted)
 */
static int
copy_append(struct mmnet_rxq *rxq, const char *from, uint32_t len)
{
	while (len != 0 || rxq->head == NULL) {
		struct rte_mbuf *tail = rxq->tail;
		uint32_t room = tail != NULL && tail->pool == rxq->mp ?
				rxq->room - tail->data_len : 0;
		uint32_t part;

		if (room == 0) {
			if (tail != NULL && !rxq->scatter)
				return -EMSGSIZE;
			if (!refill(rxq)) {
				fido_counter_add(&rxq->q->stats->no_buffer, 1);
				return -ENOBUFS;
			}
			append(rxq, take_fresh(rxq, 0));
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

/* The general case of copying: chains, and packets longer than one mbuf. */
static void
copy_slow(struct reader *rd, const struct fido_desc *d)
{
	struct mmnet_rxq *rxq = rd->rxq;
	int ret = d->len > rxq->max_frame ? -EMSGSIZE : copy_append(rxq, d->data, d->len);

	if (ret != 0 || rxq->head->pkt_len > rxq->max_frame) {
		rd->t.too_long += ret != -ENOBUFS;
		drop_message(rd, d, FIDO_STATUS_DROPPED);
		return;
	}
	fido_receiver_complete(rd->r, d->ticket, FIDO_STATUS_OK);
	rd->t.completed++;
	if (d->flags & FIDO_DESC_CHAINED)
		return;
	rd->t.copied++;
	deliver(rd, rxq->head);
	rxq->head = rxq->tail = NULL;
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
take_header(struct mmnet_rxq *rxq, struct fido_receiver *r, const struct fido_desc *d, uint32_t skip)
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

/* ---- one descriptor, by mode ---- */

static inline void
take_copy(struct reader *rd, const struct fido_desc *d)
{
	/* A long packet before this one, in the same chunk, may have taken more mbufs than its share. */
	if (likely(d->len <= rd->rxq->whole && !(d->flags & FIDO_DESC_CHAINED) && rd->rxq->head == NULL &&
			rd->rxq->fresh_count != 0))
		copy_whole(rd, d);
	else
		copy_slow(rd, d);
}

static inline void
take_zero(struct reader *rd, const struct fido_desc *d)
{
	if (unlikely(d->len > rd->rxq->max_frame)) {
		rd->t.too_long++;
		drop_message(rd, d, FIDO_STATUS_DROPPED);
		return;
	}
	if (unlikely((d->flags & FIDO_DESC_CHAINED) || rd->rxq->head != NULL)) {
		zero_chain(rd, d);
		return;
	}
	deliver(rd, take_header(rd->rxq, rd->r, d, 0));
	rd->t.zero++;
}

static inline void
take_split(struct reader *rd, const struct fido_desc *d)
{
	struct mmnet_rxq *rxq = rd->rxq;
	bool first = rxq->head == NULL;
	uint32_t skip = first ? MMNET_HEADER_COPY : 0;
	int ret = 0;

	if (first && !(d->flags & FIDO_DESC_CHAINED) && d->len <= MMNET_HEADER_THRESHOLD && d->len <= rxq->whole &&
			rxq->fresh_count != 0) {
		copy_whole(rd, d);
		return;
	}
	if (unlikely(d->len > rxq->max_frame))
		ret = -EMSGSIZE;
	else if (first)
		ret = copy_append(rxq, d->data, RTE_MIN(d->len, skip));
	if (unlikely(ret != 0)) {
		rd->t.too_long += ret != -ENOBUFS;
		drop_message(rd, d, FIDO_STATUS_DROPPED);
		return;
	}
	if (d->len > skip) {
		append(rxq, take_header(rxq, rd->r, d, skip));
	} else {
		fido_receiver_complete(rd->r, d->ticket, FIDO_STATUS_OK);
		rd->t.completed++;
	}
	if (unlikely(chain_too_long(rd, d)))
		return;
	if (d->flags & FIDO_DESC_CHAINED)
		return;
	rd->t.header++;
	deliver(rd, rxq->head);
	rxq->head = rxq->tail = NULL;
}

/* ---- the burst ---- */

/* @return how many descriptors may be read now: each needs an mbuf of the kinds its mode uses */
static inline uint16_t
budget(struct mmnet_rxq *rxq, uint16_t want, enum mmnet_rx_mode mode)
{
	uint32_t n = RTE_MIN(want, (uint16_t)MMNET_RX_CHUNK);

	if (mode != MMNET_RX_ZERO) {
		if (unlikely(!refill(rxq))) {
			fido_counter_add(&rxq->q->stats->no_buffer, 1);
			return 0;
		}
		n = RTE_MIN(n, (uint32_t)rxq->fresh_count);
	}
	if (mode != MMNET_RX_COPY)
		n = RTE_MIN(n, rxq->headers->count);
	return (uint16_t)n;
}

static inline uint16_t
read_chunk(struct reader *rd, struct fido_desc *d, uint16_t max, enum mmnet_rx_mode mode)
{
	uint16_t n;

	if (max == 0 || !fido_receiver_pending(rd->r))
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
		max = budget(rd->rxq, (uint16_t)(rd->max - rd->n), mode);
		got = read_chunk(rd, d, max, mode);
		for (uint16_t i = 0; i < got; i++) {
			uint16_t before = rd->n;

			if (full && take_meta(rd, &d[i]))
				continue;
			if (!filter(rd, &d[i])) {
				if (mode == MMNET_RX_COPY)
					take_copy(rd, &d[i]);
				else if (mode == MMNET_RX_ZERO)
					take_zero(rd, &d[i]);
				else
					take_split(rd, &d[i]);
			}
			if (full)
				give_meta(rd, &d[i], before);
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
 * The burst ended within a message. More of it waits: go on there next time. Nothing waits: a sender publishes
 * whole messages, so this one breaks the rules.
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

/* @return the ring to begin with: the one that an unfinished message is in, else in turn. A stopped queue reads none. */
static uint16_t
first_ring(struct reader *rd)
{
	struct mmnet_rxq *rxq = rd->rxq;
	struct fido_rxq *q = rxq->q;

	if (likely(rxq->head == NULL && !rxq->dropping && !rxq->stopped && !rxq->expecting)) {
		if (++q->next >= q->count)
			q->next = 0;
		return q->next;
	}
	if (rxq->stopped) {
		rd->max = 0;
		return 0;
	}
	for (uint16_t i = 0; i < q->count; i++)
		if (q->receivers[i]->queue_id == rxq->partial_id)
			return i;
	/* The ring is gone, and with it the rest of the message. */
	rd->t.completed += discard(rxq, FIDO_STATUS_DROPPED);
	rxq->dropping = rxq->expecting = false;
	return 0;
}

static __rte_always_inline uint16_t
rx_locked(struct mmnet_rxq *rxq, struct rte_mbuf **pkts, uint16_t n, enum mmnet_rx_mode mode, const bool full)
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
		if (unlikely(rxq->head != NULL || rxq->dropping || (full && rxq->expecting))) {
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
	return mmnet_rx_finish(queue, pkts, rx_burst(queue, pkts, n, MMNET_RX_COPY, true));
}

static uint16_t
rx_burst_header_full(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return mmnet_rx_finish(queue, pkts, rx_burst(queue, pkts, n, MMNET_RX_HEADER, true));
}

static uint16_t
rx_burst_zero_full(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return mmnet_rx_finish(queue, pkts, rx_burst(queue, pkts, n, MMNET_RX_ZERO, true));
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
}

void
mmnet_rx_reset(struct mmnet_rxq *rxq)
{
	mmnet_rx_settle(rxq);
	if (rxq->q != NULL) {
		fido_lock_take(&rxq->q->lock);
		fido_counter_add(&rxq->q->stats->completed, discard(rxq, FIDO_STATUS_CLOSED));
		rxq->dropping = rxq->expecting = false;
		fido_lock_release(&rxq->q->lock);
	}
	mmnet_rx_free_fresh(rxq);
}
