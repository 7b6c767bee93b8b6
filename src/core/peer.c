/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peers: act on what the transport reports of other domains, and unmap the memory of those that are
 * gone.
 *
 * A peer's memory is mapped as the peer exports it. When the peer leaves or dies, its memory stays
 * readable until no receiver here holds any of it. Then it is unmapped, and our control block no
 * longer says that we have mapped the slot.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fido/log.h>

#include "bells.h"
#include "held.h"
#include "link_private.h"
#include "peer.h"
#include "recall.h"

/*
 * A peer that has died stays mapped for at least this long, because others may still pass its
 * memory on to us. A peer that left cleanly had got back all its tickets.
 */
#define GONE_GRACE_NS UINT64_C(200000000)

static void
add_mapped_bytes(struct fido_domain *d, const struct fido_peer *peer, int64_t bytes)
{
	uint64_t *p = &d->control->mapped[peer->slot].bytes;

	fido_store_relaxed(p, *p + (uint64_t)bytes);
}

static int
map_extent(struct fido_domain *d, struct fido_peer *peer, const struct fido_extent *from,
	fido_map_fn fn, void *arg)
{
	const struct fido_extent e = {.gaddr = from->gaddr,
		.len = from->len,
		.fd = -1,
		.place = from->place};
	int ret = fido_extents_reserve(&peer->extents, e.gaddr, e.len);

	if (ret == 0)
		ret = fido_slot_map(&d->layout, e.gaddr, e.len, fn, arg);
	if (ret != 0)
		return ret;
	fido_extents_add(&peer->extents, &e, 0);
	fido_map_set(&d->map, e.gaddr, e.len);
	add_mapped_bytes(d, peer, (int64_t)e.len);
	return 0;
}

/* Mark the peer's memory as not mapped, so that no new descriptor can name it. */
static void
clear_bits(struct fido_domain *d, const struct fido_peer *peer)
{
	for (size_t i = 0; i < peer->extents.count; i++)
		fido_map_clear(&d->map, peer->extents.items[i].extent.gaddr,
			peer->extents.items[i].extent.len);
}

static void
set_bits(struct fido_domain *d, const struct fido_peer *peer)
{
	for (size_t i = 0; i < peer->extents.count; i++)
		fido_map_set(&d->map, peer->extents.items[i].extent.gaddr,
			peer->extents.items[i].extent.len);
}

/* Unmap a peer's memory: first clear the granules, then unmap the pages. */
static void
unmap_peer(struct fido_domain *d, struct fido_peer *peer)
{
	struct fido_mapped_shm *m = &d->control->mapped[peer->slot];

	clear_bits(d, peer);
	for (size_t i = 0; i < peer->extents.count; i++)
		fido_slot_unmap(&d->layout, peer->extents.items[i].extent.gaddr,
			peer->extents.items[i].extent.len);
	fido_extents_free(&peer->extents);
	fido_slot_release(&d->layout, peer->slot);
	fido_held_withdraw(d, peer);
	if (m->generation == peer->generation) {
		fido_store_relaxed(&m->epoch, 0);
		fido_store_relaxed(&m->withdrawn, 0);
		fido_store_relaxed(&m->bytes, 0);
		fido_store_release(&m->generation, 0);
	}
	if (d->ops->unmapped != NULL)
		d->ops->unmapped(d->transport, peer->slot);
}

static void
peer_free(struct fido_peer *peer)
{
	fido_bells_free(peer);
	fido_extents_free(&peer->extents);
	free(peer->death);
	free(peer);
}

/* Compare what a peer said with its control block. @return 0, -ESTALE (it is leaving), -EPROTO */
static int
check_control(const struct fido_peer *peer, const struct fido_domain *d)
{
	const struct fido_control_shm *c = peer->control;

	if (fido_control_check(c, peer->control_size) != 0 || c->generation != peer->generation ||
		c->slot != peer->slot || c->layout_base != d->layout.base ||
		c->slot_shift != d->layout.slot_shift || c->slots != d->layout.slots)
		return fido_load_acquire(&c->magic) == 0 ? -ESTALE : -EPROTO;
	return 0;
}

static struct fido_peer *
peer_alloc(struct fido_domain *d, const struct fido_peer_info *info)
{
	struct fido_peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		return NULL;
	peer->death = fido_recall_prepare();
	if (peer->death == NULL) {
		free(peer);
		return NULL;
	}
	fido_control_name(peer->name, info->name);
	peer->slot = info->slot;
	peer->generation = info->generation;
	peer->control_size = info->control_size;
	peer->session = info->session;
	peer->other_clock = info->other_clock;
	peer->observes = info->observes;
	peer->control = (const void *)(uintptr_t)fido_layout_slot_base(&d->layout, info->slot);
	return peer;
}

int
fido_domain_peer_arrived(struct fido_domain *d, const struct fido_peer_info *info, fido_map_fn fn,
	void *arg, struct fido_peer **out)
{
	struct fido_extent control;
	struct fido_peer *peer;
	int ret;

	if (info->slot >= d->layout.slots || info->slot == d->slot || info->generation == 0 ||
		info->control_size < FIDO_CONTROL_HEAP_OFFSET ||
		info->control_size > UINT64_C(1) << d->layout.slot_shift)
		return -EPROTO;
	for (peer = d->peers; peer != NULL; peer = peer->next)
		if (peer->slot == info->slot)
			return -EBUSY; /* The slot's previous generation is still mapped here. */
	peer = peer_alloc(d, info);
	if (peer == NULL)
		return -ENOMEM;
	ret = fido_slot_reserve(&d->layout, peer->slot, peer->generation);
	if (ret != 0)
		goto err_free;
	control =
		(struct fido_extent){.gaddr = (uintptr_t)peer->control, .len = info->control_size};
	ret = map_extent(d, peer, &control, fn, arg);
	if (ret == 0)
		ret = check_control(peer, d);
	if (ret != 0)
		goto err_unmap;
	peer->next = d->peers;
	d->peers = peer;
	fido_store_release(&d->control->mapped[peer->slot].generation, peer->generation);
	fido_log(FIDO_LOG_INFO, "group %s: %s sees %s (slot %u)", d->group, d->name, peer->name,
		peer->slot);
	*out = peer;
	return 0;

err_unmap:
	unmap_peer(d, peer);
err_free:
	peer_free(peer);
	return ret;
}

/* @return true: [gaddr, gaddr + len) consists of whole pages of the peer's slot */
static bool
in_slot(const struct fido_domain *d, const struct fido_peer *peer, uint64_t gaddr, uint64_t len)
{
	uint64_t size = UINT64_C(1) << d->layout.slot_shift;
	uint64_t off = gaddr - fido_layout_slot_base(&d->layout, peer->slot);

	return len != 0 && len <= size && off <= size - len && off % FIDO_HEAP_PAGE == 0 &&
		len % FIDO_HEAP_PAGE == 0;
}

int
fido_domain_peer_map(struct fido_domain *d, struct fido_peer *peer, const struct fido_extent *e,
	fido_map_fn fn, void *arg)
{
	/* An owner exports a page once: counting it twice would leave it mapped for ever. */
	uint64_t mapped = fido_extents_bytes(&peer->extents, e->gaddr, e->len);
	int ret;

	/* The owner sends the extent again, after a failure. */
	if (mapped == e->len && e->gaddr - (uintptr_t)peer->control >= peer->control_size &&
		in_slot(d, peer, e->gaddr, e->len))
		return 0;
	if (!in_slot(d, peer, e->gaddr, e->len) || mapped != 0)
		return -EPROTO;
	ret = map_extent(d, peer, e, fn, arg);
	if (ret != 0 && ret != -EPROTO && ret != -EAGAIN)
		fido_domain_peer_map_failed(d, peer, ret);
	return ret;
}

const char *
fido_memory_advice(const struct fido_domain *d, int error)
{
	const char *advice = d->ops->memory_advice != NULL ? d->ops->memory_advice(error) : NULL;

	if (advice != NULL)
		return advice;
	switch (-error) {
	case EMFILE:
		return "raise the limit of open files (ulimit -n)";
	case ENFILE:
		return "raise the machine's limit of open files (fs.file-max)";
	case ENOMEM:
		return "free some memory, or raise vm.max_map_count";
	case EAGAIN:
		return "raise the limit of locked memory (ulimit -l)";
	default:
		return "it will be tried again";
	}
}

void
fido_domain_peer_map_failed(struct fido_domain *d, struct fido_peer *peer, int error)
{
	if (!peer->map_error_told)
		fido_log(FIDO_LOG_ERROR,
			"group %s: %s cannot map some memory of %s: %s: until it can, packets in "
			"that memory are copied, or the link waits: %s",
			d->group, d->name, peer->name, strerror(-error),
			fido_memory_advice(d, error));
	peer->map_error = error;
	peer->map_error_told = true;
	fido_domain_retry_later(d);
}

void
fido_domain_peer_export_restarted(struct fido_peer *peer)
{
	peer->map_error = 0;
}

/* A link whose peer has mapped less of this slot than we now have must not be sent the new pages.
 * So first remove the slot from such links' views, then let the owner send to us. */
static void
publish_epoch(struct fido_domain *d, const struct fido_peer *peer, uint32_t epoch)
{
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++) {
		struct fido_link *link = d->links[i];

		if (link == NULL || link->peer == NULL)
			continue;
		if (fido_load_acquire(&link->peer->control->mapped[peer->slot].epoch) < epoch ||
			fido_load_acquire(&link->peer->control->mapped[peer->slot].generation) !=
				peer->generation)
			__atomic_fetch_and(&link->view.slots, ~(UINT64_C(1) << peer->slot),
				__ATOMIC_SEQ_CST);
	}
	fido_store_release(&d->control->mapped[peer->slot].epoch, epoch);
}

void
fido_domain_peer_epoch(struct fido_domain *d, struct fido_peer *peer, uint32_t sent,
	uint32_t withdrawn)
{
	struct fido_mapped_shm *m = &d->control->mapped[peer->slot];

	if (peer->map_error == 0) {
		if (sent > m->epoch)
			publish_epoch(d, peer, sent);
		if (peer->map_error_told && sent >= fido_load_acquire(&peer->control->epoch)) {
			fido_log(FIDO_LOG_INFO, "group %s: %s has mapped all memory of %s",
				d->group, d->name, peer->name);
			peer->map_error_told = false;
		}
	}
	if (withdrawn > m->withdrawn)
		fido_store_release(&m->withdrawn, withdrawn);
	d->dirty = true;
}

int
fido_domain_peer_unmap(struct fido_domain *d, struct fido_peer *peer, uint64_t gaddr, uint64_t len)
{
	struct fido_extents *set = &peer->extents;

	if (!in_slot(d, peer, gaddr, len) || !fido_extents_can_cut(set, gaddr) ||
		!fido_extents_can_cut(set, gaddr + len))
		return -EPROTO;
	/* The control region stays mapped. */
	if (gaddr - (uintptr_t)peer->control < peer->control_size)
		return -EPROTO;
	for (size_t i = fido_extents_align(set, gaddr, len);
		fido_extents_within(set, i, gaddr, len);) {
		const struct fido_extent *e = &set->items[i].extent;

		fido_map_clear(&d->map, e->gaddr, e->len);
		fido_slot_unmap(&d->layout, e->gaddr, e->len);
		add_mapped_bytes(d, peer, -(int64_t)e->len);
		fido_extents_remove(set, i);
	}
	return 0;
}

void
fido_domain_peer_gone(struct fido_domain *d, struct fido_peer *peer, bool clean)
{
	peer->gone = true;
	peer->clean = clean;
	peer->gone_ns = fido_now_ns();
	peer->session = NULL;
	fido_recall_note_death(d, peer);
	fido_log(FIDO_LOG_INFO, "group %s: %s: %s %s", d->group, d->name, peer->name,
		clean ? "left" : "died");
}

struct fido_peer *
fido_domain_find_peer(struct fido_domain *d, const char *name)
{
	for (struct fido_peer *p = d->peers; p != NULL; p = p->next)
		if (!p->gone && strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

unsigned int
fido_domain_peer_count(struct fido_domain *d)
{
	unsigned int n = 0;

	pthread_mutex_lock(&d->lock);
	for (struct fido_peer *p = d->peers; p != NULL; p = p->next)
		n++;
	pthread_mutex_unlock(&d->lock);
	return n;
}

void
fido_domain_update(struct fido_domain *d)
{
	bool changed = d->dirty;

	d->dirty = false;
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (d->links[i] != NULL)
			changed |= fido_link_step(d->links[i]);
	if (changed)
		d->ops->notify(d->transport);
}

/* @return true: a receiver here holds a buffer in the peer's slot */
static bool
peer_held(struct fido_domain *d, const struct fido_peer *peer)
{
	uint64_t base = fido_layout_slot_base(&d->layout, peer->slot);

	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (d->links[i] != NULL &&
			fido_link_holds(d->links[i], base, UINT64_C(1) << d->layout.slot_shift))
			return true;
	return false;
}

/*
 * If no receiver holds the peer's memory, stop new descriptors from naming it. A descriptor that a
 * receiver read after the first check of its queue is found by the second check, with the granules
 * cleared: both checks take each queue's lock.
 * @return true: the memory may be unmapped
 */
static bool
close_to_readers(struct fido_domain *d, const struct fido_peer *peer)
{
	if (peer_held(d, peer))
		return false;
	clear_bits(d, peer);
	if (!peer_held(d, peer))
		return true;
	set_bits(d, peer);
	return false;
}

bool
fido_peers_collect(struct fido_domain *d)
{
	struct fido_peer **p = &d->peers;
	bool waiting = false, changed = false;

	while (*p != NULL) {
		struct fido_peer *peer = *p;

		if (peer->gone)
			changed |= fido_held_publish(d, peer);
		if (!peer->gone) {
			p = &peer->next;
		} else if (peer->refs != 0 ||
			(!peer->clean && fido_now_ns() - peer->gone_ns < GONE_GRACE_NS) ||
			!close_to_readers(d, peer)) {
			waiting = true;
			p = &peer->next;
		} else {
			*p = peer->next;
			unmap_peer(d, peer);
			peer_free(peer);
			changed = true;
		}
	}
	if (changed)
		d->ops->notify(d->transport);
	return waiting;
}

void
fido_peers_drop(struct fido_domain *d)
{
	struct fido_peer *peer;

	while ((peer = d->peers) != NULL) {
		d->peers = peer->next;
		unmap_peer(d, peer);
		peer_free(peer);
	}
}
