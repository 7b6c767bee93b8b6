/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connecting to the other domains of a group.
 *
 * A domain claims its slot, makes its socket, and then connects to every living domain that it finds in the folder. Of two
 * that join at once, the one that looks last finds the other; when both do, the connection of the later generation stays
 * (crosses() in transport_host.c). One whose socket is not there yet will look later, and find us.
 *
 * Nothing blocks: who takes no connections (it is stopped, and its backlog is full) is tried again, less and less often, until
 * it has ended.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domain_private.h"
#include "fork_guard.h"
#include "host_private.h"
#include "host_slot.h"
#include "log_private.h"

#define FIRST_WAIT_NS UINT64_C(5000000)
#define LONGEST_WAIT_NS UINT64_C(500000000)
/* Of a domain that lives, but refuses or ends connections, and does not say why. */
#define TRIES_MAX 10

struct fido_host_greeting {
	struct fido_host_greeting *next;
	struct fido_host_owner owner;
	uint32_t slot;
	unsigned int tries;
	uint64_t at_ns;
};

static uint64_t
wait_after(unsigned int tries)
{
	return tries > 7 ? LONGEST_WAIT_NS : FIRST_WAIT_NS << tries;
}

static void
note(struct host *h, uint32_t slot, const struct fido_host_owner *owner, unsigned int tries)
{
	struct fido_host_greeting *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		fido_log(FIDO_LOG_ERROR, "group %s: %s does not connect to %s: no memory: free some, and start %s again",
				h->domain->group, h->domain->name, owner->name, h->domain->name);
		return;
	}
	g->owner = *owner;
	g->slot = slot;
	g->tries = tries;
	g->at_ns = tries != 0 ? fido_now_ns() + wait_after(tries) : 0;
	g->next = h->greetings;
	h->greetings = g;
}

/* @return true when there is a connection with that domain */
static bool
known(const struct host *h, uint32_t slot, uint64_t generation)
{
	for (const struct fido_host_session *s = h->sessions; s != NULL; s = s->next)
		if (s->slot == slot && s->generation == generation && (s->peer != NULL || !s->closed))
			return true;
	return false;
}

static bool
noted(const struct host *h, uint32_t slot, uint64_t generation)
{
	for (const struct fido_host_greeting *g = h->greetings; g != NULL; g = g->next)
		if (g->slot == slot && g->owner.generation == generation)
			return true;
	return false;
}

void
fido_host_greet_all(struct host *h)
{
	for (uint32_t n = 0; n < h->domain->layout.slots; n++) {
		struct fido_host_owner owner;

		if (n == h->domain->slot || !fido_host_slot_owner(&h->group, n, &owner) || owner.generation == 0 ||
				!fido_name_valid(owner.name) || known(h, n, owner.generation) ||
				noted(h, n, owner.generation))
			continue;
		note(h, n, &owner, 0);
	}
}

struct fido_host_session *
fido_host_greeted(struct host *h, uint32_t slot, uint64_t generation)
{
	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next)
		if (!s->accepted && !s->closed && s->peer == NULL && s->slot == slot && s->generation == generation)
			return s;
	return NULL;
}

void
fido_host_greet_again(struct host *h, const struct fido_host_session *s)
{
	struct fido_host_owner owner;

	if (s->tries < TRIES_MAX && !noted(h, s->slot, s->generation) &&
			fido_host_slot_owner(&h->group, s->slot, &owner) && owner.generation == s->generation)
		note(h, s->slot, &owner, s->tries + 1);
}

/* It listened at its socket and lived afterwards: so it is that domain, and no other one of its name. */
static bool
is_that(const struct host *h, const struct fido_host_greeting *g)
{
	int fd = fido_host_slot_open(&h->group, g->slot, g->owner.generation);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void
explain(const struct host *h, const struct fido_host_greeting *g, int err)
{
	const char *advice = "see what it says";

	if (err == -EMFILE || err == -ENFILE)
		advice = "raise the limit of open files (ulimit -n)";
	else if (err == -EACCES || err == -EPERM)
		advice = "this user may not write to its socket: run both as one user, or make the group for a Unix group that both are in (fido-ctl create GROUP --gid NAME)";
	fido_log(FIDO_LOG_ERROR, "group %s: %s cannot connect to %s: %s: %s", h->domain->group, h->domain->name,
			g->owner.name, strerror(-err), advice);
}

/* @return true: it is to be tried again */
static bool
try_one(struct host *h, struct fido_host_greeting *g)
{
	struct fido_host_session *s;
	int fd;

	if (known(h, g->slot, g->owner.generation))
		return false;
	fd = fido_host_group_connect(&h->group, g->owner.name);
	if (fd < 0) {
		bool busy = fd == -EAGAIN;
		bool silent = busy || fd == -ENOENT || fd == -ECONNREFUSED; /* it has not begun, or has just ended */

		if (!is_that(h, g))
			return false;
		if (fd == -EACCES || fd == -EPERM)
			g->tries = TRIES_MAX; /* It will not become better. */
		g->tries += !busy || g->tries < TRIES_MAX - 1;
		if (g->tries < TRIES_MAX)
			return true;
		if (!silent)
			explain(h, g, fd);
		return false;
	}
	if (!is_that(h, g) || !fido_host_check_access(h, fd)) {
		fido_fork_close(fd);
		return false;
	}
	s = fido_host_add_session(h, fd);
	if (s == NULL)
		return ++g->tries < TRIES_MAX;
	s->slot = g->slot;
	s->generation = g->owner.generation;
	s->tries = g->tries;
	fido_host_say_hello(h, s);
	return false;
}

uint64_t
fido_host_greet_step(struct host *h, uint64_t now)
{
	uint64_t next = 0;

	for (struct fido_host_greeting **p = &h->greetings, *g; (g = *p) != NULL;) {
		if (g->at_ns <= now) {
			if (!try_one(h, g)) {
				*p = g->next;
				free(g);
				continue;
			}
			g->at_ns = now + wait_after(g->tries);
		}
		if (next == 0 || g->at_ns < next)
			next = g->at_ns;
		p = &g->next;
	}
	return next;
}

void
fido_host_greet_none(struct host *h)
{
	struct fido_host_greeting *g;

	while ((g = h->greetings) != NULL) {
		h->greetings = g->next;
		free(g);
	}
}
