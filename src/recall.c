/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recall: when a dead peer's buffers come back.
 *
 * B died with tickets of ours out: the buffers are stranded. B may have passed them on to C, which reads
 * them still. A ticket comes back when nobody can be reading its buffer any more:
 *   (1) B has certainly ended (the transport says so), and
 *   (2) no living domain, ourselves included, holds anything that came by way of B's generation and was read
 *       after the ticket was posted. Each publishes when the newest of what it holds was read
 *       (mapped[slot].newest), or that it never had a ring of that generation.
 * A domain that passes on keeps the ticket it was given until the next one has completed, so (2) covers longer
 * ways, unless one in the middle dies as well. Then (2) is asked of its generation too, and so on: a dead domain
 * belongs to the way when it had, at its death, rings from one that belongs to it (`from`). Those notes are
 * kept until nothing is held by way of any death that we know of: only then can no way lead through them.
 *
 * Why times, and not simply "holds nothing": what C holds may itself wait for a stranded ticket. C echoes what
 * comes from B back to B; when B dies, what C holds of B waits for the tickets that C has out with B, which would wait
 * for C to hold nothing of B. But a message is passed on after it was read, so a ticket waits only for what was read
 * later, and that only for tickets posted later still: the newest can always come back first.
 */

#include <errno.h>
#include <stdlib.h>

#include "domain_private.h"
#include "link_private.h"

/* A generation that has ended. */
struct fido_dead {
	struct fido_dead *next;
	uint32_t slot;
	uint64_t generation;
	uint64_t newest;                /* of all that live: when the newest of what is held was read */
	bool on_way;                    /* scratch of fido_recall_since() */
	uint64_t from[FIDO_SLOTS_MAX];  /* generations whose rings it had read, and held something of, when it died */
};

/* When the newest of what c holds by way of a dead generation was read; UINT64_MAX: not known. */
static uint64_t
newest_of(const struct fido_control_shm *c, uint32_t slot, uint64_t generation)
{
	const struct fido_mapped_shm *m = &c->mapped[slot];
	uint64_t newest;

	if (fido_load_acquire(&m->received) != generation)
		return 0;
	/* A11: pairs with R11. */
	if (fido_load_acquire(&m->ended) != generation)
		return UINT64_MAX;
	/* A10: pairs with R10 in peer.c. What is not held any more is read no more. */
	newest = fido_load_acquire(&m->newest);
	/* The slot's next generation may have come by now: then nothing of this one is held. */
	return fido_load_acquire(&m->ended) == generation ? newest : 0;
}

int
fido_recall_note_death(struct fido_domain *d, const struct fido_peer *peer)
{
	struct fido_dead *dead = calloc(1, sizeof(*dead));

	if (dead == NULL)
		return -ENOMEM;
	dead->slot = peer->slot;
	dead->generation = peer->generation;
	dead->newest = UINT64_MAX;
	for (uint32_t s = 0; s < d->layout.slots; s++) {
		uint64_t generation = fido_load_acquire(&peer->control->mapped[s].received);

		if (newest_of(peer->control, s, generation) != 0)
			dead->from[s] = generation;
	}
	dead->next = d->dead;
	d->dead = dead;
	return 0;
}

static uint64_t
newest_of_all(const struct fido_domain *d, const struct fido_dead *dead)
{
	uint64_t newest = newest_of(d->control, dead->slot, dead->generation);

	for (const struct fido_peer *p = d->peers; p != NULL; p = p->next) {
		uint64_t at = p->gone ? 0 : newest_of(p->control, dead->slot, dead->generation);

		newest = at > newest ? at : newest;
	}
	return newest;
}

bool
fido_recall_collect(struct fido_domain *d)
{
	bool all = true;

	for (struct fido_dead *dead = d->dead; dead != NULL; dead = dead->next) {
		if (dead->newest != 0)
			dead->newest = newest_of_all(d, dead);
		all &= dead->newest == 0;
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

/* The newest of what is held by way of (slot, generation), and of those that had read its rings. */
static uint64_t
follow(struct fido_domain *d, uint32_t slot, uint64_t generation)
{
	uint64_t newest = 0;

	for (struct fido_dead *dead = d->dead; dead != NULL; dead = dead->next) {
		bool self = dead->slot == slot && dead->generation == generation;
		uint64_t at;

		if (dead->on_way || (!self && dead->from[slot] != generation))
			continue;
		dead->on_way = true;
		at = follow(d, dead->slot, dead->generation);
		at = dead->newest > at ? dead->newest : at;
		newest = at > newest ? at : newest;
	}
	return newest;
}

uint64_t
fido_recall_since(struct fido_domain *d, const struct fido_peer *peer)
{
	if (!peer->gone)
		return UINT64_MAX;
	for (struct fido_dead *dead = d->dead; dead != NULL; dead = dead->next)
		dead->on_way = false;
	return follow(d, peer->slot, peer->generation);
}
