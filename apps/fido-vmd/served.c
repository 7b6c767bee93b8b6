/* SPDX-License-Identifier: BSD-3-Clause */
#include "served.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <fido/clock.h>
#include <fido/log.h>

#include "memory.h"
#include "process.h"

/* Garbage is logged at most so often, and only if there is much of it. */
#define NOISE_PAUSE_MS 60000
#define NOISE_BYTES 4096

static uint64_t
bit(uint32_t slot)
{
	return UINT64_C(1) << slot;
}

/* ---- frames to members ---- */

static void
count_overflow(struct served *s, uint32_t slot)
{
	vmd_count(&s->state->slots[slot].counters.overflows, 1);
}

static void
put(struct served *s, uint32_t to, const struct fido_vm_frame *f)
{
	/* A member that is not connected says HELLO when it is, and hears everything. */
	if (s->channels[to] == NULL)
		return;
	if (!outbox_put(&s->outboxes[to], f))
		count_overflow(s, to);
	s->awake |= bit(to);
}

static void
on_send(void *arg, uint32_t to, enum fido_vm_type type, const void *payload)
{
	struct served *s = arg;
	struct fido_vm_frame f;

	fido_vm_frame_make(&f, type, s->state->slots[to].generation, payload);
	put(s, to, &f);
}

static void
on_ring(void *arg, uint32_t to, uint32_t from, uint32_t bell)
{
	struct served *s = arg;

	if (s->channels[to] == NULL)
		return;
	outbox_ring(&s->outboxes[to], from, bell);
	s->awake |= bit(to);
}

static void
on_changed(void *arg, uint32_t to, uint32_t from, bool ring_all)
{
	struct served *s = arg;

	if (s->channels[to] == NULL)
		return;
	outbox_changed(&s->outboxes[to], from, ring_all);
	s->awake |= bit(to);
}

static void
on_forget(void *arg, uint32_t slot)
{
	struct served *s = arg;

	outbox_forget_all(&s->outboxes[slot]);
	for (uint32_t i = 0; i < s->group.layout.slots; i++)
		outbox_forget(&s->outboxes[i], slot);
}

static const struct members_ops ops = {.send = on_send,
	.ring = on_ring,
	.changed = on_changed,
	.forget = on_forget};

void
served_wake(struct served *s, uint32_t slot)
{
	if (slot != FIDO_VM_ANY)
		s->awake |= bit(slot);
}

void
served_who(struct served *s, uint32_t slot)
{
	outbox_who(&s->outboxes[slot]);
	s->awake |= bit(slot);
}

void
served_connect(struct served *s, uint32_t slot, struct channel *c)
{
	s->channels[slot] = c;
	fido_store_relaxed(&s->state->slots[slot].connected, c != NULL);
	outbox_clear(&s->outboxes[slot]);
}

void
served_refuse(struct served *s, struct channel *c, uint64_t generation,
	const struct fido_vm_refuse *refuse)
{
	struct fido_vm_frame f;

	fido_vm_frame_make(&f, FIDO_VM_REFUSE, generation, refuse);
	if (c->slot == FIDO_VM_ANY)
		channel_send(c, &f);
	else
		put(s, c->slot, &f);
}

/* Take note of processes that have ended just now. */
static void
look_for_ends(struct served *s)
{
	for (uint32_t i = 0; i < FIDO_SLOTS_MAX; i++)
		source_look(&s->host.processes[i].source);
	for (uint32_t i = 0; i < VMD_VMS_MAX; i++)
		source_look(&s->machines[i].process);
}

bool
served_hello(struct served *s, struct channel *c, uint32_t slot, const struct members_newcomer *who,
	const struct fido_vm_frame *f)
{
	struct vmd_counters_shm *counters = &s->state->slots[slot].counters;
	struct fido_vm_refuse refuse;
	enum fido_vm_reason reason;

	vmd_count(&counters->frames, 1);
	if (who->generation == 0) {
		vmd_count(&counters->dropped, 1);
		return false;
	}
	s->members.hears = bells_are_heard(&s->bells, &s->group);
	reason = members_hello(&s->members, slot, who, &f->hello, &refuse);
	/* A process that takes another's name may be quicker than the news of that one's end. */
	if (reason == FIDO_VM_REASON_NAME) {
		look_for_ends(s);
		reason = members_hello(&s->members, slot, who, &f->hello, &refuse);
	}
	if (reason == 0)
		return true;
	served_refuse(s, c, who->generation, &refuse);
	/* Its channel may be closed now, or have another slot: this is the last turn to send it. */
	served_flush(s);
	return false;
}

/* ---- garbage and headers ---- */

void
served_skipped(struct served *s, uint32_t slot, uint64_t bytes)
{
	uint64_t now = fido_now_ms();

	if (slot == FIDO_VM_ANY)
		return;
	vmd_count(&s->state->slots[slot].counters.skipped, bytes);
	if (bytes < NOISE_BYTES / 2 || now - s->noise_told_ms[slot] < NOISE_PAUSE_MS)
		return;
	s->noise_told_ms[slot] = now;
	fido_log(FIDO_LOG_WARNING,
		"group %s: slot %u of %s sends bytes that are no frames; they are skipped (%llu so "
		"far)",
		s->group.name, slot, s->group.vms[vmd_group_vm_of(&s->group, slot)].name,
		(unsigned long long)s->state->slots[slot].counters.skipped);
}

void
served_repair(struct served *s)
{
	bool written[FIDO_VM_FILES_MAX] = {false};

	vmd_memory_repair(&s->group, written);
	for (uint32_t file = 0; file < FIDO_VM_FILES_MAX; file++)
		if (written[file])
			vmd_count(file < FIDO_SLOTS_MAX
					? &s->state->slots[file].counters.headers
					: &s->state->vms[vmd_group_vm_of(&s->group, file)].headers,
				1);
}

/* ---- create, destroy ---- */

static int
lock(struct served *s)
{
	char path[VMD_PATH_MAX];
	int ret = vmd_folder_path(path, s->group.dir, "lock");

	if (ret != 0)
		return ret;
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd >= 0 && flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	ret = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (ret == -EBUSY)
		fido_log(FIDO_LOG_ERROR,
			"group %s: another fido-vmd serves it: stop that one first, or name the "
			"groups to serve (find it: fuser -v %s)",
			s->group.name, path);
	else
		fido_log(FIDO_LOG_ERROR, "group %s: cannot lock %s: %s", s->group.name, path,
			strerror(-ret));
	return ret;
}

static void
prepare(struct served *s, int loop)
{
	s->loop = loop;
	s->lock_fd = -1;
	s->members = (struct members){.group = &s->group, .ops = &ops, .arg = s};
	for (uint32_t i = 0; i < FIDO_SLOTS_MAX; i++) {
		s->ports[i].listener.fd = -1;
		s->ports[i].channel.source.fd = -1;
		s->host.processes[i].source.fd = -1;
	}
	s->host.listener.fd = -1;
	bells_create(&s->bells, s);
	for (uint32_t i = 0; i < HOST_CHANNELS; i++)
		s->host.channels[i].source.fd = -1;
	for (uint32_t i = 0; i < VMD_VMS_MAX; i++)
		machine_create(&s->machines[i], s, i);
}

static int
open_all(struct served *s)
{
	const struct vmd_group *g = &s->group;
	int ret = bells_open(&s->bells);

	s->members.bells = s->bells.shm;
	if (ret == 0)
		ret = host_open(&s->host, s);
	for (uint32_t i = VMD_HOST_INDEX + 1; i < g->vm_count && ret == 0; i++) {
		machine_open(&s->machines[i]);
		for (uint32_t j = 0; j < g->vms[i].count && ret == 0; j++)
			ret = port_open(&s->ports[g->vms[i].first + j], s, g->vms[i].first + j);
	}
	return ret;
}

int
served_create(struct served **out, const char *group, int loop)
{
	struct served *s = calloc(1, sizeof(*s));
	int ret;

	if (s == NULL)
		return -ENOMEM;
	prepare(s, loop);
	ret = vmd_group_load(&s->group, group);
	if (ret == 0)
		ret = lock(s);
	if (ret == 0)
		ret = vmd_state_open(&s->state, &s->group);
	if (ret == 0) {
		s->members.state = s->state;
		s->outboxes = calloc(s->group.layout.slots, sizeof(*s->outboxes));
		ret = s->outboxes != NULL ? 0 : -ENOMEM;
	}
	if (ret == 0) {
		vmd_state_recover(s->state);
		s->state->start = process_start((uint64_t)getpid());
		s->state->pid = (uint64_t)getpid();
		served_repair(s);
		ret = open_all(s);
	}
	if (ret != 0) {
		served_destroy(s);
		return ret;
	}
	*out = s;
	return 0;
}

void
served_destroy(struct served *s)
{
	host_close(&s->host);
	bells_close(&s->bells);
	for (uint32_t i = 0; i < FIDO_SLOTS_MAX; i++)
		port_close(&s->ports[i]);
	for (uint32_t i = 0; i < VMD_VMS_MAX; i++)
		machine_close(&s->machines[i]);
	if (s->state != NULL)
		vmd_state_close(s->state);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->outboxes);
	free(s);
}

/* ---- turns ---- */

void
served_flush(struct served *s)
{
	while (s->awake != 0) {
		uint32_t slot = (uint32_t)__builtin_ctzll(s->awake);

		s->awake &= s->awake - 1;
		if (s->channels[slot] != NULL)
			channel_flush(s->channels[slot], &s->outboxes[slot], s->state);
	}
}

bool
served_tick(struct served *s)
{
	bool again = bells_tick(&s->bells);

	for (uint32_t i = VMD_HOST_INDEX + 1; i < s->group.vm_count; i++)
		again |= machine_tick(&s->machines[i]);
	return again;
}
