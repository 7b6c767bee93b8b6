/* SPDX-License-Identifier: BSD-3-Clause */
#include "host.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fido/log.h>

#include "process.h"
#include "served.h"
#include "unix_socket.h"

/* ---- processes ---- */

static void
on_process_end(struct source *source, uint32_t events)
{
	struct host_process *p = (struct host_process *)source;

	(void)events;
	source_close(source);
	members_died(&p->served->members, p->slot, false);
}

/* From now on its end is its member's death; it may be now. */
static void
watch(struct host *h, uint32_t slot)
{
	const struct vmd_slot_shm *s = &h->served->state->slots[slot];
	struct host_process *p = &h->processes[slot];
	int fd;

	if (p->source.fd >= 0 || !vmd_slot_lives(s))
		return;
	fd = process_open(s->pid, s->start);
	if (fd >= 0)
		fd = source_open(&p->source, h->served->loop, fd, EPOLLIN);
	if (fd == -ESRCH)
		members_died(&h->served->members, slot, false);
	else if (fd < 0)
		fido_log(FIDO_LOG_ERROR,
			"group %s: cannot watch process %llu: %s: its slot %u stays taken when it "
			"ends, until fido-vmd is restarted",
			h->served->group.name, (unsigned long long)s->pid, strerror(-fd), slot);
}

/* ---- channels ---- */

/* A channel without a member has no slot. */
static void
unbind(struct channel *c)
{
	if (c->slot != FIDO_VM_ANY && c->served->channels[c->slot] == c)
		served_connect(c->served, c->slot, NULL);
	c->slot = FIDO_VM_ANY;
}

static void
disconnect(struct channel *c)
{
	unbind(c);
	channel_close(c);
}

/* A member that comes back by another connection has lost the former one. */
static void
bind_to(struct channel *c, uint32_t slot)
{
	struct channel *former = c->served->channels[slot];

	if (former != NULL && former != c)
		disconnect(former);
	if (c->slot == slot)
		return;
	unbind(c);
	c->slot = slot;
	served_connect(c->served, slot, c);
}

/* A process that says HELLO with another generation, at the same connection, has left. */
static void
end_former(struct channel *c, uint64_t generation)
{
	const struct vmd_slot_shm *s;

	if (c->slot == FIDO_VM_ANY)
		return;
	s = &c->served->state->slots[c->slot];
	if (vmd_slot_lives(s) && s->generation != generation)
		members_died(&c->served->members, c->slot, false);
	if (s->generation != generation)
		unbind(c);
}

static void
on_hello(struct channel *c, const struct fido_vm_frame *f)
{
	struct host *h = &c->served->host;
	const struct members_newcomer who = {.generation = f->generation,
		.pid = c->pid,
		.start = c->start};
	struct fido_vm_refuse refuse = {0};
	uint32_t slot;

	end_former(c, f->generation);
	refuse.reason = members_place(&c->served->members, &who, &f->hello, &slot);
	if (refuse.reason != 0) {
		served_refuse(c->served, c, f->generation, &refuse);
		return;
	}
	bind_to(c, slot);
	if (served_hello(c->served, c, slot, &who, f))
		watch(h, slot);
	else
		unbind(c);
}

static void
on_frame(struct channel *c, const struct fido_vm_frame *f)
{
	uint32_t slot = c->slot;

	if (f->type == FIDO_VM_HELLO) {
		on_hello(c, f);
		return;
	}
	if (slot == FIDO_VM_ANY)
		return;
	members_frame(&c->served->members, slot, f);
	if (vmd_slot_lives(&c->served->state->slots[slot]))
		return;
	source_close(&c->served->host.processes[slot].source);
	unbind(c);
}

static const struct channel_ops ops = {.frame = on_frame, .end = disconnect};

/* Connections without a member are closed when there are too many: they may be forgotten ones. */
static struct channel *
free_channel(struct host *h)
{
	for (uint32_t i = 0; i < HOST_CHANNELS; i++)
		if (!channel_is_open(&h->channels[i]))
			return &h->channels[i];
	for (uint32_t i = 0; i < HOST_CHANNELS; i++) {
		struct channel *c = &h->channels[h->next++ % HOST_CHANNELS];

		if (c->slot == FIDO_VM_ANY) {
			channel_close(c);
			return c;
		}
	}
	return NULL;
}

static void
on_connection(struct source *source, uint32_t events)
{
	struct host *h = (struct host *)source;
	int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct channel *c = fd >= 0 ? free_channel(h) : NULL;
	unsigned int uid;

	(void)events;
	if (c == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	/* Without its process its death would go unnoticed. */
	if (!process_of_socket(fd, &c->pid, &c->start, &uid))
		close(fd);
	else
		channel_open(c, fd);
}

/* ---- the whole ---- */

static void
prepare(struct host *h, struct served *served)
{
	h->served = served;
	h->listener = (struct source){.fd = -1, .ready = on_connection};
	for (uint32_t i = 0; i < HOST_CHANNELS; i++)
		channel_create(&h->channels[i], served, &ops);
	for (uint32_t i = 0; i < FIDO_SLOTS_MAX; i++)
		h->processes[i] =
			(struct host_process){.source = {.fd = -1, .ready = on_process_end},
				.served = served,
				.slot = i};
}

int
host_open(struct host *h, struct served *served)
{
	const struct vmd_group *g = &served->group;
	const struct vmd_vm *vm = &g->vms[VMD_HOST_INDEX];
	char path[VMD_PATH_MAX];
	int ret = vmd_folder_path(path, g->dir, FIDO_VM_HOST_SOCKET);

	if (ret != 0)
		return ret;
	prepare(h, served);
	for (uint32_t slot = vm->first; slot < vm->first + vm->count; slot++)
		watch(h, slot);
	ret = unix_listen(path, g->shared ? 0660 : 0600, vm->uid, g->gid);
	if (ret >= 0)
		ret = source_open(&h->listener, served->loop, ret, EPOLLIN);
	if (ret != 0)
		fido_log(FIDO_LOG_ERROR, "group %s: cannot listen at %s: %s", g->name, path,
			strerror(-ret));
	return ret;
}

void
host_close(struct host *h)
{
	source_close(&h->listener);
	for (uint32_t i = 0; i < HOST_CHANNELS; i++)
		channel_close(&h->channels[i]);
	for (uint32_t i = 0; i < FIDO_SLOTS_MAX; i++)
		source_close(&h->processes[i].source);
}
