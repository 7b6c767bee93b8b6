/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recall: when a dead peer's buffers come back.
 *
 * B died with tickets of ours out: the buffers are stranded. B may have passed them on to C, which reads
 * them still. They come back when nobody can be reading them any more:
 *   (1) B has certainly ended (the transport says so), and
 *   (2) every living domain, ourselves included, has published that it holds nothing that came by way of B's
 *       generation (mapped[slot].drained), or never had that generation mapped.
 * A domain that passes on keeps the ticket it was given until the next one has completed, so (2) covers longer
 * ways, unless one in the middle dies as well. Then its generation too must be drained by all, and so on: a
 * dead domain belongs to the way when it had not drained, at its death, one that belongs to it (`from`). Those
 * notes are kept until all deaths that we know of are drained: only then can no way lead through them.
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
	bool done;                      /* drained by all that live */
	bool on_way;                    /* scratch of fido_recall_ready() */
	uint64_t from[FIDO_SLOTS_MAX];  /* generations it had mapped and not drained when it died */
};

int
fido_recall_note_death(struct fido_domain *d, const struct fido_peer *peer)
{
	struct fido_dead *dead = calloc(1, sizeof(*dead));

	if (dead == NULL)
		return -ENOMEM;
	dead->slot = peer->slot;
	dead->generation = peer->generation;
	for (uint32_t s = 0; s < d->layout.slots; s++) {
		const struct fido_mapped_shm *m = &peer->control->mapped[s];
		uint64_t generation = fido_load_acquire(&m->generation);

		if (generation != fido_load_acquire(&m->drained))
			dead->from[s] = generation;
	}
	dead->next = d->dead;
	d->dead = dead;
	return 0;
}

/* A10: pairs with R10 in fido_peers_collect(). What was held has been let go before it is published. */
static bool
has_drained(const struct fido_control_shm *c, const struct fido_dead *dead)
{
	const struct fido_mapped_shm *m = &c->mapped[dead->slot];

	return fido_load_acquire(&m->drained) == dead->generation ||
	       fido_load_acquire(&m->generation) != dead->generation;
}

static bool
drained_by_all(const struct fido_domain *d, const struct fido_dead *dead)
{
	if (!has_drained(d->control, dead))
		return false;
	for (const struct fido_peer *p = d->peers; p != NULL; p = p->next)
		if (!p->gone && !has_drained(p->control, dead))
			return false;
	return true;
}

bool
fido_recall_collect(struct fido_domain *d)
{
	struct fido_dead *dead;
	bool all = true;

	for (dead = d->dead; dead != NULL; dead = dead->next) {
		if (!dead->done)
			dead->done = drained_by_all(d, dead);
		all &= dead->done;
	}
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		all &= d->links[i] == NULL || !fido_link_has_stranded(d->links[i]);
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

/* Mark those that had not drained (slot, generation). @return true when all of them are done */
static bool
follow(struct fido_domain *d, uint32_t slot, uint64_t generation)
{
	for (struct fido_dead *dead = d->dead; dead != NULL; dead = dead->next) {
		bool self = dead->slot == slot && dead->generation == generation;

		if (dead->on_way || (!self && dead->from[slot] != generation))
			continue;
		dead->on_way = true;
		if (!dead->done || !follow(d, dead->slot, dead->generation))
			return false;
	}
	return true;
}

bool
fido_recall_ready(struct fido_domain *d, const struct fido_peer *peer)
{
	if (!peer->gone)
		return false;
	for (struct fido_dead *dead = d->dead; dead != NULL; dead = dead->next)
		dead->on_way = false;
	return follow(d, peer->slot, peer->generation);
}
