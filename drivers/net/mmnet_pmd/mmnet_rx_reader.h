/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_READER_H
#define MMNET_RX_READER_H

/**
 * @file
 * A burst that is under way, and the message that it is reading. Part of mmnet_rx.c: everything
 * that a burst function calls is compiled with it, in one unit.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <fido/atomic.h>
#include <fido/counters_shm.h>
#include <fido/queue_shm.h>
#include <fido/receiver.h>
#include <fido/rxq.h>

#include "mmnet_pool.h"
#include "mmnet_rxq.h"

/** A burst's counts, added to the counters at its end. */
struct tally {
	uint64_t bytes;
	uint32_t packets;
	uint32_t zero;
	uint32_t header;
	uint32_t copied;
	uint32_t polled;
	uint32_t completed;
	uint32_t bad;
	uint32_t too_long;
};

/** A burst, and the ring that it reads now. */
struct reader {
	struct mmnet_rxq *rxq;
	struct fido_receiver *r;
	struct rte_mbuf **pkts;
	uint16_t n;
	uint16_t max;
	struct tally t;
};

/** Add a burst's counts to a queue's counters. The queue's lock is held. */
static inline void
tally_count(const struct tally *t, struct fido_rx_stats_shm *s)
{
	fido_counter_add(&s->polled, t->polled);
	fido_counter_add(&s->packets, t->packets);
	fido_counter_add(&s->bytes, t->bytes);
	if (t->completed != 0)
		fido_counter_add(&s->completed, t->completed);
	if (t->zero != 0)
		fido_counter_add(&s->zero_copy, t->zero);
	if (t->header != 0)
		fido_counter_add(&s->header, t->header);
	if (t->copied != 0)
		fido_counter_add(&s->copied, t->copied);
	if (unlikely(t->bad != 0))
		fido_counter_add(&s->bad, t->bad);
	if (unlikely(t->too_long != 0))
		fido_counter_add(&s->too_long, t->too_long);
}

/* ---- the current message ---- */

static inline void
rearm(struct rte_mbuf *m, uint64_t value)
{
	/* One store for data_off, refcnt, nb_segs and port; rte_mbuf.h lays them out for this. */
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
 * Drop the current message, and flush its tickets to its sender: its ring need not be the one that
 * is read now. Pointer mbufs are returned directly, because the queue's lock is held.
 * @return tickets completed
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
		if (rxq->pointers != NULL && m->pool == rxq->pointers->pool) {
			r = mmnet_pointer_priv(m)->receiver;
			mmnet_pointer_return(rxq->pointers, m, status);
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

/* Drop the message that d belongs to: the part that was read, d, and the rest. */
static void
drop_message(struct reader *rd, const struct fido_desc *d, uint16_t status)
{
	struct mmnet_rxq *rxq = rd->rxq;

	rd->t.completed += discard(rxq, status);
	fido_receiver_complete(rd->r, d->ticket, status);
	rd->t.completed++;
	rxq->dropping = (d->flags & FIDO_DESC_CHAINED) != 0;
}

/*
 * Drop d if it has a bad address, or belongs to a message that is dropped.
 * @return true when it was dropped
 */
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

#endif
