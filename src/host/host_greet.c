/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connecting to the other domains of a group.
 *
 * A domain claims its slot, creates its socket, and then connects to every living domain that it
 * finds in the folder. Of two domains that join at once, the one that searches last finds the
 * other. If each finds the other, the connection that the later generation made stays (crosses() in
 * host_receive.c). A domain that has no socket yet searches later and finds us.
 *
 * Nothing blocks. We retry, less and less often, to reach a domain that does not accept (it is
 * stopped and its backlog is full) or closes the connection without an answer, until it dies. A
 * lack of descriptors or memory on our side may pass: we never give up a domain for it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fido/log.h>

#include "domain_private.h"
#include "fork_guard.h"
#include "host_private.h"
#include "local_slot.h"
#include "peer.h"

#define FIRST_WAIT_NS UINT64_C(5000000)
#define LONGEST_WAIT_NS UINT64_C(500000000)
/* Attempts before an error is logged. */
#define TRIES_MAX 10

/* A domain to connect to. */
struct fido_host_greeting {
	struct fido_host_greeting *next;
	struct fido_local_owner owner;
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
note(struct host *h, uint32_t slot, const struct fido_local_owner *owner, unsigned int tries)
{
	struct fido_host_greeting *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		h->greet_all_ns = fido_now_ns() + LONGEST_WAIT_NS;
		return;
	}
	g->owner = *owner;
	g->slot = slot;
	g->tries = tries;
	g->at_ns = tries != 0 ? fido_now_ns() + wait_after(tries) : 0;
	g->next = h->greetings;
	h->greetings = g;
}

/* @return true: there is a connection to that domain */
static bool
known(const struct host *h, uint32_t slot, uint64_t generation)
{
	for (const struct fido_host_session *s = h->sessions; s != NULL; s = s->next)
		if (s->slot == slot && s->generation == generation &&
			(s->peer != NULL || !s->closed))
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

static bool
is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ENOBUFS;
}

void
fido_host_greet_all(struct host *h)
{
	h->greet_all_ns = 0;
	for (uint32_t n = 0; n < h->domain->layout.slots; n++) {
		struct fido_local_owner owner;

		if (n == h->domain->slot || !fido_local_slot_owner(&h->group, n, &owner))
			continue;
		if (is_shortage(owner.error))
			h->greet_all_ns = fido_now_ns() + LONGEST_WAIT_NS;
		if (owner.generation == 0 || !fido_name_valid(owner.name) ||
			known(h, n, owner.generation) || noted(h, n, owner.generation))
			continue;
		note(h, n, &owner, 0);
	}
}

struct fido_host_session *
fido_host_greeted(struct host *h, uint32_t slot, uint64_t generation)
{
	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next)
		if (!s->accepted && !s->closed && s->peer == NULL && s->slot == slot &&
			s->generation == generation)
			return s;
	return NULL;
}

/*
 * @return 0: the slot's owner lives and has that generation, -ESTALE: it does not, -errno: unknown
 */
static int
look_at(const struct host *h, uint32_t slot, uint64_t generation)
{
	int fd = fido_local_slot_open(&h->group, slot, generation);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

void
fido_host_greet_again(struct host *h, const struct fido_host_session *s)
{
	struct fido_local_owner owner = {.generation = s->generation};
	int ret = look_at(h, s->slot, s->generation);

	if ((ret != 0 && !is_shortage(ret)) || noted(h, s->slot, s->generation))
		return;
	memcpy(owner.name, s->name, sizeof(owner.name));
	if (s->tries + 1 == TRIES_MAX)
		fido_log(FIDO_LOG_ERROR,
			"group %s: %s connected to %s several times and got no answer; it keeps "
			"trying: see the log of %s",
			h->domain->group, h->domain->name, owner.name, owner.name);
	note(h, s->slot, &owner, s->tries + (s->tries < TRIES_MAX));
}

static void
explain(const struct host *h, const struct fido_host_greeting *g, int err)
{
	const char *advice = "see its log";

	if (is_shortage(err))
		advice = fido_memory_advice(h->domain, err);
	else if (err == -EACCES || err == -EPERM)
		advice = "this user may not write to its socket: run both as one user, or create "
			 "the group for a Unix group that both users are in (fido-ctl create GROUP "
			 "--gid NAME)";
	fido_log(FIDO_LOG_ERROR, "group %s: %s cannot connect to %s: %s: %s", h->domain->group,
		h->domain->name, g->owner.name, strerror(-err), advice);
}

/* @return true: try again */
static bool
failed(struct host *h, struct fido_host_greeting *g, int err)
{
	bool silent = err == -EAGAIN || err == -ENOENT ||
		err == -ECONNREFUSED; /* it does not listen yet, or is stopped */
	bool patient = err == -EAGAIN || is_shortage(err);

	if (err == -EACCES || err == -EPERM)
		g->tries = TRIES_MAX - 1; /* Retrying does not help. */
	if (g->tries < TRIES_MAX && ++g->tries == TRIES_MAX && !silent)
		explain(h, g, err);
	return patient || g->tries < TRIES_MAX;
}

/* @return 0, -ESTALE: the domain is dead, -errno: not connected */
static int
connect_to(struct host *h, const struct fido_host_greeting *g, int *fd)
{
	int ret;

	*fd = fido_local_folder_connect(&h->group, g->owner.name);
	/* The domain lives after we connected: so its socket was not another's of the same name. */
	ret = look_at(h, g->slot, g->owner.generation);
	if (ret == 0 && *fd >= 0)
		return 0;
	if (*fd >= 0)
		fido_fork_close(*fd);
	return ret == -ESTALE || *fd >= 0 ? ret : *fd;
}

/* @return true: try again */
static bool
try_one(struct host *h, struct fido_host_greeting *g)
{
	struct fido_host_session *s;
	int fd, ret;

	if (known(h, g->slot, g->owner.generation))
		return false;
	ret = connect_to(h, g, &fd);
	if (ret != 0)
		return ret != -ESTALE && failed(h, g, ret);
	if (!fido_host_check_access(h, fd)) {
		fido_fork_close(fd);
		return false;
	}
	s = fido_host_add_session(h, fd);
	if (s == NULL)
		return failed(h, g, -ENOMEM);
	s->slot = g->slot;
	s->generation = g->owner.generation;
	memcpy(s->name, g->owner.name, sizeof(s->name));
	s->tries = g->tries;
	fido_host_say_hello(h, s);
	return false;
}

uint64_t
fido_host_greet_step(struct host *h, uint64_t now)
{
	uint64_t next = 0;

	if (h->greet_all_ns != 0 && h->greet_all_ns <= now)
		fido_host_greet_all(h);
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
	return h->greet_all_ns != 0 && (next == 0 || h->greet_all_ns < next) ? h->greet_all_ns
									     : next;
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
