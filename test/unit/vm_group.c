/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm_group.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fork_guard.h"
#include "link_private.h"
#include "peer.h"
#include "recall.h"
#include "vm_private.h"

#define CHECK(cond)                                                                        \
	do {                                                                               \
		if (!(cond)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                           \
		}                                                                          \
	} while (0)

struct slot {
	int memory;
	int socket; /* fido-vmd's end; -1: no domain */
	struct fido_domain *domain;
	struct fido_vm_stream in;
	uint64_t let_go[VM_GROUP_SLOTS];
};

static struct slot slots[VM_GROUP_SLOTS];
static struct fido_layout the_layout;
static bool early;

static void turn_of(struct fido_domain *d);

/* ---- in place of what finds a group, and joins it ---- */

int __wrap_fido_vm_place_find(struct fido_vm_place *p, const char *group);
int __wrap_fido_vm_place_memory(const struct fido_vm_place *p, uint32_t slot, bool writable,
	uint64_t *offset);
int __wrap_fido_vm_member_join(struct fido_vm *v);

int
__wrap_fido_vm_place_find(struct fido_vm_place *p, const char *group)
{
	*p = (struct fido_vm_place){.is_host = true, .folder = {.lock_fd = -1}};
	snprintf(p->group, sizeof(p->group), "%s", group);
	return 0;
}

int
__wrap_fido_vm_place_memory(const struct fido_vm_place *p, uint32_t slot, bool writable,
	uint64_t *offset)
{
	char path[64];
	int fd;

	(void)p;
	CHECK(slot < VM_GROUP_SLOTS);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", slots[slot].memory);
	*offset = FIDO_VM_HEADER_SIZE;
	fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

static uint32_t
free_slot(void)
{
	uint32_t slot = 0;

	while (slot < VM_GROUP_SLOTS && slots[slot].socket >= 0)
		slot++;
	CHECK(slot < VM_GROUP_SLOTS);
	return slot;
}

int
__wrap_fido_vm_member_join(struct fido_vm *v)
{
	struct fido_domain *d = v->domain;
	uint32_t slot = free_slot();
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	fido_vm_port_use(&v->port, fido_fork_guard(ends[0]));
	slots[slot].socket = ends[1];
	slots[slot].in.len = 0;
	v->welcome = (struct fido_vm_welcome){.base = the_layout.base,
		.slot_shift = the_layout.slot_shift,
		.slots = the_layout.slots,
		.slot = slot,
		.size = VM_GROUP_SIZE,
		.clock = 1};
	d->layout = the_layout;
	d->slot = slot;
	d->memory_size = VM_GROUP_ROOT;
	v->connected = true;
	if (early)
		vm_group_announce(slot, d->generation, d->name);
	for (uint32_t i = 0; i < VM_GROUP_SLOTS; i++)
		if (early && slots[i].domain != NULL)
			turn_of(slots[i].domain);
	return 0;
}

void
vm_group_announce_early(void)
{
	early = true;
}

/* ---- members ---- */

void
vm_group_start(const struct fido_layout *layout)
{
	the_layout = *layout;
	the_layout.slots = VM_GROUP_SLOTS;
	for (uint32_t i = 0; i < VM_GROUP_SLOTS; i++) {
		char name[32];

		snprintf(name, sizeof(name), VM_GROUP_FILE, i);
		slots[i].socket = -1;
		slots[i].memory = memfd_create(name, MFD_CLOEXEC);
		CHECK(slots[i].memory >= 0);
		CHECK(ftruncate(slots[i].memory, FIDO_VM_HEADER_SIZE + VM_GROUP_SIZE) == 0);
	}
}

int
vm_group_memory(uint32_t slot)
{
	return slots[slot].memory;
}

static void
stop_thread(struct fido_domain *d)
{
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_mutex_unlock(&d->lock);
	fido_domain_kick(d);
	pthread_join(d->thread, NULL);
	d->thread_started = false;
	d->stop = false;
}

struct fido_domain *
vm_group_join(const char *name)
{
	struct fido_domain_config config = {.group = VM_GROUP,
		.name = name,
		.no_hugepages = true,
		.control_size = FIDO_CONTROL_HEAP_OFFSET + FIDO_GRANULE_SIZE};
	struct fido_domain *d;

	CHECK(fido_domain_join(&d, &config) == 0);
	stop_thread(d);
	slots[d->slot].domain = d;
	return d;
}

void
vm_group_leave(struct fido_domain *d)
{
	struct slot *s = &slots[d->slot];

	s->domain = NULL;
	fido_domain_leave(d);
	if (s->socket >= 0)
		close(s->socket);
	s->socket = -1;
}

void
vm_group_hang_up(uint32_t slot)
{
	close(slots[slot].socket);
	slots[slot].socket = -1;
}

void
vm_group_say(uint32_t to, enum fido_vm_type type, const void *payload)
{
	const struct fido_domain *d = slots[to].domain;
	struct fido_vm_frame f;
	size_t len;

	if (d == NULL)
		return;
	len = fido_vm_frame_make(&f, type, d->generation, payload);
	vm_group_say_bytes(to, &f, len);
}

void
vm_group_say_bytes(uint32_t to, const void *bytes, size_t len)
{
	CHECK(write(slots[to].socket, bytes, len) == (ssize_t)len);
}

static void
say_to_others(uint32_t slot, enum fido_vm_type type, const void *payload)
{
	for (uint32_t i = 0; i < VM_GROUP_SLOTS; i++)
		if (i != slot)
			vm_group_say(i, type, payload);
}

void
vm_group_announce(uint32_t slot, uint64_t generation, const char *name)
{
	struct fido_vm_peer peer = {.generation = generation, .slot = slot, .clock = 1};

	snprintf(peer.name, sizeof(peer.name), "%s", name);
	say_to_others(slot, FIDO_VM_PEER, &peer);
}

void
vm_group_changed(uint32_t slot, uint64_t generation)
{
	struct fido_vm_member m = {.generation = generation, .slot = slot};

	say_to_others(slot, FIDO_VM_CHANGED, &m);
}

void
vm_group_gone(uint32_t slot, uint64_t generation, bool clean)
{
	struct fido_vm_member m = {.generation = generation, .slot = slot, .value = clean};

	say_to_others(slot, FIDO_VM_GONE, &m);
}

uint64_t
vm_group_let_go(uint32_t by, uint32_t of)
{
	return slots[by].let_go[of];
}

/* ---- turns ---- */

static void
pass_on(uint32_t from, const struct fido_vm_frame *f)
{
	struct fido_vm_member m = f->member;
	uint32_t to = m.slot;

	if (f->type != FIDO_VM_CHANGED && f->type != FIDO_VM_RING && f->type != FIDO_VM_LET_GO)
		return;
	if (f->type == FIDO_VM_LET_GO) {
		if (to < VM_GROUP_SLOTS)
			slots[from].let_go[to] = m.generation;
		return;
	}
	m.slot = from;
	m.generation = f->generation;
	if (to == FIDO_VM_ANY)
		say_to_others(from, f->type, &m);
	else if (to < VM_GROUP_SLOTS)
		vm_group_say(to, f->type, &m);
}

static void
hear(uint32_t slot)
{
	struct slot *s = &slots[slot];
	struct fido_vm_frame f;
	ssize_t n;

	do {
		size_t room;
		char *to = fido_vm_stream_room(&s->in, &room);

		n = read(s->socket, to, room);
		if (n > 0)
			fido_vm_stream_added(&s->in, (size_t)n);
		while (fido_vm_stream_next(&s->in, &f))
			pass_on(slot, &f);
	} while (n > 0);
}

static void
turn_of(struct fido_domain *d)
{
	pthread_mutex_lock(&d->lock);
	d->ops->process(d->transport);
	fido_domain_update(d);
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (d->links[i] != NULL)
			fido_link_collect(d->links[i]);
	fido_peers_collect(d);
	fido_recall_collect(d);
	pthread_mutex_unlock(&d->lock);
}

void
vm_group_turn(void)
{
	for (uint32_t i = 0; i < VM_GROUP_SLOTS; i++)
		if (slots[i].domain != NULL)
			hear(i);
	for (uint32_t i = 0; i < VM_GROUP_SLOTS; i++)
		if (slots[i].domain != NULL)
			turn_of(slots[i].domain);
}
