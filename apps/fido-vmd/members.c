/* SPDX-License-Identifier: BSD-3-Clause */
#include "members.h"

#include <stdio.h>
#include <string.h>

#include <fido/atomic.h>
#include <fido/log.h>

#include "testament.h"

static uint64_t
bit(uint32_t slot)
{
	return UINT64_C(1) << slot;
}

static struct vmd_slot_shm *
slot_of(const struct members *m, uint32_t slot)
{
	return &m->state->slots[slot];
}

static uint32_t
slots(const struct members *m)
{
	return m->group->layout.slots;
}

static bool
holds(const struct members *m, uint32_t holder, uint32_t slot)
{
	return (slot_of(m, slot)->holders & bit(holder)) != 0;
}

static void
set_holder(struct members *m, uint32_t slot, uint32_t holder, bool on)
{
	struct vmd_slot_shm *s = slot_of(m, slot);

	fido_store_release(&s->holders, on ? s->holders | bit(holder) : s->holders & ~bit(holder));
}

enum members_state
members_state_of(const struct vmd_slot_shm *slot)
{
	if (vmd_slot_lives(slot))
		return MEMBERS_LIVE;
	return fido_load_relaxed(&slot->holders) != 0 ? MEMBERS_HELD : MEMBERS_FREE;
}

/* Two observers do not meet. */
static bool
meet(const struct members *m, uint32_t a, uint32_t b)
{
	return !slot_of(m, a)->observes || !slot_of(m, b)->observes;
}

/* ---- death ---- */

void
members_died(struct members *m, uint32_t slot, bool clean)
{
	struct vmd_slot_shm *s = slot_of(m, slot);
	const struct fido_vm_member gone = {s->generation, slot, clean};

	if (!vmd_slot_lives(s))
		return;
	s->clean = clean;
	fido_store_release(&s->live, 0);
	for (uint32_t other = 0; other < slots(m); other++)
		set_holder(m, other, slot, false);
	m->ops->forget(m->arg, slot);
	for (uint32_t other = 0; other < slots(m); other++)
		if (vmd_slot_lives(slot_of(m, other)) && meet(m, slot, other))
			m->ops->send(m->arg, other, FIDO_VM_GONE, &gone);
	fido_log(FIDO_LOG_INFO, "group %s: %s (slot %u) has %s", m->group->name, s->name, slot,
		clean ? "left" : "ended");
}

/* ---- doorbells ---- */

static uint32_t
bell_id(const struct members *m, uint32_t slot)
{
	return vmd_bell_id(m->bells, m->group, m->state, slot);
}

/* The vector of fido-vmd that the newcomer at slot rings when it ends, plus 1; 0: none. */
static uint32_t
give_testament(struct members *m, uint32_t slot, const struct fido_vm_hello *hello)
{
	uint32_t vm = vmd_group_vm_of(m->group, slot);

	if (hello->testament != 1 || !m->hears || vm == VMD_HOST_INDEX ||
		bell_id(m, slot) == FIDO_VM_ANY)
		return 0;
	/* FIDO_VM_ANY + 1 is 0. */
	return testament_give(&m->state->vms[vm], m->group->bells) + 1;
}

/* ---- HELLO ---- */

/* Tell `to` of `of`, which it may map from now on. */
static void
introduce(struct members *m, uint32_t to, uint32_t of)
{
	const struct vmd_slot_shm *s = slot_of(m, of);
	struct fido_vm_peer peer = {.generation = s->generation,
		.slot = of,
		.observes = s->observes,
		.clock = s->clock,
		.bell_id = bell_id(m, to) != FIDO_VM_ANY ? bell_id(m, of) : FIDO_VM_ANY};

	memcpy(peer.name, s->name, sizeof(peer.name));
	set_holder(m, of, to, true);
	m->ops->send(m->arg, to, FIDO_VM_PEER, &peer);
}

/* @return true: the members at both slots are to know of each other */
static bool
are_introduced(const struct members *m, uint32_t slot, uint32_t other)
{
	return other != slot && vmd_slot_lives(slot_of(m, other)) && meet(m, slot, other);
}

static uint32_t
count_others(const struct members *m, uint32_t slot)
{
	uint32_t n = 0;

	for (uint32_t other = 0; other < slots(m); other++)
		n += are_introduced(m, slot, other);
	return n;
}

static void
welcome(struct members *m, uint32_t slot, bool again)
{
	const struct vmd_group *g = m->group;
	const struct fido_vm_welcome payload = {.base = g->layout.base,
		.slot_shift = g->layout.slot_shift,
		.slots = g->layout.slots,
		.slot = slot,
		.again = again,
		.size = g->size,
		.clock = slot_of(m, slot)->clock,
		.members = count_others(m, slot),
		.bell_id = bell_id(m, slot),
		.testament = slot_of(m, slot)->testament - 1};

	m->ops->send(m->arg, slot, FIDO_VM_WELCOME, &payload);
}

/*
 * Tell the member at slot of all others, and those of it that do not know of it yet. When it joins
 * that is everybody. Later it is whoever a killed fido-vmd had not told.
 */
static void
introduce_all(struct members *m, uint32_t slot)
{
	for (uint32_t other = 0; other < slots(m); other++) {
		if (!are_introduced(m, slot, other))
			continue;
		introduce(m, slot, other);
		if (!holds(m, other, slot))
			introduce(m, other, slot);
	}
}

/* Tell the member at slot of the dead whose memory it still maps: it may not have been told. */
static void
repeat_deaths(struct members *m, uint32_t slot)
{
	for (uint32_t other = 0; other < slots(m); other++) {
		const struct vmd_slot_shm *s = slot_of(m, other);
		const struct fido_vm_member gone = {s->generation, other, s->clean};

		if (!vmd_slot_lives(s) && holds(m, slot, other))
			m->ops->send(m->arg, slot, FIDO_VM_GONE, &gone);
	}
}

static enum fido_vm_reason
check_versions(const struct fido_vm_hello *hello)
{
	return hello->version == FIDO_VM_VERSION && hello->layout == FIDO_LAYOUT_VERSION
		? 0
		: FIDO_VM_REASON_VERSION;
}

static enum fido_vm_reason
check_name(const struct members *m, uint32_t slot, const struct fido_vm_hello *hello,
	struct fido_vm_refuse *refuse)
{
	if (memchr(hello->name, '\0', sizeof(hello->name)) == NULL || !fido_name_valid(hello->name))
		return FIDO_VM_REASON_NAME;
	for (uint32_t i = 0; i < slots(m); i++)
		if (i != slot && vmd_slot_lives(slot_of(m, i)) &&
			strcmp(slot_of(m, i)->name, hello->name) == 0) {
			memcpy(refuse->who, hello->name, sizeof(refuse->who));
			return FIDO_VM_REASON_NAME;
		}
	return 0;
}

static enum fido_vm_reason
check_held(const struct members *m, uint32_t slot, struct fido_vm_refuse *refuse)
{
	uint64_t holders = slot_of(m, slot)->holders;

	if (holders == 0)
		return 0;
	memcpy(refuse->who, slot_of(m, (uint32_t)__builtin_ctzll(holders))->name,
		sizeof(refuse->who));
	return FIDO_VM_REASON_HELD;
}

static void
join(struct members *m, uint32_t slot, const struct members_newcomer *who,
	const struct fido_vm_hello *hello)
{
	struct vmd_slot_shm *s = slot_of(m, slot);

	s->generation = who->generation;
	s->clock = who->clock;
	s->pid = who->pid != 0 ? who->pid : hello->pid;
	s->start = who->start;
	s->clean = 0;
	s->observes = hello->observes != 0;
	s->bell_holder = m->bells != NULL ? fido_load_relaxed(&m->bells->holder) : 0;
	s->testament = give_testament(m, slot, hello);
	memset(s->name, 0, sizeof(s->name));
	snprintf(s->name, sizeof(s->name), "%s", hello->name);
	vmd_count(&s->counters.joins, 1);
	fido_store_release(&s->live, 1);
	fido_log(FIDO_LOG_INFO, "group %s: %s joins at slot %u%s", m->group->name, s->name, slot,
		s->observes ? " to observe" : "");
}

enum fido_vm_reason
members_hello(struct members *m, uint32_t slot, const struct members_newcomer *who,
	const struct fido_vm_hello *hello, struct fido_vm_refuse *refuse)
{
	const struct vmd_slot_shm *s = slot_of(m, slot);
	bool again = vmd_slot_lives(s) && s->generation == who->generation;
	enum fido_vm_reason reason = check_versions(hello);

	*refuse = (struct fido_vm_refuse){0};
	/* A port has one opener, so the former one has ended. */
	if (!again)
		members_died(m, slot, false);
	if (reason == 0 && !again)
		reason = check_name(m, slot, hello, refuse);
	if (reason == 0 && !again)
		reason = check_held(m, slot, refuse);
	refuse->reason = reason;
	if (reason != 0)
		return reason;
	if (!again)
		join(m, slot, who, hello);
	welcome(m, slot, again);
	introduce_all(m, slot);
	if (again)
		repeat_deaths(m, slot);
	return 0;
}

/* ---- slots of the host ---- */

static bool
is_same(const struct vmd_slot_shm *s, const struct members_newcomer *who)
{
	return vmd_slot_lives(s) && s->generation == who->generation && s->pid == who->pid &&
		s->start == who->start;
}

static enum fido_vm_reason
place_at(const struct members *m, const struct members_newcomer *who, uint32_t slot)
{
	const struct vmd_vm *host = &m->group->vms[VMD_HOST_INDEX];
	const struct vmd_slot_shm *s;

	if (slot - host->first >= host->count)
		return FIDO_VM_REASON_TAKEN;
	s = slot_of(m, slot);
	return vmd_slot_lives(s) && !is_same(s, who) ? FIDO_VM_REASON_TAKEN : 0;
}

enum fido_vm_reason
members_place(const struct members *m, const struct members_newcomer *who,
	const struct fido_vm_hello *hello, uint32_t *slot)
{
	const struct vmd_vm *host = &m->group->vms[VMD_HOST_INDEX];
	uint32_t found = FIDO_VM_ANY;

	if (hello->slot != FIDO_VM_ANY) {
		*slot = hello->slot;
		return place_at(m, who, hello->slot);
	}
	for (uint32_t i = host->first; i < host->first + host->count; i++) {
		/* Its WELCOME was lost. */
		if (is_same(slot_of(m, i), who)) {
			*slot = i;
			return 0;
		}
		if (found == FIDO_VM_ANY && members_state_of(slot_of(m, i)) == MEMBERS_FREE)
			found = i;
	}
	*slot = found;
	return found == FIDO_VM_ANY ? FIDO_VM_REASON_FULL : 0;
}

/* ---- other frames ---- */

/* @return true: the frame names a living member that was told of the sender */
static bool
is_reachable(const struct members *m, uint32_t from, const struct fido_vm_member *to)
{
	const struct vmd_slot_shm *s;

	if (to->slot >= slots(m) || to->slot == from)
		return false;
	s = slot_of(m, to->slot);
	return vmd_slot_lives(s) && s->generation == to->generation && holds(m, to->slot, from);
}

static bool
let_go(struct members *m, uint32_t slot, const struct fido_vm_member *of)
{
	if (of->slot >= slots(m) || slot_of(m, of->slot)->generation != of->generation ||
		!holds(m, slot, of->slot))
		return false;
	set_holder(m, of->slot, slot, false);
	return true;
}

static bool
ring(struct members *m, uint32_t slot, const struct fido_vm_member *to)
{
	if (!is_reachable(m, slot, to))
		return false;
	vmd_count(&slot_of(m, slot)->counters.rings, 1);
	m->ops->ring(m->arg, to->slot, slot, to->value);
	return true;
}

static bool
changed(struct members *m, uint32_t slot, const struct fido_vm_member *to)
{
	bool all = to->slot == FIDO_VM_ANY;

	/* Whatever a later version may mean by other values. */
	if (to->value > 1)
		return false;
	if (!all && !is_reachable(m, slot, to))
		return false;
	vmd_count(&slot_of(m, slot)->counters.changes, 1);
	for (uint32_t other = 0; other < slots(m); other++)
		if (all ? vmd_slot_lives(slot_of(m, other)) && holds(m, other, slot)
			: other == to->slot)
			m->ops->changed(m->arg, other, slot, to->value == 1);
	return true;
}

static bool
bye(struct members *m, uint32_t slot, const struct fido_vm_bye *payload)
{
	members_died(m, slot, payload->clean == 1);
	return true;
}

static bool
take(struct members *m, uint32_t slot, const struct fido_vm_frame *f)
{
	const struct vmd_slot_shm *s = slot_of(m, slot);

	if (!vmd_slot_lives(s) || f->generation != s->generation)
		return false;
	switch (f->type) {
	case FIDO_VM_LET_GO:
		return let_go(m, slot, &f->member);
	case FIDO_VM_CHANGED:
		return changed(m, slot, &f->member);
	case FIDO_VM_RING:
		return ring(m, slot, &f->member);
	case FIDO_VM_BYE:
		return bye(m, slot, &f->bye);
	default:
		/* What only fido-vmd says. */
		return false;
	}
}

void
members_frame(struct members *m, uint32_t slot, const struct fido_vm_frame *f)
{
	struct vmd_counters_shm *counters = &slot_of(m, slot)->counters;

	vmd_count(&counters->frames, 1);
	if (!take(m, slot, f))
		vmd_count(&counters->dropped, 1);
}
