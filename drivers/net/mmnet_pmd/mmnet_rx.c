/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive: a burst function for each mode (mmnet_rx_mode.c), chosen when the port starts.
 *
 *   copy    copies every packet into the application's mbufs, and returns its tickets at once
 *   header  copies only the first bytes of longer packets; read-only segments with the rest follow
 *   zero    delivers mbufs that point into the peer's memory; freeing one returns its ticket
 *
 * Each works on chunks: it reads and checks the descriptors of a chunk, prefetches the bytes that
 * it will copy, then fills mbufs. rxq->head is a message that continues after the chunk.
 *
 * A message waits in its ring until the application's pool has mbufs for all of it. Until then no
 * part of it is read, and it holds no mbufs: otherwise two queues of one pool could each hold half
 * of what they need. Pointer mbufs are the queue's own: a message that needs more of them keeps
 * those that it has, and continues when the application frees others.
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

/* rx=header copies the whole of packets up to this length. */
#define HEADER_THRESHOLD 256
/* Empty polls after which the transmit queues of this lcore are reaped. */
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
 * If d was the last descriptor of a message, and its packet was delivered, apply the metadata that
 * came before it, and strip its tag; an mbuf is reserved for that.
 * @param before rd->n before d was taken
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
 * Take descriptor d, the first of n that have been read, in the way of one mode. A burst function
 * passes this function, and the number of bytes of a packet that its mode copies, as constants, so
 * that it is compiled for its mode alone.
 * @return false: the message waits for mbufs
 */
typedef bool take_fn(struct reader *rd, const struct fido_desc *d, uint16_t n, const bool offload);

/*
 * Take a descriptor of metadata, if mbufs for the message that follows can be reserved.
 * @return false: the message waits for mbufs
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
take_copy(struct reader *rd, const struct fido_desc *d, uint16_t n, const bool offload)
{
	/* A long packet earlier in the chunk may have taken more mbufs than its share. */
	if (likely(d->len <= rd->rxq->whole && !(d->flags & FIDO_DESC_CHAINED) &&
		    rd->rxq->head == NULL && rd->rxq->fresh_count != 0)) {
		copy_whole(rd, d);
		return true;
	}
	return copy_slow(rd, d, n);
}

static inline bool
take_zero(struct reader *rd, const struct fido_desc *d, uint16_t n, const bool offload)
{
	if (unlikely(d->len > rd->rxq->max_frame)) {
		rd->t.too_long++;
		drop_message(rd, d, FIDO_STATUS_DROPPED);
		return true;
	}
	if (offload && rd->rxq->head == NULL &&
		unlikely(reserve(rd->rxq, mbufs_of(rd, d, n, COPY_NONE)) == -ENOBUFS))
		return false;
	if (unlikely((d->flags & FIDO_DESC_CHAINED) || rd->rxq->head != NULL)) {
		zero_chain(rd, d);
		return true;
	}
	deliver(rd, take_pointer(rd->rxq, rd->r, d, 0));
	rd->t.zero++;
	return true;
}

/* @return bytes of the message still to be copied in front; its descriptors may be of any length */
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
take_split(struct reader *rd, const struct fido_desc *d, uint16_t n, const bool offload)
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
		append(rxq, take_pointer(rxq, rd->r, d, skip));
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
 * Leave a message that waits for mbufs in its ring: put back the n descriptors that have been read
 * from its first one on.
 *
 * For a period this ring is read before all others, so that their packets do not take the mbufs
 * that the message needs. In the next period the others are read too, because the application may
 * never free enough mbufs; and so on.
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
	/* Other queues of this pool may wait for them. */
	mmnet_rx_free_fresh(rxq);
	rxq->waiting = rte_rdtsc() / rxq->wait_turn % 2 != 0;
}

/* ---- the burst ---- */

/*
 * @return descriptors that may be read now: each needs an mbuf of each kind that its mode uses,
 * unless it continues a message
 */
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
		n = RTE_MIN(n, rxq->pointers->count);
	return (uint16_t)n;
}

static inline uint16_t
read_chunk(struct reader *rd, struct fido_desc *d, uint16_t max, const uint32_t copies)
{
	uint16_t n;

	if (max == 0 || (copies == COPY_NONE && !fido_receiver_pending(rd->r)))
		return 0;
	/* As many as the last chunk had. */
	fido_receiver_prefetch(rd->r, rd->rxq->last_chunk);
	n = (uint16_t)fido_receiver_poll(rd->r, d, max);
	/*
	 * Into L2: L1 has too few fill buffers for a chunk, and the first line to be read would
	 * wait for all.
	 */
	for (uint16_t i = 0; copies != COPY_NONE && i < n; i++)
		rte_prefetch1(d[i].data); /* NULL is harmless */
	if (n != 0)
		fido_receiver_stamp(rd->r);
	rd->rxq->last_chunk = n;
	rd->t.polled += n;
	return n;
}

static __rte_always_inline void
read_ring(struct reader *rd, take_fn *take, const uint32_t copies, const bool offload)
{
	struct fido_desc d[MMNET_RX_CHUNK];
	uint32_t seen = 0;
	uint16_t got, max;

	do {
		/* Allocate no mbufs for an empty ring. */
		if (copies != COPY_NONE && !fido_receiver_pending(rd->r))
			break;
		max = budget(rd, (uint16_t)(rd->max - rd->n), copies);
		got = read_chunk(rd, d, max, copies);
		for (uint16_t i = 0; i < got; i++) {
			uint16_t before = rd->n, left = (uint16_t)(got - i);
			bool meta = offload && unlikely(d[i].flags & FIDO_DESC_INLINE);

			if (unlikely(
				    meta ? !take_meta(rd, &d[i], left, copies)
					 : !filter(rd, &d[i]) && !take(rd, &d[i], left, offload))) {
				wait_for_mbufs(rd, &d[i], left);
				got = 0;
				break;
			}
			if (offload && !meta)
				finish_message(rd, &d[i], before);
		}
		seen += got;
		/*
		 * Once round the ring at most: a peer that posts only descriptors to be dropped
		 * must not hold us here.
		 */
	} while (got != 0 && got == max && rd->n < rd->max && seen <= rd->r->mask);
	if (rd->t.completed != 0)
		fido_rxq_flush(rd->rxq->q, rd->r);
	if (unlikely(rd->r->broken))
		fido_link_kick(rd->rxq->q->link);
}

/*
 * End a burst within a message, or before one that waits for mbufs: continue with it next time. If
 * the ring has no more of it, the ring is broken: senders publish whole messages.
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

/*
 * @return the ring that has the rest of the current message, or the message that waits; 0: the ring
 * is gone
 */
static __rte_noinline uint16_t
ring_of_message(struct reader *rd)
{
	struct mmnet_rxq *rxq = rd->rxq;
	struct fido_rxq *q = rxq->q;

	rxq->waiting = false;
	for (uint16_t i = 0; i < q->count; i++)
		if (q->receivers[i]->queue_id == rxq->partial_id)
			return i;
	/* The rest of the message went with the ring. */
	fido_counter_add(&q->stats->completed, discard(rxq, FIDO_STATUS_DROPPED));
	rxq->dropping = rxq->expecting = false;
	return 0;
}

/*
 * @return the ring to begin with: that of a message that continues or waits, else the next. A
 * stopped queue reads none.
 */
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
	const uint32_t copies, const bool offload)
{
	struct fido_rxq *q = rxq->q;
	struct reader rd = {.rxq = rxq, .pkts = pkts, .max = n};
	uint16_t first = first_ring(&rd);

	if (copies != COPY_ALL)
		mmnet_pointers_harvest(rxq->pointers, q);
	for (uint16_t k = 0; k < q->count && rd.n < rd.max; k++) {
		rd.r = q->receivers[first];
		if (++first == q->count)
			first = 0;
		read_ring(&rd, take, copies, offload);
		if (unlikely(rxq->head != NULL || rxq->dropping || (offload && rxq->expecting) ||
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
	const bool offload)
{
	struct mmnet_rxq *rxq = queue;
	uint16_t got;

	if (unlikely(!fido_lock_try(&rxq->q->lock)))
		return 0;
	got = rx_locked(rxq, pkts, n, take, copies, offload);
	fido_lock_release(&rxq->q->lock);
	/*
	 * Buffers of other domains that we forwarded come back through our transmit queues. If an
	 * idle forwarder did not reap them, their owner might have none left to send.
	 */
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
mmnet_rx_burst_copy_offload(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return mmnet_rx_offload_apply(queue, pkts,
		rx_burst(queue, pkts, n, take_copy, COPY_ALL, true));
}

uint16_t
mmnet_rx_burst_header_offload(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	return mmnet_rx_offload_apply(queue, pkts,
		rx_burst(queue, pkts, n, take_split, COPY_HEADER, true));
}

uint16_t
mmnet_rx_burst_zero_offload(void *queue, struct rte_mbuf **pkts, uint16_t n)
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
