/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recall: take back buffers that were out with a peer when it died.
 *
 * B died while tickets of ours were out with it: their buffers are stranded. B may have passed them
 * on to C, which still reads them. A ticket comes back once no domain can be reading its buffer:
 *   (1) B has certainly ended (the transport says so), and
 *   (2) no living domain, ourselves included, holds the buffer by way of B's generation: either its
 *       address is on no domain's list of messages held, or every message held was read before the
 *       ticket was posted. For each dead generation a domain publishes this list and the time at
 *       which it read the last message on it (held.h), or states that it never had a ring of that
 *       generation.
 * A domain that passes a message on keeps the ticket until the next domain has completed, so (2)
 * also covers longer paths, unless a domain in the middle dies too. Then (2) is asked of its
 * generation as well, and so on: a dead domain is on the path if, when it died, it was receiving
 * from a domain on the path (`from`). These records are kept until no message is held by way of any
 * death that we know of: only then can no path lead through them.
 *
 * Why addresses: one buffer that a domain holds for an hour must not hold back the others, which
 * may be the whole ring.
 *
 * Why times: a message that C holds may itself wait for a stranded ticket. Let C echo B's messages
 * back to B. When B dies, the messages that C holds from B wait for the tickets that C has out with
 * B, which have the same addresses. But a message is passed on after it was read, so a ticket waits
 * only for messages read later, and those only for tickets posted later still: the newest ticket
 * can always come back first.
 */

#include "recall.h"

#include <stdlib.h>
#include <string.h>

#include "domain_private.h"
#include "held.h"
#include "link_private.h"
#include "peer.h"

/* A generation that has ended. */
struct fido_dead {
	struct fido_dead *next;
	uint32_t slot;
	uint64_t generation;
	bool done; /* no message is held by way of it */
	/* Scratch of fido_recall_ask(): on the path; next one whose receivers are to be marked. */
	bool on_way;
	struct fido_dead *next_on_way;
	/* By slot: generation from which it was receiving, or still held messages; 0: none. */
	uint64_t from[FIDO_SLOTS_MAX];
};

struct fido_dead *
fido_recall_prepare(void)
{
	return calloc(1, sizeof(struct fido_dead));
}

void
fido_recall_note_death(struct fido_domain *d, struct fido_peer *peer)
{
	struct fido_dead *dead = peer->death;

	peer->death = NULL;
	dead->slot = peer->slot;
	dead->generation = peer->generation;
	for (uint32_t s = 0; s < d->layout.slots; s++) {
		uint64_t generation = fido_load_acquire(&peer->control->mapped[s].received);

		if (fido_held_newest(peer->control, s, generation) != 0)
			dead->from[s] = generation;
	}
	dead->next = d->dead;
	d->dead = dead;
}

static bool
nothing_held(const struct fido_domain *d, const struct fido_dead *dead)
{
	if (fido_held_newest(d->control, dead->slot, dead->generation) != 0)
		return false;
	for (const struct fido_peer *p = d->peers; p != NULL; p = p->next)
		if (!p->gone && fido_held_newest(p->control, dead->slot, dead->generation) != 0)
			return false;
	return true;
}

bool
fido_recall_collect(struct fido_domain *d)
{
	bool all = true;

	for (struct fido_dead *dead = d->dead; dead != NULL; dead = dead->next) {
		if (!dead->done)
			dead->done = nothing_held(d, dead);
		all &= dead->done;
	}
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		all &= d->links[i] == NULL || fido_link_stranded(d->links[i]) == 0;
	if (all)
		fido_recall_forget(d);
	return d->dead != NULL;
}

void
fido_recall_forget(struct fido_domain *d)
{
	struct fido_dead *dead;

	while ((dead = d->dead) != NULL) {
		d->dead = dead->next;
		free(dead);
	}
}

/*
 * Mark the dead domains through which a message for (slot, generation) may have been passed on.
 * Without recursion: nothing bounds the number of deaths while a message is held.
 */
static void
mark_way(struct fido_domain *d, uint32_t slot, uint64_t generation)
{
	struct fido_dead *todo = NULL; /* marked; their receivers are not yet */

	for (;;) {
		for (struct fido_dead *dead = d->dead; dead != NULL; dead = dead->next) {
			bool self = dead->slot == slot && dead->generation == generation;

			if (dead->on_way || (!self && dead->from[slot] != generation))
				continue;
			dead->on_way = true;
			dead->next_on_way = todo;
			todo = dead;
		}
		if (todo == NULL)
			return;
		slot = todo->slot;
		generation = todo->generation;
		todo = todo->next_on_way;
	}
}

/*
 * Add what the domain of control block c holds by way of a dead domain. If that domain has another
 * clock, its times cannot be compared with ours, and its list alone decides.
 * @return false: what it holds is not known yet
 */
static bool
add_holder(struct fido_recall *q, const struct fido_control_shm *c, uint64_t control_size,
	bool other_clock, const struct fido_dead *dead)
{
	uint64_t newest = fido_held_newest(c, dead->slot, dead->generation);
	uint64_t *more;
	int n;

	if (newest == 0 || newest == UINT64_MAX)
		return newest == 0;
	if (other_clock)
		q->newest = UINT64_MAX;
	else if (newest > q->newest)
		q->newest = newest;
	more = realloc(q->gaddr, (q->count + FIDO_HELD_LIST_MAX) * sizeof(*more));
	if (more == NULL) {
		q->listed = false;
		return true;
	}
	q->gaddr = more;
	n = fido_held_read(c, control_size, dead->slot, q->gaddr + q->count);
	if (n < 0)
		q->listed = false;
	else
		q->count += (size_t)n;
	return true;
}

static bool
add_holders(struct fido_domain *d, struct fido_recall *q, const struct fido_dead *dead)
{
	bool known = dead->done || add_holder(q, d->control, d->control_size, false, dead);

	for (const struct fido_peer *p = d->peers; known && !dead->done && p != NULL; p = p->next)
		known = p->gone || add_holder(q, p->control, p->control_size, p->other_clock, dead);
	return known;
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool
fido_recall_ask(struct fido_domain *d, const struct fido_peer *peer, struct fido_recall *q)
{
	*q = (struct fido_recall){.listed = true};
	for (struct fido_dead *dead = d->dead; dead != NULL; dead = dead->next)
		dead->on_way = false;
	mark_way(d, peer->slot, peer->generation);
	for (struct fido_dead *dead = d->dead; dead != NULL; dead = dead->next)
		if (dead->on_way && !add_holders(d, q, dead)) {
			fido_recall_answered(q);
			return false;
		}
	if (q->count != 0)
		qsort(q->gaddr, q->count, sizeof(q->gaddr[0]), by_value);
	return true;
}

/* @return true: a message that begins in [gaddr, gaddr + len) is held */
static bool
is_held(const struct fido_recall *q, uint64_t gaddr, uint64_t len)
{
	size_t low = 0, high = q->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (q->gaddr[middle] < gaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < q->count && q->gaddr[low] - gaddr < len;
}

bool
fido_recall_allows(const struct fido_recall *q, const struct fido_posted *posted)
{
	uint64_t units = posted->what >> FIDO_GADDR_BITS;
	/* An empty message may be held too, so its address counts. */
	uint64_t len = (units != 0 ? units : 1) * FIDO_POSTED_UNIT;

	if (posted->at > q->newest)
		return true;
	/* If a message is too long for its length to be known, only its time decides. */
	return q->listed && units != UINT16_MAX && !is_held(q, posted->what & FIDO_GADDR_MASK, len);
}

void
fido_recall_answered(struct fido_recall *q)
{
	free(q->gaddr);
	q->gaddr = NULL;
}
