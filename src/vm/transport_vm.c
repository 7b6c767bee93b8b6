/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vm transport: domains are processes in virtual machines of one host (QEMU/KVM and others) and
 * of the host itself.
 *
 * Meeting:   fido-vmd, a daemon of the host, creates the group, and knows who is in it.
 *            vm_protocol.h says how members and the daemon speak (vm_member.c, vm_port.c).
 * Memory:    Each slot is one file. Its owner's machine has it writable, all others read-only, as
 *            device dax (vm_place.c). What a domain exports is listed in its root (vm_root.h,
 *            vm_own.c); the peer maps it at its gaddr, PROT_READ (vm_session.c).
 * Doorbells: Vectors of devices (vm_vectors.h) where there are some, else frames through fido-vmd
 *            (vm_bell.c).
 * Death:     fido-vmd tells: it sees the end of a virtual machine, of a process of the host, and of
 *            a process in a guest, whose kernel closes its port.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <fido/log.h>

#include "doorbell_private.h"
#include "event.h"
#include "link_private.h"
#include "peer.h"
#include "vm_bell.h"
#include "vm_private.h"
#include "watcher.h"

/* Reads of the connection before others get their turn. */
#define READ_MAX 16

/* Any thread. */
void
fido_vm_tell(struct fido_vm *v, enum fido_vm_type type, uint32_t slot, uint64_t generation,
	uint32_t value)
{
	struct fido_vm_member m = {.generation = generation, .slot = slot, .value = value};

	if (fido_vm_port_send(&v->port, type, &m))
		fido_domain_kick(v->domain); /* The control thread sends what waits. */
}

/* ---- our memory ---- */

static int
vm_memory_create(void *transport, size_t size, bool huge, int *fd)
{
	const struct fido_vm *v = transport;

	(void)size;
	(void)huge; /* fido-vmd has chosen the pages of all slots. */
	*fd = fcntl(v->memory_fd, F_DUPFD_CLOEXEC, 0);
	return *fd >= 0 ? 0 : -errno;
}

static uint64_t
vm_memory_offset(void *transport, uint64_t gaddr)
{
	const struct fido_vm *v = transport;

	return v->memory_offset + gaddr -
		fido_layout_slot_base(&v->domain->layout, v->domain->slot);
}

static int
vm_memory_seal(void *transport, int fd)
{
	(void)transport;
	(void)fd; /* Others cannot open the file for writing. */
	return 0;
}

/*
 * Peers see the slots' files, and those of guests' RAM: what lies elsewhere is copied. DPDK hands
 * over huge pages one by one.
 */
static int
vm_can_export(void *transport, const void *va, struct fido_extent *e)
{
	struct fido_vm *v = transport;
	uint64_t offset;
	int ret = e->len == FIDO_GRANULE_SIZE ? fido_vm_ram_locate(&v->ram, va, &offset)
					      : -EOPNOTSUPP;

	if (ret == 0)
		e->place = FIDO_VM_PLACE(v->ram.file, offset);
	if (ret == -EPERM && !v->told_permission)
		fido_log(FIDO_LOG_WARNING,
			"group vm:%s: %s cannot learn where its memory is (/proc/self/pagemap): "
			"packets in it are copied: run as root, or keep packets in arenas "
			"(pools=arena)",
			v->domain->group, v->domain->name);
	v->told_permission |= ret == -EPERM;
	return ret == 0 || ret == -ENOENT ? ret : -EOPNOTSUPP;
}

static void
vm_notify(void *transport)
{
	fido_vm_tell(transport, FIDO_VM_CHANGED, FIDO_VM_ANY, 0, 0);
}

static void
vm_export(void *transport)
{
	fido_vm_own_write_extents(transport);
	vm_notify(transport);
}

static void
vm_withdraw(void *transport, uint64_t gaddr, uint64_t len, uint32_t epoch)
{
	(void)gaddr;
	(void)len;
	(void)epoch;
	vm_export(transport);
}

static int
vm_offer_doorbells(void *transport, struct fido_link *link)
{
	struct fido_vm *v = transport;
	uint32_t bells[2 * FIDO_LINK_QUEUES_MAX];

	for (uint16_t i = 0; i < link->nrx; i++)
		bells[i] = fido_vm_bell_word(link->rxq[i]->bell);
	for (uint16_t i = 0; i < link->ntx; i++)
		bells[link->nrx + i] = fido_vm_bell_word(link->txq[i]->bell);
	fido_vm_own_write_bells(v, link->index, link->name, link->nrx, link->ntx, bells);
	vm_notify(v);
	return 0;
}

/* Rings in both directions may have been lost: ring our doorbells, and have peers ring theirs. */
static void
ring_everybody(struct fido_vm *v)
{
	fido_vm_bell_signal_all(v);
	fido_vm_tell(v, FIDO_VM_CHANGED, FIDO_VM_ANY, 0, 1);
}

/*
 * The device has gone. A ring that peers have made, or we, may have got lost: resync as after lost
 * frames.
 */
static void
vectors_lost(struct fido_vm *v)
{
	struct fido_domain *d = v->domain;

	fido_log(FIDO_LOG_WARNING,
		"group vm:%s: the device of %s's doorbells has been removed: it rings and is rung "
		"by fido-vmd from now on",
		d->group, d->name);
	fido_vm_bell_forget_vectors(v);
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (d->links[i] != NULL && d->links[i]->state >= FIDO_LINK_BOUND)
			vm_offer_doorbells(v, d->links[i]);
	ring_everybody(v);
}

/* ---- frames ---- */

/* Frames in both directions may have been lost. */
static void
resync(struct fido_vm *v)
{
	for (struct fido_vm_session *s = v->sessions; s != NULL; s = s->next)
		s->look = true;
	ring_everybody(v);
}

static void
on_gone(struct fido_vm *v, const struct fido_vm_member *m)
{
	struct fido_vm_session *s = fido_vm_session_find(v, m->slot, m->generation);

	if (s != NULL)
		fido_vm_session_end(v, s, m->value == 1);
	else if (m->slot < FIDO_SLOTS_MAX && v->held[m->slot] != m->generation)
		fido_vm_tell(v, FIDO_VM_LET_GO, m->slot, m->generation,
			0); /* Lost, or never held. */
}

static void
on_changed(struct fido_vm *v, const struct fido_vm_member *m)
{
	struct fido_vm_session *s = fido_vm_session_find(v, m->slot, m->generation);

	if (s != NULL)
		s->look = true;
	if (m->value != 0)
		fido_vm_bell_signal_all(v);
}

static void
say_bye(struct fido_vm *v, bool clean)
{
	struct fido_vm_bye bye = {.clean = clean};

	v->left = true;
	fido_vm_port_restart(&v->port, FIDO_VM_BYE, &bye);
}

/*
 * fido-vmd does not know this generation: the group was destroyed, perhaps created anew, or others
 * took this domain for dead. What it maps is not what members have now.
 */
static void
lose_membership(struct fido_vm *v)
{
	fido_log(FIDO_LOG_ERROR,
		"group vm:%s: fido-vmd no longer knows %s: the group was destroyed, or others take "
		"this domain for dead: restart it",
		v->domain->group, v->domain->name);
	say_bye(v, false);
	fido_vm_member_end(v);
	while (v->sessions != NULL)
		fido_vm_session_end(v, v->sessions, false);
}

static void
on_frame(struct fido_vm *v, const struct fido_vm_frame *f)
{
	/* fido-vmd counts us as a holder of nothing. */
	if (v->left)
		return;
	switch (f->type) {
	case FIDO_VM_WHO:
		fido_vm_member_hello(v);
		break;
	case FIDO_VM_WELCOME:
		if (f->welcome.again != 0)
			resync(v);
		else
			lose_membership(v);
		break;
	case FIDO_VM_PEER:
		v->announced++;
		fido_vm_session_add(v, &f->peer);
		break;
	case FIDO_VM_GONE:
		on_gone(v, &f->member);
		break;
	case FIDO_VM_CHANGED:
		on_changed(v, &f->member);
		break;
	case FIDO_VM_RING:
		fido_vm_bell_signal(v, f->member.value);
		break;
	case FIDO_VM_REFUSE:
		lose_membership(v);
		break;
	default:
		break;
	}
}

/* @return true: more may have come */
static bool
receive(struct fido_vm *v)
{
	struct fido_vm_frame f;

	for (int i = 0; i < READ_MAX; i++) {
		int ret;

		while (fido_vm_port_next(&v->port, &f))
			on_frame(v, &f);
		ret = v->connected ? fido_vm_port_read(&v->port) : -EAGAIN;
		if (ret == -EPIPE)
			fido_vm_member_disconnected(v);
		if (ret != 0)
			return false;
	}
	return true;
}

/* ---- the control thread ---- */

static bool
vm_process(void *transport)
{
	struct fido_vm *v = transport;
	bool waiting;
	int ret;

	fido_vm_member_reconnect(v);
	if (fido_vm_vectors_look(&v->vectors))
		vectors_lost(v);
	waiting = receive(v);
	for (struct fido_vm_session *s = v->sessions; s != NULL; s = s->next)
		waiting |= fido_vm_session_step(v, s);
	ret = fido_vm_port_flush(&v->port);
	if (ret == -ENOBUFS)
		fido_vm_member_hello(v);
	else
		fido_vm_member_watch(v, ret == -EAGAIN);
	return waiting;
}

static void
vm_retry(void *transport)
{
	struct fido_vm *v = transport;

	for (struct fido_vm_session *s = v->sessions; s != NULL; s = s->next) {
		s->look |= s->peer != NULL && s->peer->map_error != 0;
		if (fido_vm_session_step(v, s))
			fido_domain_retry_later(v->domain);
	}
}

static int
vm_fd(void *transport)
{
	return ((struct fido_vm *)transport)->epoll_fd;
}

/* ---- join and leave ---- */

static void
vm_free(struct fido_vm *v)
{
	fido_vm_sessions_free(v);
	fido_vm_own_close(v);
	fido_vm_vectors_close(&v->vectors);
	fido_vm_port_fini(&v->port);
	if (v->timer_fd >= 0)
		close(v->timer_fd);
	if (v->epoll_fd >= 0)
		close(v->epoll_fd);
	if (v->uses_events)
		fido_event_unuse();
	free(v);
}

/* Vectors of which fido-vmd knows nothing are of no use: it tells others where to ring. */
static void
use_vectors(struct fido_vm *v)
{
	const struct fido_vm_welcome *w = &v->welcome;
	struct fido_domain *d = v->domain;

	if (v->place.is_host && !d->observes && w->bell_id != FIDO_VM_ANY)
		fido_vm_vectors_open_host(&v->vectors, &v->place, w->bell_id);
	if (v->vectors.ops != NULL && v->vectors.id != w->bell_id)
		fido_vm_vectors_close(&v->vectors);
	if (v->vectors.ops == NULL)
		return;
	if (w->testament != FIDO_VM_ANY)
		fido_vm_vectors_testify(&v->vectors, w->testament);
	if (fido_vm_vectors_can_testify(&v->vectors)) {
		struct epoll_event ev = {.events = 0, .data.fd = v->vectors.device_fd};

		/* EPOLLHUP needs not be asked for. Edge-triggered: it stays. */
		ev.events |= EPOLLET;
		epoll_ctl(v->epoll_fd, EPOLL_CTL_ADD, v->vectors.device_fd, &ev);
	}
	fido_log(FIDO_LOG_INFO, "group vm:%s: %s has doorbells by %s: %u vectors", d->group,
		d->name, v->vectors.ops->name, v->vectors.count);
}

/* @return 0, -errno */
static int
open_descriptors(struct fido_vm *v)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ret = fido_event_use();

	v->uses_events = ret == 0;
	v->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	v->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (v->epoll_fd < 0 || v->timer_fd < 0 ||
		epoll_ctl(v->epoll_fd, EPOLL_CTL_ADD, v->timer_fd, &ev) != 0)
		ret = -errno;
	return ret;
}

static int
join(struct fido_vm *v)
{
	const struct fido_domain *d = v->domain;
	int ret = open_descriptors(v);

	if (ret == 0)
		ret = fido_vm_place_find(&v->place, d->group);
	/* An observer has no doorbells, and must not take a device from a process that has some. */
	if (ret == 0 && !v->place.is_host && !d->observes)
		fido_vm_vectors_open_guest(&v->vectors, d->group);
	if (ret == 0)
		ret = fido_vm_member_join(v);
	if (ret != 0)
		return ret;
	use_vectors(v);
	return fido_vm_own_open(v);
}

static int
vm_join(struct fido_domain *d, void **transport)
{
	struct fido_vm *v = calloc(1, sizeof(*v));
	int ret;

	if (v == NULL)
		return -ENOMEM;
	v->domain = d;
	v->memory_fd = v->ram.pagemap_fd = -1;
	fido_vm_port_init(&v->port, d->generation);
	fido_vm_vectors_init(&v->vectors);
	ret = join(v);
	if (ret != 0) {
		say_bye(v, true);
		vm_free(v);
		return ret;
	}
	*transport = v;
	return 0;
}

static int
vm_start(void *transport)
{
	int ret = fido_vm_own_publish(transport);

	if (ret != 0)
		return ret;
	fido_vm_member_watch(transport, true);
	vm_notify(transport);
	return 0;
}

static void
vm_leave(void *transport, bool clean)
{
	say_bye(transport, clean);
	/* The slots' addresses are released before the transport is freed. */
	fido_vm_sessions_free(transport);
}

static void
vm_release(void *transport)
{
	vm_free(transport);
}

const struct fido_transport_ops fido_transport_vm = {
	.name = "vm",
	.join = vm_join,
	.start = vm_start,
	.leave = vm_leave,
	.release = vm_release,
	.unmapped = fido_vm_unmapped,
	.memory_create = vm_memory_create,
	.memory_offset = vm_memory_offset,
	.memory_seal = vm_memory_seal,
	.can_export = vm_can_export,
	.export = vm_export,
	.withdraw = vm_withdraw,
	.retry = vm_retry,
	.notify = vm_notify,
	.offer_doorbells = vm_offer_doorbells,
	.doorbell_create = fido_vm_bell_create,
	.fd = vm_fd,
	.process = vm_process,
	.observe = fido_vm_observe_all,
	.observe_end = fido_watcher_observation_end,
};
