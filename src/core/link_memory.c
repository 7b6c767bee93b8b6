/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory that a link's tickets name: own memory that is out (withdraw.h), messages held by way
 * of a dead peer (held.h), and buffers of a peer that are still to be read (peer.c).
 */

#include "link_private.h"

/* @return number of bytes, from its address on, that a ticket may name */
static uint64_t
posted_len(const struct fido_posted *posted)
{
	uint64_t units = posted->what >> FIDO_GADDR_BITS;

	/*
	 * The length of a very long message is not known: assume the most. An empty one has an
	 * address.
	 */
	return units == UINT16_MAX ? UINT64_C(1) << 32
				   : (units != 0 ? units : 1) * FIDO_POSTED_UNIT;
}

static void
set_bits(uint64_t *bits, uint32_t first, uint32_t count, uint32_t mask)
{
	for (uint32_t i = first; i != first + count; i++)
		bits[(i & mask) / 64] |= UINT64_C(1) << (i & mask) % 64;
}

/*
 * Set the bits of tickets that have come back and were not reaped: at most all that are out (I4).
 */
static void
mark_completed(const struct fido_sender *s, uint64_t *back)
{
	uint32_t left = fido_sender_out(s) - s->run_left;

	set_bits(back, s->run_ticket, s->run_left, s->mask);
	for (uint32_t pos = s->cons; left != 0 && !s->broken; pos++) {
		/* A3: pairs with R3, as in reaping: the receiver has finished with the buffers. */
		uint64_t c = fido_load_acquire(&s->comp[pos & s->mask]);
		uint16_t count = (uint16_t)(c >> 32);

		if ((uint16_t)c != (uint16_t)((pos >> s->shift) + 1) || count == 0 || count > left)
			return;
		set_bits(back, (uint16_t)(c >> 16), count, s->mask);
		left -= count;
	}
}

static void
tag_overlapping(struct fido_extents *set, size_t i, uint64_t end)
{
	for (; i < set->count && set->items[i].extent.gaddr < end; i++)
		set->items[i].tag = 1;
}

/* Tag the extents that tickets of one sender name. The queue's lock is held. */
static void
tag_named_by(const struct fido_sender *s, struct fido_extents *set)
{
	uint64_t back[FIDO_RING_MAX / 64] = {0};
	bool marked = false;

	for (uint32_t t = 0; t <= s->mask; t++) {
		uint64_t at = s->posted[t].what & FIDO_GADDR_MASK, end;
		size_t i;

		if (s->cookie[t] == NULL || s->posted[t].at == UINT64_MAX)
			continue;
		end = at + posted_len(&s->posted[t]);
		i = fido_extents_find(set, at);
		if (i == set->count || set->items[i].extent.gaddr >= end)
			continue;
		if (!marked)
			mark_completed(s, back);
		marked = true;
		if (!(back[t / 64] >> t % 64 & 1))
			tag_overlapping(set, i, end);
	}
}

void
fido_link_tag_named(struct fido_link *link, struct fido_extents *set)
{
	for (struct fido_tx_ring *e = link->tx_rings; e != NULL; e = e->next) {
		fido_lock_take(&e->queue->lock);
		if (e->peer != NULL && fido_sender_out(e->sender) != 0)
			tag_named_by(e->sender, set);
		fido_lock_release(&e->queue->lock);
	}
}

static void
add_held(const struct fido_rx_ring *e, struct fido_held *held)
{
	const struct fido_receiver *r = e->receiver;

	fido_lock_take(&e->queue->lock);
	held->unread |= e->polled ? fido_receiver_pending(r) : e->state == FIDO_RING_LIVE;
	for (uint32_t t = 0; t <= r->mask && r->held_count != 0; t++)
		if (r->held[t] != 0)
			fido_held_add(held, r->held[t] & FIDO_GADDR_MASK,
				fido_receiver_polled_at(r, t));
	fido_lock_release(&e->queue->lock);
}

void
fido_link_add_held(const struct fido_link *link, const struct fido_peer *peer,
	struct fido_held *held)
{
	for (const struct fido_rx_ring *e = link->rx_rings; e != NULL; e = e->next)
		if (e->peer == peer)
			add_held(e, held);
}

/* @return true: a descriptor that waits to be polled names memory in [gaddr, gaddr + len) */
static bool
waits_in_ring(const struct fido_receiver *r, uint64_t gaddr, uint64_t len)
{
	for (uint32_t i = 0; i <= r->mask && !r->broken; i++) {
		const struct fido_desc_shm *d = &r->desc[(r->cons + i) & r->mask];

		if ((uint16_t)fido_load_acquire(&d->w1) !=
			(uint16_t)(((r->cons + i) >> r->shift) + 1))
			return false;
		if ((fido_load_relaxed(&d->w0) & FIDO_GADDR_MASK) - gaddr < len)
			return true;
	}
	return false;
}

bool
fido_link_holds(struct fido_link *link, uint64_t gaddr, uint64_t len)
{
	for (struct fido_rx_ring *e = link->rx_rings; e != NULL; e = e->next) {
		const struct fido_receiver *r = e->receiver;
		bool found = false;

		fido_lock_take(&e->queue->lock);
		for (uint32_t t = 0; t <= r->mask && r->held_count != 0 && !found; t++)
			found = r->held[t] != 0 && (r->held[t] & FIDO_GADDR_MASK) - gaddr < len;
		found = found || (e->polled && waits_in_ring(r, gaddr, len));
		fido_lock_release(&e->queue->lock);
		if (found)
			return true;
	}
	return false;
}
