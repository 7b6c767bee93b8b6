/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages held by way of dead peers: publish our list, read other domains' lists. */

#include "held.h"

#include <errno.h>

#include "domain_private.h"
#include "link_private.h"
#include "peer.h"
#include "seqlock.h"

/* A reader gives up after this many torn copies, and tries again later. */
#define READ_TRIES 10

void
fido_held_add(struct fido_held *held, uint64_t gaddr, uint64_t read_at)
{
	if (held->count < FIDO_HELD_LIST_MAX)
		held->gaddr[held->count] = gaddr;
	held->count++;
	if (read_at > held->newest)
		held->newest = read_at;
}

static void
write_list(struct fido_held_shm *shm, const struct fido_held *held)
{
	uint32_t n = held->count < FIDO_HELD_LIST_MAX ? held->count : FIDO_HELD_LIST_MAX;
	uint32_t seq = fido_seq_write_begin(&shm->seq);

	for (uint32_t i = 0; i < n; i++)
		fido_store_relaxed(&shm->gaddr[i], held->gaddr[i]);
	fido_store_relaxed(&shm->count, held->count);
	fido_seq_write_end(&shm->seq, seq);
}

static void
publish_list(struct fido_domain *d, struct fido_peer *peer, const struct fido_held *held)
{
	if (peer->held == NULL) {
		peer->held = fido_domain_heap_alloc(d, sizeof(*peer->held));
		if (peer->held == NULL)
			return; /* Without a list, only times decide which tickets come back. */
		fido_store_release(&d->control->mapped[peer->slot].held,
			fido_domain_control_gaddr(d, peer->held));
	}
	write_list(peer->held, held);
}

bool
fido_held_publish(struct fido_domain *d, struct fido_peer *peer)
{
	struct fido_mapped_shm *m = &d->control->mapped[peer->slot];
	struct fido_held held = {.newest = 0};
	uint64_t newest;
	bool news;

	if (m->generation != peer->generation || (m->ended == peer->generation && m->newest == 0))
		return false;
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (d->links[i] != NULL)
			fido_link_add_held(d->links[i], peer, &held);
	newest = held.unread ? UINT64_MAX : held.newest;
	news = m->ended != peer->generation || m->newest != newest ||
		(peer->held != NULL && peer->held->count != held.count);
	if (!news)
		return false;
	if (!held.unread && held.count != 0)
		publish_list(d, peer, &held);
	/* R10: pairs with A10. Released messages are not read any more, and the list is complete,
	 * before this is seen. */
	fido_store_release(&m->newest, newest);
	/* R11: pairs with A11. `newest` is about this generation. */
	if (m->ended != peer->generation)
		fido_store_release(&m->ended, peer->generation);
	return true;
}

void
fido_held_withdraw(struct fido_domain *d, struct fido_peer *peer)
{
	if (peer->held == NULL)
		return;
	fido_store_release(&d->control->mapped[peer->slot].held, 0);
	fido_domain_heap_free(d, peer->held, sizeof(*peer->held));
	peer->held = NULL;
}

uint64_t
fido_held_newest(const struct fido_control_shm *c, uint32_t slot, uint64_t generation)
{
	const struct fido_mapped_shm *m = &c->mapped[slot];
	uint64_t newest;

	if (fido_load_acquire(&m->received) != generation)
		return 0;
	/* A11: pairs with R11. `newest` is about this generation. */
	if (fido_load_acquire(&m->ended) != generation)
		return UINT64_MAX;
	/* A10: pairs with R10. Messages that are not held any more are not read any more. */
	newest = fido_load_acquire(&m->newest);
	/* If the slot's next generation has come by now, nothing of this one is held. */
	return fido_load_acquire(&m->received) == generation ? newest : 0;
}

static int
copy_list(const struct fido_held_shm *shm, uint64_t gaddr[FIDO_HELD_LIST_MAX])
{
	for (int tries = 0; tries < READ_TRIES; tries++) {
		uint32_t seq = fido_seq_read_begin(&shm->seq);
		uint32_t count = fido_load_relaxed(&shm->count);

		for (uint32_t i = 0; i < count && i < FIDO_HELD_LIST_MAX; i++)
			gaddr[i] = fido_load_relaxed(&shm->gaddr[i]);
		if (fido_seq_read_whole(&shm->seq, seq))
			return count <= FIDO_HELD_LIST_MAX ? (int)count : -ENOENT;
	}
	return -EAGAIN;
}

int
fido_held_read(const struct fido_control_shm *c, uint64_t control_size, uint32_t slot,
	uint64_t gaddr[FIDO_HELD_LIST_MAX])
{
	uint64_t off = fido_load_acquire(&c->mapped[slot].held) - (uintptr_t)c;

	if (off < FIDO_CONTROL_HEAP_OFFSET || off % FIDO_HEAP_PAGE != 0 || off > control_size ||
		control_size - off < sizeof(struct fido_held_shm))
		return -ENOENT;
	return copy_list((const void *)((const char *)c + off), gaddr);
}
