/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Incoming connections to a domain's socket: from joining domains, from observers, and from any
 * other process that may connect.
 *
 * A "stranger" has connected but not sent HELLO or OBSERVE yet. It has one second to do so, and the
 * number of strangers is limited. So nobody can use up our descriptors, and a joining domain always
 * gets one. This file never closes a peer's connection. A stranger whose HELLO we lost, for lack of
 * descriptors or memory, and asked for again gets more time, and stays open when descriptors run
 * out.
 */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fido/log.h>

#include "domain_private.h"
#include "fork_guard.h"
#include "host_private.h"

#define HELLO_WAIT_NS UINT64_C(1000000000)
/* Time to send HELLO again: longer than a peer waits before it retries. */
#define AGAIN_WAIT_NS UINT64_C(10000000000)
/* Pause when out of descriptors, so that other threads can close some. */
#define ACCEPT_WAIT_NS UINT64_C(100000000)
#define SELDOM_NS UINT64_C(5000000000)
/* Connections to accept before the peers get their turn. */
#define ACCEPT_MAX 32

void
fido_host_door_init(struct host *h)
{
	struct rlimit limit = {.rlim_cur = 1024};

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > 1024)
		limit.rlim_cur = 1024;
	h->strangers_max = (unsigned int)limit.rlim_cur / 16 + 1;
	h->observers_max = (unsigned int)limit.rlim_cur / 16 + 1;
}

bool
fido_host_may_say(struct host *h)
{
	uint64_t now = fido_now_ns();

	if (now < h->seldom.until_ns) {
		h->seldom.left_out++;
		return false;
	}
	h->seldom.until_ns = now + SELDOM_NS;
	return true;
}

static uint64_t
say_left_out(struct host *h, uint64_t now)
{
	if (h->seldom.left_out == 0)
		return 0;
	if (now < h->seldom.until_ns)
		return h->seldom.until_ns;
	fido_log(FIDO_LOG_WARNING,
		"group %s: %s closed %u more connections of processes that are not domains, or "
		"that are not allowed in",
		h->domain->group, h->domain->name, h->seldom.left_out);
	h->seldom = (struct fido_host_seldom){.until_ns = now + SELDOM_NS};
	return 0;
}

bool
fido_host_check_access(struct host *h, int fd)
{
	uid_t user;

	if (fido_host_access_allows(&h->access, fd, &user))
		return true;
	if (fido_host_may_say(h))
		fido_log(FIDO_LOG_WARNING,
			"group %s: %s refused a process of user %u, who is not on its list "
			"(allow=)",
			h->domain->group, h->domain->name, (unsigned int)user);
	return false;
}

static bool
is_stranger(const struct fido_host_session *s)
{
	return s->accepted && !s->closed && s->peer == NULL && !s->observes;
}

/* @return when a stranger's time is over */
static uint64_t
time_of(const struct fido_host_session *s)
{
	return s->since_ns + (s->hello_lost ? AGAIN_WAIT_NS : HELLO_WAIT_NS);
}

static void
put_out(struct host *h, struct fido_host_session *s, const char *why)
{
	if (fido_host_may_say(h))
		fido_log(FIDO_LOG_WARNING,
			"group %s: %s closes the connection of a process that %s", h->domain->group,
			h->domain->name, why);
	fido_host_session_close(h, s);
}

/* Out of descriptors or memory: stop accepting for a while rather than spin on accept(). */
static void
accept_later(struct host *h, int err)
{
	struct epoll_event ev = {.events = 0, .data.ptr = NULL};

	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next)
		if (is_stranger(s) && !s->hello_lost)
			put_out(h, s, "has not sent HELLO, as file descriptors have run out");
	epoll_ctl(h->epoll_fd, EPOLL_CTL_MOD, h->listen_fd, &ev);
	h->accept_at_ns = fido_now_ns() + ACCEPT_WAIT_NS;
	if (fido_host_may_say(h))
		fido_log(FIDO_LOG_ERROR,
			"group %s: %s cannot accept a connection: %s: raise the limit of open "
			"files "
			"(ulimit -n), or close some",
			h->domain->group, h->domain->name, strerror(err));
}

static void
take(struct host *h, int fd)
{
	bool allowed = fido_host_check_access(h, fd);
	struct fido_host_session *s = fido_host_add_session(h, fido_fork_guard(fd));

	if (s == NULL)
		return;
	s->accepted = true; /* The connecting side sends HELLO first; we answer. */
	s->since_ns = fido_now_ns();
	if (allowed) {
		fido_host_session_read(h, s);
		return;
	}
	fido_host_refuse(s, FIDO_HOST_REASON_ACCESS);
	fido_host_session_close(h, s);
}

void
fido_host_accept(struct host *h)
{
	for (int i = 0; i < ACCEPT_MAX; i++) {
		int fd = accept4(h->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			take(h, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			accept_later(h, errno);
		return;
	}
}

/* @return when the next stranger's time is over, 0: there is none */
static uint64_t
strangers_step(struct host *h, uint64_t now)
{
	unsigned int strangers = 0, asked = 0, observers = 0;
	uint64_t next = 0;

	/* The list begins with the newest: the oldest ones are over the limit. */
	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next) {
		bool too_many;

		if (s->accepted && !s->closed && s->observes && ++observers > h->observers_max)
			put_out(h, s,
				"observes, as there are too many observers: stop some (fido-ctl)");
		if (!is_stranger(s))
			continue;
		too_many = (s->hello_lost ? ++asked : ++strangers) > h->strangers_max;
		/* Its HELLO may be in the socket already, for instance if we slept for long. */
		if (now >= time_of(s) || too_many)
			fido_host_session_read(h, s);
		if (!is_stranger(s))
			continue;
		if (now >= time_of(s))
			put_out(h, s, "has not sent HELLO in time");
		else if (too_many)
			put_out(h, s, "has not sent HELLO, as there are too many such processes");
		else if (next == 0 || time_of(s) < next)
			next = time_of(s);
	}
	return next;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

uint64_t
fido_host_door_step(struct host *h, uint64_t now)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
	uint64_t next = strangers_step(h, now);

	if (h->accept_at_ns != 0 && h->accept_at_ns <= now) {
		h->accept_at_ns = 0;
		epoll_ctl(h->epoll_fd, EPOLL_CTL_MOD, h->listen_fd, &ev);
	}
	next = earlier(next, h->accept_at_ns);
	return earlier(next, say_left_out(h, now));
}
