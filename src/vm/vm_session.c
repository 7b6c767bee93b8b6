/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Another member, from its announcement to its end: map its root, its control region, and what it
 * exports. Whatever it has written is checked.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fido/log.h>

#include "bells.h"
#include "link_private.h"
#include "peer.h"
#include "seqlock.h"
#include "vm_bell.h"
#include "vm_private.h"

/* After this many tries read the root when its owner says CHANGED: it is writing. */
#define READ_TRIES 10

struct fido_vm_session *
fido_vm_session_find(struct fido_vm *v, uint32_t slot, uint64_t generation)
{
	for (struct fido_vm_session *s = v->sessions; s != NULL; s = s->next)
		if (s->other.slot == slot && s->other.generation == generation)
			return s;
	return NULL;
}

static uint64_t
root_gaddr(const struct fido_vm *v, const struct fido_vm_session *s)
{
	return fido_layout_slot_base(&v->domain->layout, s->other.slot) + v->welcome.size -
		FIDO_GRANULE_SIZE;
}

static void
session_free(const struct fido_vm *v, struct fido_vm_session *s)
{
	if (s->root != NULL) {
		fido_slot_unmap(&v->domain->layout, root_gaddr(v, s), FIDO_GRANULE_SIZE);
		fido_slot_release(&v->domain->layout, s->other.slot);
	}
	if (s->memory_fd >= 0)
		close(s->memory_fd);
	if (s->ram_fd >= 0)
		close(s->ram_fd);
	free(s);
}

/* Tell fido-vmd that nothing of the slot's former generation is mapped here. */
static void
let_go(struct fido_vm *v, uint32_t slot)
{
	uint64_t generation = v->held[slot];

	v->held[slot] = 0;
	if (generation != 0 && !v->left)
		fido_vm_tell(v, FIDO_VM_LET_GO, slot, generation, 0);
}

static bool
is_mapped(const struct fido_vm *v, uint32_t slot)
{
	for (const struct fido_peer *p = v->domain->peers; p != NULL; p = p->next)
		if (p->slot == slot)
			return true;
	return false;
}

void
fido_vm_unmapped(void *transport, uint32_t slot)
{
	struct fido_vm *v = transport;

	/* A member that lives stays held, even if it could not be mapped. */
	if (fido_vm_session_find(v, slot, v->held[slot]) == NULL && !is_mapped(v, slot))
		let_go(v, slot);
}

void
fido_vm_session_end(struct fido_vm *v, struct fido_vm_session *s, bool clean)
{
	struct fido_vm_session **p = &v->sessions;
	uint32_t slot = s->other.slot;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	if (s->peer != NULL)
		fido_domain_peer_gone(v->domain, s->peer, clean);
	session_free(v, s);
	fido_vm_unmapped(v, slot);
}

void
fido_vm_session_add(struct fido_vm *v, const struct fido_vm_peer *other)
{
	struct fido_vm_session *s;

	if (other->slot >= v->domain->layout.slots || other->slot == v->domain->slot ||
		fido_vm_session_find(v, other->slot, other->generation) != NULL)
		return;
	for (s = v->sessions; s != NULL; s = s->next)
		if (s->other.slot == other->slot) {
			fido_vm_session_end(v, s, false); /* Its GONE was lost. */
			break;
		}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return; /* GONE ends what was never begun. */
	s->other = *other;
	fido_control_name(s->other.name, other->name);
	s->memory_fd = s->ram_fd = -1;
	s->look = true;
	s->next = v->sessions;
	v->sessions = s;
	v->held[other->slot] = other->generation;
}

void
fido_vm_sessions_free(struct fido_vm *v)
{
	struct fido_vm_session *s;

	while ((s = v->sessions) != NULL) {
		v->sessions = s->next;
		session_free(v, s);
	}
}

/* ---- its root ---- */

/* Map it at its gaddr, where a read beyond the end of a file that was truncated is caught. */
static int
map_root(struct fido_vm *v, struct fido_vm_session *s)
{
	const struct fido_layout *layout = &v->domain->layout;
	struct fido_fd_map map = {.fd = s->memory_fd,
		.offset = s->memory_offset + v->welcome.size - FIDO_GRANULE_SIZE,
		.prot = PROT_READ};
	int ret = fido_slot_reserve(layout, s->other.slot, s->other.generation);

	if (ret != 0)
		return ret;
	ret = fido_slot_map(layout, root_gaddr(v, s), FIDO_GRANULE_SIZE, fido_map_fd, &map);
	if (ret == 0)
		s->root = (const struct fido_vm_root_shm *)(uintptr_t)root_gaddr(v, s);
	else
		fido_slot_release(layout, s->other.slot);
	return ret;
}

static int
open_root(struct fido_vm *v, struct fido_vm_session *s)
{
	if (s->root != NULL)
		return 0;
	if (s->memory_fd < 0)
		s->memory_fd =
			fido_vm_place_memory(&v->place, s->other.slot, false, &s->memory_offset);
	return s->memory_fd < 0 ? s->memory_fd : map_root(v, s);
}

/* @return 0, -EAGAIN: that generation has not written it yet, -EPROTO */
static int
check_root(const struct fido_vm_session *s)
{
	/* A22: pairs with R22 in vm_own.c. */
	if (fido_load_acquire(&s->root->magic) != FIDO_VM_ROOT_MAGIC ||
		fido_load_relaxed(&s->root->generation) != s->other.generation)
		return -EAGAIN;
	return fido_load_relaxed(&s->root->version) == FIDO_VM_VERSION &&
			fido_load_relaxed(&s->root->slot) == s->other.slot
		? 0
		: -EPROTO;
}

static int
arrive(struct fido_vm *v, struct fido_vm_session *s)
{
	struct fido_domain *d = v->domain;
	struct fido_fd_map map = {.fd = s->memory_fd,
		.offset = s->memory_offset,
		.prot = PROT_READ};
	struct fido_peer_info info = {.name = s->other.name,
		.slot = s->other.slot,
		.generation = s->other.generation,
		.session = s,
		.observes = s->other.observes != 0,
		.control_size = fido_load_relaxed(&s->root->control_size),
		.other_clock = s->other.clock != v->welcome.clock};
	int ret;

	if (fido_domain_find_peer(d, s->other.name) != NULL)
		return -EBUSY; /* Links find their peers by name: a living domain keeps its own. */
	if (info.control_size % FIDO_GRANULE_SIZE != 0 ||
		info.control_size > v->welcome.size - FIDO_GRANULE_SIZE)
		return -EPROTO;
	ret = fido_domain_peer_arrived(d, &info, fido_map_fd, &map, &s->peer);
	if (ret == 0)
		d->dirty = true;
	return ret;
}

/* ---- what it exports ---- */

/* @return true: behind its control region, in its slot's memory */
static bool
is_slots(const struct fido_vm *v, const struct fido_vm_session *s, const struct fido_extent *e)
{
	uint64_t offset = e->gaddr - fido_layout_slot_base(&v->domain->layout, s->other.slot);
	uint64_t end = v->welcome.size - FIDO_GRANULE_SIZE;

	return e->place == FIDO_VM_PLACE(s->other.slot, offset) &&
		offset >= s->peer->control_size && offset < end && e->len <= end - offset;
}

/* @return true: in its machine's RAM, at a gaddr of its slot behind the slot's memory */
static bool
is_ram(const struct fido_vm *v, const struct fido_vm_session *s, const struct fido_extent *e)
{
	uint64_t offset = e->gaddr - fido_layout_slot_base(&v->domain->layout, s->other.slot);
	uint64_t end = UINT64_C(1) << v->domain->layout.slot_shift;
	uint32_t file = FIDO_VM_PLACE_FILE(e->place);

	return file >= FIDO_VM_RAM(0) && file < FIDO_VM_FILES_MAX &&
		FIDO_VM_PLACE_OFFSET(e->place) % FIDO_GRANULE_SIZE == 0 &&
		offset >= v->welcome.size && offset < end && e->len <= end - offset;
}

static bool
extent_valid(const struct fido_vm *v, const struct fido_vm_session *s, const struct fido_extent *e)
{
	return e->gaddr % FIDO_GRANULE_SIZE == 0 && e->len % FIDO_GRANULE_SIZE == 0 &&
		e->len != 0 && (is_slots(v, s, e) || is_ram(v, s, e));
}

/* What a root lists. */
struct list {
	struct fido_extents extents;
	uint32_t seq;
	uint32_t epoch;
	uint32_t sent;
};

/*
 * Read what the root lists once. The extents come in order: to sort them could take a control
 * thread seconds. @return 0, -EAGAIN: it is being written, -EPROTO, -ENOMEM
 */
static int
read_once(const struct fido_vm *v, const struct fido_vm_session *s, struct list *list)
{
	struct fido_extents *now = &list->extents;
	uint64_t end = 0;
	uint32_t count;
	int ret = 0;

	list->seq = fido_seq_read_begin(&s->root->seq);
	if (list->seq & 1)
		return -EAGAIN;
	list->epoch = fido_load_relaxed(&s->root->epoch);
	list->sent = fido_load_relaxed(&s->root->sent);
	count = fido_load_relaxed(&s->root->count);
	for (uint32_t i = 0; i < count && i < FIDO_VM_EXTENTS_MAX && ret == 0; i++) {
		struct fido_extent e = {.gaddr = fido_load_relaxed(&s->root->extents[i].gaddr),
			.len = fido_load_relaxed(&s->root->extents[i].len),
			.place = fido_load_relaxed(&s->root->extents[i].place),
			.fd = -1};

		if (!extent_valid(v, s, &e) || e.gaddr < end)
			ret = -EPROTO;
		else
			ret = fido_extents_reserve(now, e.gaddr, e.len);
		if (ret == 0)
			fido_extents_add(now, &e, 0);
		end = e.gaddr + e.len;
	}
	/* What was read while it was written proves nothing. */
	if (!fido_seq_read_whole(&s->root->seq, list->seq))
		return -EAGAIN;
	return count > FIDO_VM_EXTENTS_MAX ? -EPROTO : ret;
}

static int
read_list(const struct fido_vm *v, const struct fido_vm_session *s, struct list *list)
{
	int ret = -EAGAIN;

	for (int i = 0; i < READ_TRIES && ret == -EAGAIN; i++) {
		fido_extents_free(&list->extents);
		ret = read_once(v, s, list);
	}
	return ret;
}

/* @return true: where both are, they are the same pages */
static bool
same_pages(const struct fido_extent *a, const struct fido_extent *b)
{
	return a->place - a->gaddr == b->place - b->gaddr;
}

/* Find the first part of e, from `at` on, of which the set does not have the same pages. */
static bool
next_gap(const struct fido_extents *set, const struct fido_extent *e, uint64_t at,
	struct fido_extent *gap)
{
	uint64_t end = e->gaddr + e->len;

	for (size_t i = fido_extents_find(set, at); i < set->count && at < end; i++) {
		const struct fido_extent *have = &set->items[i].extent;
		uint64_t have_end = have->gaddr + have->len;

		if (have->gaddr > at || !same_pages(have, e)) {
			have_end = have->gaddr > at ? have->gaddr : have_end;
			end = have_end < end ? have_end : end;
			break;
		}
		at = have_end;
	}
	*gap = (struct fido_extent){.gaddr = at,
		.len = end - at,
		.fd = -1,
		.place = e->place + (at - e->gaddr)};
	return at < end;
}

/* Unmap what is mapped and not listed. */
static int
unmap_rest(struct fido_vm *v, struct fido_vm_session *s, const struct fido_extents *now)
{
	const struct fido_extents *mapped = &s->peer->extents;
	uint64_t at = (uintptr_t)s->peer->control + s->peer->control_size;
	int ret = 0;

	for (size_t i; ret == 0 && (i = fido_extents_find(mapped, at)) < mapped->count;) {
		struct fido_extent e = mapped->items[i].extent, gap;

		at = at > e.gaddr ? at : e.gaddr;
		if (next_gap(now, &e, at, &gap)) {
			ret = fido_domain_peer_unmap(v->domain, s->peer, gap.gaddr, gap.len);
			at = gap.gaddr + gap.len;
		} else {
			at = e.gaddr + e.len;
		}
	}
	return ret;
}

/* A fido_map_fn's argument for that place. @return 0, -errno */
static int
find_place(struct fido_vm *v, struct fido_vm_session *s, uint64_t place, struct fido_fd_map *map)
{
	uint32_t file = FIDO_VM_PLACE_FILE(place);

	*map = (struct fido_fd_map){.fd = s->memory_fd,
		.offset = s->memory_offset + FIDO_VM_PLACE_OFFSET(place),
		.prot = PROT_READ};
	if (file == s->other.slot)
		return 0;
	if (s->ram_fd >= 0 && s->ram_file != file)
		return -EPROTO; /* A process is in one machine. */
	if (s->ram_fd < 0)
		s->ram_fd = fido_vm_place_memory(&v->place, file, false, &s->ram_offset);
	if (s->ram_fd < 0)
		return s->ram_fd;
	s->ram_file = file;
	map->fd = s->ram_fd;
	map->offset = s->ram_offset + FIDO_VM_PLACE_OFFSET(place);
	return 0;
}

static int
map_part(struct fido_vm *v, struct fido_vm_session *s, const struct fido_extent *part)
{
	struct fido_fd_map map;
	int ret = find_place(v, s, part->place, &map);

	if (ret == 0)
		return fido_domain_peer_map(v->domain, s->peer, part, fido_map_fd, &map);
	if (ret != -EPROTO)
		fido_domain_peer_map_failed(v->domain, s->peer, ret);
	return ret;
}

/*
 * Map what is listed and not mapped. The core records memory that cannot be mapped: its owner goes
 * on copying it. @return 0, -EPROTO, -EAGAIN: some was not mapped now
 */
static int
map_new(struct fido_vm *v, struct fido_vm_session *s, const struct fido_extents *now)
{
	int again = 0;

	for (size_t i = 0; i < now->count; i++) {
		const struct fido_extent *e = &now->items[i].extent;
		struct fido_extent gap;
		uint64_t at = e->gaddr;

		while (next_gap(&s->peer->extents, e, at, &gap)) {
			int ret = map_part(v, s, &gap);

			if (ret == -EPROTO)
				return ret;
			if (ret == -EAGAIN)
				again = ret;
			at = gap.gaddr + gap.len;
		}
	}
	return again;
}

static int
refresh_extents(struct fido_vm *v, struct fido_vm_session *s)
{
	struct list list = {.seq = 0};
	int ret;

	if (fido_load_relaxed(&s->root->seq) == s->seq && s->peer->map_error == 0)
		return 0;
	ret = read_list(v, s, &list);
	if (ret == 0) {
		fido_domain_peer_export_restarted(s->peer);
		ret = unmap_rest(v, s, &list.extents);
	}
	if (ret == 0)
		ret = map_new(v, s, &list.extents);
	if (ret == 0) {
		s->seq = list.seq;
		fido_domain_peer_epoch(v->domain, s->peer, list.sent, list.epoch);
	}
	fido_extents_free(&list.extents);
	return ret;
}

/* ---- its doorbells ---- */

static bool
read_bells(const struct fido_vm_bells_shm *from, struct fido_vm_bells_shm *copy)
{
	for (int i = 0; i < READ_TRIES; i++) {
		copy->seq = fido_seq_read_begin(&from->seq);
		for (size_t k = 0; k < sizeof(copy->link); k++)
			copy->link[k] = fido_load_relaxed(&from->link[k]);
		copy->nrx = fido_load_relaxed(&from->nrx);
		copy->ntx = fido_load_relaxed(&from->ntx);
		for (uint32_t k = 0; k < 2 * FIDO_LINK_QUEUES_MAX; k++)
			copy->bells[k] = fido_load_relaxed(&from->bells[k]);
		if (fido_seq_read_whole(&from->seq, copy->seq))
			return true;
	}
	return false;
}

static void
take_bells(struct fido_vm *v, const struct fido_vm_session *s, const struct fido_vm_bells_shm *shm)
{
	struct fido_bell_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return;
	fido_control_name(set->link, shm->link);
	set->nrx = shm->nrx;
	set->ntx = shm->ntx;
	for (uint16_t i = 0; i < set->nrx; i++)
		set->rx[i] = fido_vm_bell_of_peer(v, &s->other, shm->bells[i]);
	for (uint16_t i = 0; i < set->ntx; i++)
		set->tx[i] = fido_vm_bell_of_peer(v, &s->other, shm->bells[set->nrx + i]);
	fido_domain_peer_bells(v->domain, s->peer, set);
}

static int
refresh_bells(struct fido_vm *v, struct fido_vm_session *s)
{
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++) {
		const struct fido_vm_bells_shm *shm = &s->root->bells[i];
		struct fido_vm_bells_shm copy;

		if (fido_load_relaxed(&shm->seq) == s->bells_seen[i] || !read_bells(shm, &copy))
			continue;
		s->bells_seen[i] = copy.seq;
		if (copy.nrx > FIDO_LINK_QUEUES_MAX || copy.ntx > FIDO_LINK_QUEUES_MAX)
			return -EPROTO;
		take_bells(v, s, &copy);
	}
	return 0;
}

/* ---- stepping ---- */

static int
step(struct fido_vm *v, struct fido_vm_session *s)
{
	int ret = open_root(v, s);

	if (ret == 0)
		ret = check_root(s);
	if (ret == -EAGAIN) {
		s->look = false; /* It says CHANGED once it has written it. */
		return 0;
	}
	if (ret == 0 && s->peer == NULL)
		ret = arrive(v, s);
	if (ret == 0)
		ret = refresh_extents(v, s);
	return ret != 0 ? ret : refresh_bells(v, s);
}

/*
 * A resource is short, the memory is being plugged in, or the root is being written, for as long as
 * its owner likes.
 */
static bool
may_pass(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ENOENT ||
		err == -EAGAIN;
}

bool
fido_vm_session_step(struct fido_vm *v, struct fido_vm_session *s)
{
	int ret;

	if (s->refused || !s->look)
		return false;
	ret = step(v, s);
	if (ret == -EBUSY)
		return true; /* Until the slot's former memory is unmapped here. */
	if (may_pass(ret)) {
		fido_domain_retry_later(v->domain);
		return false;
	}
	s->look = false;
	/* It is leaving: GONE follows. */
	if (ret == 0 || ret == -ESTALE)
		return false;
	s->refused = true;
	fido_log(FIDO_LOG_ERROR, "group vm:%s: %s cannot work with %s (slot %u): %s: restart it%s",
		v->domain->group, v->domain->name, s->other.name, s->other.slot,
		ret == -EPROTO ? "it broke the protocol" : strerror(-ret),
		ret == -EPROTO ? "" : " or this domain, which lacks a resource");
	return false;
}
