/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit: packets of several segments, packets that are copied, packets with metadata.
 *
 * Whether the peer can read a segment is tested once: the control thread exports and withdraws
 * memory meanwhile, and a second test may contradict the first, by which room was reserved. So the
 * packet is planned, in the queue's own memory, and then put as planned.
 */

#include <errno.h>
#include <string.h>

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <fido/queue_shm.h>
#include <fido/sender.h>
#include <fido/txq.h>

#include "mmnet_bounce.h"
#include "mmnet_chain.h"
#include "mmnet_meta.h"
#include "mmnet_txq.h"

/* Instead of an address: this segment is copied. Addresses in descriptors have 48 bits. */
#define COPY UINT64_MAX

/* How a packet is sent. txq->places has the addresses of its segments. */
struct plan {
	uint32_t descriptors;
	uint32_t copies; /* buffers of the arena */
	bool foreign;    /* some of it lies in another domain's memory */
};

/* @return false: the packet has more segments than a ring of the queue has descriptors */
static bool
make_plan(struct mmnet_txq *txq, const struct rte_mbuf *m, bool has_meta, struct plan *plan)
{
	uint32_t n = 0, direct = has_meta;

	*plan = (struct plan){0};
	for (; m != NULL; m = m->next, n++) {
		enum fido_reach reach;

		if (n == txq->places_max)
			return false;
		reach = fido_txq_gaddr(txq->q, rte_pktmbuf_mtod(m, void *), m->data_len,
			&txq->places[n]);
		plan->foreign |= reach == FIDO_REACH_FOREIGN;
		direct += reach != FIDO_REACH_NONE;
		if (reach != FIDO_REACH_NONE)
			continue;
		txq->places[n] = COPY;
		plan->copies += mmnet_bounce_buffers(m->data_len);
	}
	plan->descriptors = direct + plan->copies;
	return true;
}

/* Copy a segment into the arena, put that, and free the segment. */
static void
put_copy(struct mmnet_txq *txq, struct rte_mbuf *seg, uint16_t flags)
{
	const char *from = rte_pktmbuf_mtod(seg, const char *);
	uint32_t left = seg->data_len;

	do {
		uint32_t len = RTE_MIN(left, (uint32_t)MMNET_BOUNCE_SIZE);
		void *cookie;
		char *to = mmnet_bounce_take(txq, &cookie);

		memcpy(to, from, len);
		from += len;
		left -= len;
		mmnet_bounce_post(txq, to, len, left != 0 ? FIDO_DESC_CHAINED : flags, cookie);
	} while (left != 0);
	rte_pktmbuf_free_seg(seg);
}

static void
put_planned(struct mmnet_txq *txq, struct rte_mbuf *m)
{
	for (uint32_t i = 0; m != NULL; i++) {
		struct rte_mbuf *next = m->next;
		uint16_t flags = next != NULL ? FIDO_DESC_CHAINED : 0;

		if (txq->places[i] == COPY)
			put_copy(txq, m, flags);
		else
			fido_sender_put(txq->q->sender, txq->places[i], m->data_len, flags, m);
		m = next;
	}
}

int
mmnet_chain_put(struct mmnet_txq *txq, struct rte_mbuf *m, const struct mmnet_meta *meta,
	struct fido_tx_burst *b)
{
	struct fido_sender *s = txq->q->sender;
	struct plan plan;

	if (!make_plan(txq, m, meta != NULL, &plan) || plan.descriptors > s->mask + 1 ||
		plan.copies > txq->bounce_total)
		return -1;
	if (plan.descriptors > fido_sender_room(s) ||
		(plan.copies != 0 && !mmnet_bounce_ready(txq, plan.copies)))
		return 0;
	b->bytes += m->pkt_len;
	b->descriptors += plan.descriptors;
	b->copied += plan.copies != 0;
	b->forwarded += plan.copies == 0 && plan.foreign;
	b->own += plan.copies == 0 && !plan.foreign;
	if (meta != NULL)
		fido_sender_put(s, mmnet_meta_word(meta), meta->hash,
			(uint16_t)(meta->flags | FIDO_DESC_INLINE | FIDO_DESC_CHAINED),
			mmnet_bounce_cookie(MMNET_NO_BUFFER));
	put_planned(txq, m);
	return 1;
}

int
mmnet_chain_start(struct mmnet_txq *txq, uint32_t ring_size)
{
	uint64_t *places;

	if (ring_size <= txq->places_max)
		return 0;
	places = rte_malloc("mmnet_places", ring_size * sizeof(*places), RTE_CACHE_LINE_SIZE);
	if (places == NULL)
		return -ENOMEM;
	rte_free(txq->places);
	txq->places = places;
	txq->places_max = ring_size;
	return 0;
}
