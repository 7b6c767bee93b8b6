/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VMD_TABLE_H
#define VMD_TABLE_H

/**
 * @file
 * Members of a group of fido-vmd without fido-vmd: slots 0 and 1 are the host's, 2 and 3 those of
 * machine a, 4 and 5 of b. What is sent is recorded.
 */

#include <string.h>

#include "members.h"

#define TABLE_SLOTS 6
#define TABLE_SENT_MAX 256

struct sent {
	uint32_t to;
	enum fido_vm_type type;
	struct fido_vm_frame frame; /* its payload */
};

struct table {
	struct vmd_state_shm state;
	struct sent sent[TABLE_SENT_MAX];
	uint32_t sent_count;
	uint64_t forgotten; /* slots */
};

static struct vmd_group table_group = {.name = "g",
	.size = 16 << 20,
	.layout = {FIDO_DEFAULT_BASE, FIDO_DEFAULT_SLOT_SHIFT, TABLE_SLOTS},
	.vm_count = 3,
	.vms = {{.name = VMD_HOST, .first = 0, .count = 2}, {.name = "a", .first = 2, .count = 2},
		{.name = "b", .first = 4, .count = 2}}};

static void
table_record(struct table *t, uint32_t to, enum fido_vm_type type, const void *payload)
{
	struct sent *s = &t->sent[t->sent_count % TABLE_SENT_MAX];

	s->to = to;
	s->type = type;
	fido_vm_frame_make(&s->frame, type, t->state.slots[to].generation, payload);
	/* What is sent before it is recorded was sent nevertheless. */
	fido_store_release(&t->sent_count, t->sent_count + 1);
}

static void
table_send(void *arg, uint32_t to, enum fido_vm_type type, const void *payload)
{
	table_record(arg, to, type, payload);
}

static void
table_ring(void *arg, uint32_t to, uint32_t from, uint32_t bell)
{
	const struct fido_vm_member m = {.slot = from, .value = bell};

	table_record(arg, to, FIDO_VM_RING, &m);
}

static void
table_changed(void *arg, uint32_t to, uint32_t from, bool ring_all)
{
	const struct fido_vm_member m = {.slot = from, .value = ring_all};

	table_record(arg, to, FIDO_VM_CHANGED, &m);
}

static void
table_forget(void *arg, uint32_t slot)
{
	struct table *t = arg;

	t->forgotten |= UINT64_C(1) << slot;
}

static const struct members_ops table_ops = {table_send, table_ring, table_changed, table_forget};

static inline struct members
table_begin(struct table *t)
{
	t->state.slot_count = TABLE_SLOTS;
	return (struct members){.group = &table_group,
		.state = &t->state,
		.ops = &table_ops,
		.arg = t};
}

static inline struct fido_vm_hello
table_hello(const char *name)
{
	struct fido_vm_hello h = {.version = FIDO_VM_VERSION,
		.layout = FIDO_LAYOUT_VERSION,
		.slot = FIDO_VM_ANY};

	memcpy(h.name, name, strlen(name) < sizeof(h.name) ? strlen(name) : sizeof(h.name));
	return h;
}

/* Say HELLO at a slot. @return the reason to be refused */
static inline enum fido_vm_reason
table_join(struct members *m, uint32_t slot, uint64_t generation, const char *name)
{
	const struct members_newcomer who = {.generation = generation, .clock = slot};
	const struct fido_vm_hello h = table_hello(name);
	struct fido_vm_refuse refuse;

	return members_hello(m, slot, &who, &h, &refuse);
}

/* Say something about a member. */
static inline void
table_say(struct members *m, uint32_t from, enum fido_vm_type type, struct fido_vm_member about)
{
	struct fido_vm_frame f;

	fido_vm_frame_make(&f, type, m->state->slots[from].generation, &about);
	members_frame(m, from, &f);
}

/* @return how many frames of that type about that slot were sent to a member since `since` */
static inline uint32_t
table_count(const struct table *t, uint32_t since, uint32_t to, enum fido_vm_type type,
	uint32_t about)
{
	uint32_t n = 0;

	for (uint32_t i = since; i < t->sent_count; i++) {
		const struct sent *s = &t->sent[i];
		uint32_t slot = type == FIDO_VM_PEER ? s->frame.peer.slot
			: type == FIDO_VM_WELCOME    ? about
						     : s->frame.member.slot;

		n += s->to == to && s->type == type && slot == about;
	}
	return n;
}

#endif
