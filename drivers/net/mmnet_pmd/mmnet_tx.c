/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit: post the mbufs' segments by address, free the mbufs when their tickets come back.
 *
 * A segment that the peer cannot read (memory that is not exported, pages that it has not mapped
 * yet, another domain's memory that it does not map) is copied once into this queue's part of the
 * arena. Its mbuf is freed at once, and the ticket's cookie is the arena's buffer instead.
 */

#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <fido/atomic.h>
#include <fido/gaddr.h>
#include <fido/link.h>
#include <fido/lock.h>
#include <fido/region.h>
#include <fido/sender.h>
#include <fido/txq.h>

#include "mmnet_bounce.h"
#include "mmnet_chain.h"
#include "mmnet_port.h"
#include "mmnet_tx.h"
#include "mmnet_txq.h"

/* Cookies reaped at a time. */
#define REAP_MAX 64

/* @return true when a cookie is a buffer of the arena, not an mbuf */
static inline bool
is_bounce(const void *cookie)
{
	return (uintptr_t)cookie & 1;
}

static void
free_bounce(struct mmnet_txq *txq, const void *cookie)
{
	uint16_t index = (uint16_t)((uintptr_t)cookie >> 1);

	if (index != MMNET_NO_BUFFER)
		txq->bounce_free[txq->bounce_count++] = index;
}

/*
 * Prefetch the beginning of a buffer, into which the application will write a packet. The
 * receiver's core still has the line: without this, each write of a burst would wait for a round
 * trip of its own.
 */
static inline void
fetch_for_writing(const struct rte_mbuf *m)
{
	fido_prefetch_write((const char *)m->buf_addr + m->data_off);
}

/* Free segments, which have a ticket each, in runs of one pool. */
static void
free_checked(struct mmnet_txq *txq, void **cookies, unsigned int n)
{
	struct rte_mempool *pool = NULL;
	unsigned int run = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = cookies[i];

		if (unlikely(is_bounce(m))) {
			free_bounce(txq, m);
			continue;
		}
		fetch_for_writing(m);
		m = rte_pktmbuf_prefree_seg(m);
		if (unlikely(m == NULL))
			continue;
		if (unlikely(m->pool != pool)) {
			if (run != 0)
				rte_mempool_put_bulk(pool, cookies, run);
			pool = m->pool;
			run = 0;
		}
		/* run <= i: the entry that is overwritten has been handled. */
		cookies[run++] = m;
	}
	if (run != 0)
		rte_mempool_put_bulk(pool, cookies, run);
}

/* MBUF_FAST_FREE: the application promises single segments of one pool, with one reference. */
static void
free_fast(struct mmnet_txq *txq, void **cookies, unsigned int n)
{
	unsigned int run = 0;

	for (unsigned int i = 0; i < n; i++) {
		cookies[run] = cookies[i];
		if (unlikely(is_bounce(cookies[i]))) {
			free_bounce(txq, cookies[i]);
			continue;
		}
		fetch_for_writing(cookies[i]);
		run++;
	}
	if (run != 0)
		rte_mempool_put_bulk(((struct rte_mbuf *)cookies[0])->pool, cookies, run);
}

static void
free_cookies(struct mmnet_txq *txq, void **cookies, unsigned int n)
{
	if (txq->fast_free)
		free_fast(txq, cookies, n);
	else
		free_checked(txq, cookies, n);
}

unsigned int
mmnet_tx_reap_max(struct mmnet_txq *txq, unsigned int max)
{
	void *cookies[REAP_MAX];
	unsigned int total = 0, n;

	do {
		n = fido_txq_reap_locked(txq->q, cookies,
			RTE_MIN(max - total, (unsigned int)REAP_MAX));
		free_cookies(txq, cookies, n);
		total += n;
	} while (n != 0 && total < max);
	if (txq->q->sender != NULL && unlikely(txq->q->sender->broken))
		fido_link_kick(txq->q->link);
	return total;
}

unsigned int
mmnet_tx_reap(struct mmnet_txq *txq)
{
	unsigned int n;

	if (txq->q == NULL || !fido_lock_try(&txq->q->lock))
		return 0;
	n = mmnet_tx_reap_max(txq, UINT32_MAX);
	fido_lock_release(&txq->q->lock);
	return n;
}

void
mmnet_tx_reap_lcore(unsigned int lcore)
{
	if (!fido_lock_try(&mmnet_ports_lock))
		return; /* Another lcore reaps, or a port is created or closed: next time. */
	for (struct mmnet_port *port = mmnet_ports; port != NULL; port = port->next)
		for (uint16_t i = 0; i < port->ntx_made; i++)
			if (port->txq[i] != NULL && port->txq[i]->lcore == lcore)
				mmnet_tx_reap(port->txq[i]);
	fido_lock_release(&mmnet_ports_lock);
}

static unsigned int
cleanup(struct mmnet_txq *txq, uint32_t max)
{
	unsigned int n;

	fido_lock_take(&txq->q->lock);
	n = mmnet_tx_reap_max(txq, max);
	fido_lock_release(&txq->q->lock);
	return n;
}

int
mmnet_tx_done_cleanup(void *queue, uint32_t free_cnt)
{
	const struct mmnet_txq *txq = queue;
	uint32_t max = free_cnt != 0 ? free_cnt : UINT32_MAX;
	unsigned int n = 0;

	if (txq->q == NULL)
		return 0;
	for (unsigned int k = 0; k < txq->port->spread && n < max; k++)
		n += cleanup(txq->port->txq[txq->index + k], max - n);
	return (int)n;
}

/*
 * Put packets of one segment, in one region of this domain's, on pages that the peer has mapped:
 * the fast path. Stop at the first other packet.
 * @param base the region's beginning in the packets' addresses: its local address, or its gaddr
 * @return packets put
 */
static __rte_always_inline uint16_t
put_region(struct mmnet_txq *txq, const struct fido_region *r, uint64_t base,
	struct rte_mbuf **pkts, uint16_t n, struct fido_tx_burst *b)
{
	uint32_t room = fido_sender_room(txq->q->sender);
	struct fido_post_cursor c = fido_post_begin(txq->q->sender);
	uint32_t epoch = fido_load_acquire(&txq->q->peer->epoch);
	const uint32_t *granules = r->granule_epoch;
	/* Whole granules only: a packet within one granule then ends within the region. */
	uint64_t size = r->len & ~(FIDO_GRANULE_SIZE - 1), gaddr = r->gaddr, bytes = 0;
	uint16_t i;

	n = (uint16_t)RTE_MIN(n, room);
	for (i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		uint32_t len = m->data_len;
		uint64_t off = rte_pktmbuf_mtod(m, uintptr_t) - base;
		uint64_t g = off >> FIDO_GRANULE_SHIFT;

		if (unlikely(m->nb_segs != 1 || off >= size ||
			    (off + len) >> FIDO_GRANULE_SHIFT != g ||
			    fido_load_relaxed(&granules[g]) - 1u >= epoch))
			break;
		fido_post_put(&c, gaddr + off, len, 0, m);
		bytes += len;
	}
	fido_post_end(txq->q->sender, &c);
	b->bytes += bytes;
	b->descriptors += i;
	b->own += i;
	return i;
}

/* Put packets in EAL's heap, in the region of the last one. */
static inline uint16_t
put_heap(struct mmnet_txq *txq, struct rte_mbuf **pkts, uint16_t n, struct fido_tx_burst *b)
{
	const struct fido_region *r = txq->q->last;

	return likely(r != NULL) ? put_region(txq, r, r->va, pkts, n, b) : 0;
}

/* Put packets of one segment in other domains' memory: their addresses are gaddrs. */
static inline uint16_t
put_foreign(struct mmnet_txq *txq, struct rte_mbuf **pkts, uint16_t n, struct fido_tx_burst *b)
{
	const struct fido_txq *q = txq->q;
	uint64_t slots = fido_load_acquire(&q->peer->slots) & ~(UINT64_C(1) << q->slot);
	uint64_t base = q->layout.base, bytes = 0;
	uint32_t room = fido_sender_room(q->sender), shift = q->layout.slot_shift,
		 count = q->layout.slots;
	struct fido_post_cursor c = fido_post_begin(q->sender);
	uint16_t i;

	n = (uint16_t)RTE_MIN(n, room);
	for (i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		uint64_t gaddr = rte_pktmbuf_mtod(m, uintptr_t);
		uint64_t slot = (gaddr - base) >> shift;

		if (unlikely(m->nb_segs != 1 || slot >= count || !(slots >> slot & 1)))
			break;
		fido_post_put(&c, gaddr, m->data_len, 0, m);
		bytes += m->data_len;
	}
	fido_post_end(q->sender, &c);
	b->bytes += bytes;
	b->descriptors += i;
	b->forwarded += i;
	return i;
}

/*
 * Put packets whose pointers are gaddrs: in an arena, in own memory that came back from a peer
 * under its gaddr, or in another domain's memory.
 */
static __rte_noinline uint16_t
put_by_gaddr(struct mmnet_txq *txq, uint64_t slot, struct rte_mbuf **pkts, uint16_t n,
	struct fido_tx_burst *b)
{
	const struct fido_region *r;

	if (slot != txq->q->slot)
		return put_foreign(txq, pkts, n, b);
	r = fido_txq_own_region(txq->q, rte_pktmbuf_mtod(pkts[0], uintptr_t));
	return r != NULL ? put_region(txq, r, r->gaddr, pkts, n, b) : 0;
}

int
mmnet_tx_put(struct mmnet_txq *txq, struct rte_mbuf *m, struct fido_tx_burst *b)
{
	struct fido_sender *s = txq->q->sender;
	enum fido_reach reach;
	uint64_t gaddr;

	if (m->nb_segs != 1)
		return mmnet_chain_put(txq, m, NULL, b);
	if (fido_sender_room(s) == 0)
		return 0;
	reach = fido_txq_gaddr(txq->q, rte_pktmbuf_mtod(m, void *), m->data_len, &gaddr);
	if (unlikely(reach == FIDO_REACH_NONE))
		return mmnet_chain_put(txq, m, NULL, b);
	fido_sender_put(s, gaddr, m->data_len, 0, m);
	b->bytes += m->data_len;
	b->descriptors++;
	b->own += reach == FIDO_REACH_OWN;
	b->forwarded += reach == FIDO_REACH_FOREIGN;
	return 1;
}

/* Put as many packets as there is room for. Free and count those that can never be sent. */
static uint16_t
put_burst(struct mmnet_txq *txq, struct rte_mbuf **pkts, uint16_t n, struct fido_tx_burst *b,
	uint16_t *dropped)
{
	uint16_t i = 0;

	while (i < n) {
		uint64_t slot =
			fido_layout_slot(&txq->q->layout, rte_pktmbuf_mtod(pkts[i], uintptr_t));
		uint16_t put;
		int ret;

		/* Outside all slots lies EAL's heap. */
		if (slot < txq->q->layout.slots)
			put = put_by_gaddr(txq, slot, pkts + i, (uint16_t)(n - i), b);
		else
			put = put_heap(txq, pkts + i, (uint16_t)(n - i), b);
		i += put;
		if (likely(i == n))
			break;
		/* The next packet may take the fast path in another region. */
		if (put != 0)
			continue;
		ret = mmnet_tx_put(txq, pkts[i], b);
		if (ret == 0)
			break;
		if (ret < 0) {
			rte_pktmbuf_free(pkts[i]);
			(*dropped)++;
		}
		i++;
	}
	return i;
}

/*
 * Reap as many completions as the burst has packets. The mempool's cache then gives the application
 * buffers that just came back, which are in the CPU's cache; if many came back at once they would
 * overflow into the pool's ring, and the application would always get the coldest buffers. Reap
 * only when more than txq->lag tickets are out: completions are then a burst or two old, and their
 * cache line is full.
 */
static inline void
reap_some(struct mmnet_txq *txq, uint16_t n)
{
	uint32_t out = fido_sender_out(txq->q->sender);

	/*
	 * Packets of several segments use more tickets than the burst has packets: so reap all when
	 * many are out. Forwarded buffers whose completions are not reaped are missing at their
	 * owners.
	 */
	if (out > txq->lag)
		mmnet_tx_reap_max(txq, out <= txq->many ? n : UINT32_MAX);
}

bool
mmnet_tx_ready(struct mmnet_txq *txq, uint16_t n)
{
	if (unlikely(!txq->q->open || txq->q->old != NULL))
		mmnet_tx_reap_max(txq, UINT32_MAX);
	if (unlikely(!txq->q->open))
		return false;
	fido_sender_prefetch(txq->q->sender, n);
	return true;
}

void
mmnet_tx_publish(struct mmnet_txq *txq, uint16_t n, const struct fido_tx_burst *b)
{
	const struct fido_sender *s = txq->q->sender;

	if (likely(b->descriptors != 0))
		fido_txq_publish(txq->q, b);
	/* After publishing: the packets need not wait for it. */
	reap_some(txq, n);
	fido_prefetch_read(&s->comp[s->cons & s->mask]);
}

static uint16_t
tx_locked(struct mmnet_txq *txq, struct rte_mbuf **pkts, uint16_t n)
{
	struct fido_txq *q = txq->q;
	struct fido_tx_burst b = {0};
	uint16_t dropped = 0, done;

	if (unlikely(!mmnet_tx_ready(txq, n)))
		return 0;
	done = put_burst(txq, pkts, n, &b, &dropped);
	/*
	 * No room: packets of several segments, or copied, take more than one ticket each. Reap
	 * all, and try again.
	 */
	if (unlikely(done < n) && mmnet_tx_reap_max(txq, UINT32_MAX) != 0)
		done = (uint16_t)(done +
			put_burst(txq, pkts + done, (uint16_t)(n - done), &b, &dropped));
	if (unlikely(done < n))
		fido_counter_add(&q->stats->ring_full, 1);
	if (unlikely(dropped != 0))
		fido_counter_add(&q->stats->dropped, dropped);
	mmnet_tx_publish(txq, n, &b);
	return done;
}

uint16_t
mmnet_tx_burst(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct mmnet_txq *txq = queue;
	uint16_t done;

	if (unlikely(!fido_lock_try(&txq->q->lock)))
		return 0;
	txq->lcore = rte_lcore_id();
	done = tx_locked(txq, pkts, n);
	fido_lock_release(&txq->q->lock);
	return done;
}
