/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host transport: domains are processes, or containers that share a folder, on one machine.
 *
 * Meeting:   A group has a folder (local_folder.h). A joining domain claims a name and a slot there
 *            (host_claim.c), listens on a Unix socket in the folder (host_folder.c) and connects to
 *            every living domain (host_greet.c). Later domains connect to it (host_door.c).
 *            host_session.h draws the messages.
 * Memory:    Memfds. The owner passes their descriptors over the socket (host_send.c); the peer
 *            maps them at their gaddr, PROT_READ (host_receive.c, fido_map_fd() in map.h).
 * Doorbells: Eventfds, passed over the same socket (host_bell.c).
 * Death:     A domain holds a lock on its slot's file. The kernel releases it when the process
 *            ends, for whatever reason (local_slot.h). The end of a connection proves nothing:
 *            is_dead().
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <fido/log.h>

#include "domain_private.h"
#include "host_bell.h"
#include "host_group.h"
#include "host_observe.h"
#include "host_private.h"
#include "local_slot.h"
#include "memfile.h"
#include "peer.h"

/* ---- sessions ---- */

struct fido_host_session *
fido_host_add_session(struct host *h, int fd)
{
	struct fido_host_session *s = fido_host_session_create(fd);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};

	if (s == NULL)
		return NULL;
	if (epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
		fido_host_session_destroy(s);
		return NULL;
	}
	s->next = h->sessions;
	h->sessions = s;
	return s;
}

void
fido_host_unmapped(void *transport, uint32_t slot)
{
	struct host *h = transport;

	for (const struct fido_peer *p = h->domain->peers; p != NULL; p = p->next)
		if (p->slot == slot)
			return;
	if (slot != h->domain->slot)
		fido_local_slot_let_go(h->claim.slots, slot);
}

void
fido_host_session_close(struct host *h, struct fido_host_session *s)
{
	epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	shutdown(s->fd, SHUT_RDWR);
	s->closed = true;
}

/* The end of the connection does not prove death, the free lock on the slot's file does. */
static bool
is_dead(const struct fido_host_session *s)
{
	return s->said_bye || fido_host_has_ended(s);
}

static void
drop_deaf(struct host *h, struct fido_host_session *s)
{
	fido_log(FIDO_LOG_ERROR,
		"group %s: %s: %s does not read its messages: connection closed; restart it",
		h->domain->group, h->domain->name,
		s->peer != NULL ? s->peer->name : "an unknown process");
	fido_host_session_close(h, s);
}

/*
 * Flush the sessions, and free those that are closed and whose domain is dead.
 * @return true: messages or deaths are pending
 */
static bool
sweep(struct host *h)
{
	struct fido_host_session **p = &h->sessions;
	bool waiting = false;

	while (*p != NULL) {
		struct fido_host_session *s = *p;

		if (!s->closed) {
			waiting |= !fido_host_flush(s);
			if (fido_host_is_ready(s) && s->sent.error == 0)
				fido_host_send_memory(h, s);
			if (s->deaf)
				drop_deaf(h, s);
			p = &s->next;
		} else if (s->peer != NULL && !is_dead(s)) {
			waiting = true;
			p = &s->next;
		} else {
			if (s->peer != NULL)
				fido_domain_peer_gone(h->domain, s->peer, s->clean);
			else if (!s->accepted && !s->needless)
				fido_host_greet_again(h, s);
			*p = s->next;
			fido_host_session_destroy(s);
		}
	}
	return waiting;
}

static void
wake_at(struct host *h, uint64_t ns)
{
	struct itimerspec t = {.it_value = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)}};

	timerfd_settime(h->timer_fd, TFD_TIMER_ABSTIME, &t, NULL); /* 0: never */
}

/* Run what is due, and set the timer to what is due next. */
static void
in_time(struct host *h)
{
	uint64_t now = fido_now_ns(), next = 0;
	uint64_t (*const steps[])(struct host * h, uint64_t now) = {fido_host_folder_step,
		fido_host_greet_step, fido_host_door_step};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint64_t at = steps[i](h, now);

		if (at != 0 && (next == 0 || at < next))
			next = at;
	}
	wake_at(h, next);
}

/* @return true: a step of in_time() closed a connection or queued a message after sweep() */
static bool
is_unfinished(const struct host *h)
{
	for (const struct fido_host_session *s = h->sessions; s != NULL; s = s->next)
		if (s->closed ? s->peer == NULL : s->out != NULL || s->deaf)
			return true;
	return false;
}

static bool
host_process(void *transport)
{
	struct host *h = transport;
	struct epoll_event ev[32];
	int n = epoll_wait(h->epoll_fd, ev, 32, 0);
	bool waiting;

	fido_local_slot_moved(h->claim.slot);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == NULL)
			fido_host_accept(h);
		else if (ev[i].data.ptr == &h->watch_fd)
			fido_host_watch_read(h);
		else if (ev[i].data.ptr != &h->timer_fd)
			fido_host_session_read(h, ev[i].data.ptr);
	}
	waiting = sweep(h);
	in_time(h);
	return waiting || is_unfinished(h) || n == 32;
}

static int
host_fd(void *transport)
{
	return ((struct host *)transport)->epoll_fd;
}

/* ---- join and leave ---- */

static void
host_free(struct host *h)
{
	if (h->timer_fd >= 0)
		close(h->timer_fd);
	if (h->epoll_fd >= 0)
		close(h->epoll_fd);
	free(h);
}

static int
host_alloc(struct host **out, struct fido_domain *d)
{
	struct host *h = calloc(1, sizeof(*h));
	struct epoll_event ev = {.events = EPOLLIN};
	int err;

	if (h == NULL)
		return -ENOMEM;
	h->domain = d;
	h->group.lock_fd = h->claim.slots = h->claim.slot = h->listen_fd = h->watch_fd = -1;
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	h->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	ev.data.ptr = &h->timer_fd;
	fido_host_door_init(h);
	*out = h;
	if (h->timer_fd >= 0 && epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, h->timer_fd, &ev) == 0)
		return 0;
	err = errno;
	fido_log(FIDO_LOG_ERROR,
		"group %s: %s cannot join: %s: raise the limit of open files (ulimit -n)", d->group,
		d->name, strerror(err));
	host_free(h);
	return -err;
}

static int
host_join(struct fido_domain *d, void **transport)
{
	struct host *h;
	int ret = host_alloc(&h, d);

	if (ret != 0)
		return ret;
	ret = fido_host_access_parse(&h->access, d->allow);
	if (ret == 0)
		ret = fido_local_folder_open(&h->group, d->group, true);
	if (ret == 0)
		ret = fido_host_enter(h);
	if (ret != 0) {
		host_free(h);
		return ret;
	}
	*transport = h;
	return 0;
}

static int
host_start(void *transport)
{
	struct host *h = transport;
	int ret = fido_host_appear(h);

	if (ret != 0)
		return ret;
	fido_host_greet_all(h);
	in_time(h);
	return 0;
}

static void
host_leave(void *transport, bool clean)
{
	struct host *h = transport;
	struct fido_host_session *s;

	while ((s = h->sessions) != NULL) {
		struct fido_host_bye msg = {.clean = clean};

		h->sessions = s->next;
		if (!s->closed &&
			(s->peer != NULL ||
				!s->accepted)) /* It may have mapped us before it answered. */
			fido_host_send(s, FIDO_HOST_BYE, &msg, sizeof(msg), NULL, 0, false);
		fido_host_session_destroy(s);
	}
	fido_host_greet_none(h);
	fido_host_disappear(h);
}

static void
host_release(void *transport)
{
	struct host *h = transport;

	fido_host_claim_end(&h->group, h->domain, &h->claim);
	fido_local_folder_tidy(&h->group);
	host_free(h);
}

static const char *
host_memory_advice(int error)
{
	return error == -ENOENT ? "mount /proc" : NULL;
}

const struct fido_transport_ops fido_transport_host = {
	.name = "host",
	.join = host_join,
	.start = host_start,
	.leave = host_leave,
	.release = host_release,
	.unmapped = fido_host_unmapped,
	.memory_create = fido_memfile_create,
	.memory_seal = fido_memfile_seal,
	.can_export = fido_host_can_export,
	.export = fido_host_export,
	.withdraw = fido_host_withdraw,
	.retry = fido_host_retry,
	.memory_advice = host_memory_advice,
	.notify = fido_host_notify,
	.offer_doorbells = fido_host_offer_doorbells,
	.doorbell_create = fido_host_bell_create,
	.fd = host_fd,
	.process = host_process,
	.group_create = fido_host_group_create,
	.group_destroy = fido_host_group_destroy,
	.observe = fido_host_observe_all,
	.observe_end = fido_host_observation_end,
};
