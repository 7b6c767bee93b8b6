/* SPDX-License-Identifier: BSD-3-Clause */
#include "outbox.h"

#include <string.h>

/* The remainder tells compilers that it is a slot. */
static uint64_t
bit(uint32_t slot)
{
	return UINT64_C(1) << slot % FIDO_SLOTS_MAX;
}

/* @return the first slot of a set that has some */
static uint32_t
first_of(uint64_t slots)
{
	return (uint32_t)__builtin_ctzll(slots);
}

static void
forget_bells(struct outbox *o, uint32_t from)
{
	o->bells[from].count = 0;
	o->ringing &= ~bit(from);
}

void
outbox_forget(struct outbox *o, uint32_t from)
{
	forget_bells(o, from);
	o->changed &= ~bit(from);
	o->ring_all &= ~bit(from);
}

void
outbox_forget_all(struct outbox *o)
{
	o->cons = o->prod;
	o->who = false;
	o->changed = 0;
	o->ring_all = 0;
	while (o->ringing != 0)
		forget_bells(o, first_of(o->ringing));
}

void
outbox_clear(struct outbox *o)
{
	outbox_forget_all(o);
	o->len = 0;
	o->sent = 0;
}

void
outbox_who(struct outbox *o)
{
	outbox_forget_all(o);
	o->who = true;
}

bool
outbox_put(struct outbox *o, const struct fido_vm_frame *f)
{
	/* The answer to WHO repeats it. */
	if (o->who)
		return true;
	if (o->prod - o->cons == OUTBOX_FRAMES) {
		outbox_who(o);
		return false;
	}
	o->frames[o->prod++ % OUTBOX_FRAMES] = *f;
	return true;
}

void
outbox_changed(struct outbox *o, uint32_t from, bool ring_all)
{
	if (o->who)
		return;
	o->changed |= bit(from);
	if (!ring_all)
		return;
	/* It stands for every bell. */
	o->ring_all |= bit(from);
	forget_bells(o, from);
}

void
outbox_ring(struct outbox *o, uint32_t from, uint32_t bell)
{
	struct outbox_bells *bells = &o->bells[from];

	if (o->who || (o->ring_all & bit(from)))
		return;
	for (uint32_t i = 0; i < bells->count; i++)
		if (bells->numbers[i] == bell)
			return;
	if (bells->count == OUTBOX_BELLS) {
		outbox_changed(o, from, true);
		return;
	}
	bells->numbers[bells->count++] = bell;
	o->ringing |= bit(from);
}

bool
outbox_is_empty(const struct outbox *o)
{
	return o->len == 0 && o->prod == o->cons && !o->who && o->changed == 0 && o->ringing == 0;
}

/* ---- bytes ---- */

static void
append(struct outbox *o, const struct fido_vm_frame *f)
{
	size_t n = FIDO_VM_FRAME_HEADER + f->len;

	memcpy(o->bytes + o->len, f, n);
	o->len += n;
}

/* Take the first CHANGED that waits, or else the first RING. */
static enum fido_vm_type
pop_signal(struct outbox *o, struct fido_vm_member *m)
{
	if (o->changed != 0) {
		m->slot = first_of(o->changed);
		m->value = (o->ring_all & bit(m->slot)) != 0;
		o->changed &= ~bit(m->slot);
		o->ring_all &= ~bit(m->slot);
		return FIDO_VM_CHANGED;
	}
	m->slot = first_of(o->ringing);
	m->value = o->bells[m->slot].numbers[--o->bells[m->slot].count];
	if (o->bells[m->slot].count == 0)
		forget_bells(o, m->slot);
	return FIDO_VM_RING;
}

static void
append_signal(struct outbox *o, const struct vmd_state_shm *state, uint32_t to)
{
	struct fido_vm_member m = {0};
	enum fido_vm_type type = pop_signal(o, &m);
	struct fido_vm_frame f;

	m.generation = state->slots[m.slot].generation;
	fido_vm_frame_make(&f, type, state->slots[to].generation, &m);
	append(o, &f);
}

static bool
has_room(const struct outbox *o)
{
	return o->len + FIDO_VM_FRAME_MAX <= sizeof(o->bytes);
}

static void
fill(struct outbox *o, const struct vmd_state_shm *state, uint32_t to)
{
	struct fido_vm_frame who;

	if (o->who) {
		fido_vm_frame_make(&who, FIDO_VM_WHO, state->slots[to].generation, NULL);
		append(o, &who);
		o->who = false;
	}
	while (o->prod != o->cons && has_room(o))
		append(o, &o->frames[o->cons++ % OUTBOX_FRAMES]);
	/* No frame that tells of a member comes after its bells. */
	while (o->prod == o->cons && (o->changed | o->ringing) != 0 && has_room(o))
		append_signal(o, state, to);
}

const char *
outbox_bytes(struct outbox *o, const struct vmd_state_shm *state, uint32_t to, size_t *len)
{
	if (o->len == 0)
		fill(o, state, to);
	*len = o->len - o->sent;
	return o->len == 0 ? NULL : o->bytes + o->sent;
}

void
outbox_sent(struct outbox *o, size_t n)
{
	o->sent += n;
	if (o->sent == o->len) {
		o->len = 0;
		o->sent = 0;
	}
}
