/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define EVENTS_A_TURN 64

/* Turns so far, of all loops. */
static uint64_t turns;

int
loop_create(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int
source_open(struct source *s, int loop, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = s};

	s->fd = fd;
	s->loop = loop;
	s->turn = turns;
	return epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

void
source_change(struct source *s, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = s};

	epoll_ctl(s->loop, EPOLL_CTL_MOD, s->fd, &event);
}

void
source_close(struct source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void
source_look(struct source *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};

	if (s->fd >= 0 && poll(&p, 1, 0) > 0)
		s->ready(s, EPOLLIN);
}

void
loop_turn(int loop, int timeout_ms)
{
	struct epoll_event events[EVENTS_A_TURN];
	int n = epoll_wait(loop, events, EVENTS_A_TURN, timeout_ms);

	turns++;
	for (int i = 0; i < n; i++) {
		struct source *s = events[i].data.ptr;

		/*
		 * One before it may have closed it, and opened it again: then this is news of the
		 * former descriptor. That of the new one comes in the next turn.
		 */
		if (s->fd >= 0 && s->turn != turns)
			s->ready(s, events[i].events);
	}
}
