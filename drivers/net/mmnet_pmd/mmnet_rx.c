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

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_prefetch.h>

#include <fido/atomic.h>
#include <fido/link.h>
#include <fido/lock.h>
#include <fido/queue_shm.h>
#include <fido/receiver.h>
#include <fido/rxq.h>

#include "mmnet_meta.h"
#include "mmnet_pool.h"
#include "mmnet_rx.h"
#include "mmnet_rx_copy.h"
#include "mmnet_rx_mbufs.h"
#include "mmnet_rx_offload.h"
#include "mmnet_rx_pointer.h"
#include "mmnet_rx_reader.h"
#include "mmnet_rxq.h"
#include "mmnet_tx.h"

/* rx=header copies packets up to this length as a whole. */
#define HEADER_THRESHOLD 256
/* After so many empty polls, look for completions on the transmit queues of this lcore. */
#define IDLE_REAP 128

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

/* ---- metadata ---- */

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

/* ---- one descriptor, by mode ---- */

/*
 * What a mode does with descriptor d, the first of n that have been read and not been taken. A burst function passes it, and
 * how many bytes of a packet its mode copies, as constants: so the compiler makes each for its mode alone.
 * @return false: the message waits for mbufs
 */
typedef bool take_fn(struct reader *rd, const struct fido_desc *d, uint16_t n, const bool full);

/*
 * Metadata: it is taken when its message can be.
 * @return false: that waits for mbufs
 */
static inline bool
take_meta(struct reader *rd, const struct fido_desc *d, uint16_t n, uint32_t copies)
{
	struct mmnet_rxq *rxq = rd->rxq;

	if (unlikely(rxq->dropping || rxq->head != NULL || rxq->expecting ||
		    !mmnet_meta_read(&rxq->meta, d, rxq->accepts))) {
		rd->t.bad++;
		rxq->expecting = false;
		drop_message(rd, d, FIDO_STATUS_BAD_ADDRESS);
		return true;
	}
	if (unlikely(reserve(rxq, mbufs_of(rd, d + 1, (uint16_t)(n - 1), copies)) == -ENOBUFS))
		return false;
	rxq->expecting = true;
	fido_receiver_complete(rd->r, d->ticket, FIDO_STATUS_OK);
	rd->t.completed++;
	return true;
}

static inline bool
take_copy(struct reader *rd, const struct fido_desc *d, uint16_t n, const bool full)
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
		unlikely(reserve(rd->rxq, mbufs_of(rd, d, n, COPY_NONE)) == -ENOBUFS))
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
		return COPY_HEADER;
	if (rxq->tail->pool != rxq->mp || rxq->head->pkt_len >= COPY_HEADER)
		return 0;
	return COPY_HEADER - rxq->head->pkt_len;
}

static inline bool
take_split(struct reader *rd, const struct fido_desc *d, uint16_t n, const bool full)
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
		ret = copy_part(rd, d, n, skip, COPY_HEADER);
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
budget(struct reader *rd, uint16_t want, const uint32_t copies)
{
	struct mmnet_rxq *rxq = rd->rxq;
	uint32_t n = RTE_MIN(want, (uint16_t)MMNET_RX_CHUNK);

	if (copies != COPY_NONE) {
		if (likely(refill(rxq))) {
			n = RTE_MIN(n, (uint32_t)rxq->fresh_count);
		} else if (rxq->head == NULL) {
			wait_for_mbufs(rd, NULL, 0);
			return 0;
		}
	}
	if (copies != COPY_ALL)
		n = RTE_MIN(n, rxq->headers->count);
	return (uint16_t)n;
}

static inline uint16_t
read_chunk(struct reader *rd, struct fido_desc *d, uint16_t max, const uint32_t copies)
{
	uint16_t n;

	if (max == 0 || (copies == COPY_NONE && !fido_receiver_pending(rd->r)))
		return 0;
	/* As many as came the last time. */
	fido_receiver_prefetch(rd->r, rd->rxq->last_chunk);
	n = (uint16_t)fido_receiver_poll(rd->r, d, max);
	/* Into the second cache: the first one's fetches are too few for a chunk, and what is read first would wait for all. */
	for (uint16_t i = 0; copies != COPY_NONE && i < n; i++)
		rte_prefetch1(d[i].data); /* NULL does no harm */
	if (n != 0)
		fido_receiver_stamp(rd->r);
	rd->rxq->last_chunk = n;
	rd->t.polled += n;
	return n;
}

static __rte_always_inline void
read_ring(struct reader *rd, take_fn *take, const uint32_t copies, const bool full)
{
	struct fido_desc d[MMNET_RX_CHUNK];
	uint32_t seen = 0;
	uint16_t got, max;

	do {
		/* Without a look the pool would be asked for mbufs that nothing comes for. */
		if (copies != COPY_NONE && !fido_receiver_pending(rd->r))
			break;
		max = budget(rd, (uint16_t)(rd->max - rd->n), copies);
		got = read_chunk(rd, d, max, copies);
		for (uint16_t i = 0; i < got; i++) {
			uint16_t before = rd->n, left = (uint16_t)(got - i);
			bool meta = full && unlikely(d[i].flags & FIDO_DESC_INLINE);

			if (unlikely(meta ? !take_meta(rd, &d[i], left, copies)
					  : !filter(rd, &d[i]) && !take(rd, &d[i], left, full))) {
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
rx_locked(struct mmnet_rxq *rxq, struct rte_mbuf **pkts, uint16_t n, take_fn *take,
	const uint32_t copies, const bool full)
{
	struct fido_rxq *q = rxq->q;
	struct reader rd = {.rxq = rxq, .pkts = pkts, .max = n};
	uint16_t first = first_ring(&rd);

	if (copies != COPY_ALL)
		mmnet_headers_harvest(rxq->headers, q);
	for (uint16_t k = 0; k < q->count && rd.n < rd.max; k++) {
		rd.r = q->receivers[first];
		if (++first == q->count)
			first = 0;
		read_ring(&rd, take, copies, full);
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
rx_burst(void *queue, struct rte_mbuf **pkts, uint16_t n, take_fn *take, const uint32_t copies,
	const bool full)
{
	struct mmnet_rxq *rxq = queue;
	uint16_t got;

	if (unlikely(!fido_lock_try(&rxq->q->lock)))
		return 0;
	got = rx_locked(rxq, pkts, n, take, copies, full);
	fido_lock_release(&rxq->q->lock);
	/* Buffers of others that we passed on come back through our transmit queues: without this an idle
	 * forwarder would keep them, and their owner might have none left to send. */
	if (got == 0 && unlikely(++rxq->idle == IDLE_REAP)) {
		rxq->idle = 0;
		mmnet_tx_reap_lcore(rte_lcore_id());
	}
	return got;
}

uint16_t
mmnet_rx_burst_copy(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return rx_burst(queue, pkts, n, take_copy, COPY_ALL, false);
}

uint16_t
mmnet_rx_burst_header(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return rx_burst(queue, pkts, n, take_split, COPY_HEADER, false);
}

uint16_t
mmnet_rx_burst_zero(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return rx_burst(queue, pkts, n, take_zero, COPY_NONE, false);
}

uint16_t
mmnet_rx_burst_copy_full(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return mmnet_rx_offload_apply(queue, pkts,
		rx_burst(queue, pkts, n, take_copy, COPY_ALL, true));
}

uint16_t
mmnet_rx_burst_header_full(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return mmnet_rx_offload_apply(queue, pkts,
		rx_burst(queue, pkts, n, take_split, COPY_HEADER, true));
}

uint16_t
mmnet_rx_burst_zero_full(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return mmnet_rx_offload_apply(queue, pkts,
		rx_burst(queue, pkts, n, take_zero, COPY_NONE, true));
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
