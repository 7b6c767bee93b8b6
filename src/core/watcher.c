/* SPDX-License-Identifier: BSD-3-Clause */
#include "watcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "domain_private.h"
#include "peer.h"

#define NAME_PREFIX "watcher-"
/* Within this time every living member shows its control region, or counts as not answering. */
#define ANSWER_MS 1000
#define LOOK_MS 20

/* One for the whole process: each join costs every member a little. */
static struct fido_domain *watcher;

static void
watcher_leave(void)
{
	fido_domain_leave(watcher);
	watcher = NULL;
}

static int
watcher_join(const char *transport, const char *group)
{
	char name[FIDO_NAME_MAX], full[FIDO_NAME_MAX + 16];
	struct fido_domain_config config = {.group = full,
		.name = name,
		.no_hugepages = true,
		.observes = true,
		.control_size = FIDO_CONTROL_HEAP_OFFSET};
	uint32_t number;

	snprintf(full, sizeof(full), "%s:%s", transport, group);
	if (watcher != NULL && strcmp(watcher->ops->name, transport) == 0 &&
		strcmp(watcher->group, group) == 0)
		return 0;
	if (watcher != NULL)
		watcher_leave();
	else
		atexit(watcher_leave);
	/* Process ids are not unique in a group of several machines. */
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		number = (uint32_t)getpid() ^ (uint32_t)fido_now_ns();
	snprintf(name, sizeof(name), NAME_PREFIX "%08x", number);
	return fido_domain_join(&watcher, &config);
}

struct each {
	int (*fn)(void *arg, struct fido_observation *o);
	void *arg;
	unsigned int missing;
	bool report_missing;
};

static struct fido_peer *
peer_of(const struct fido_watched *m)
{
	for (struct fido_peer *p = watcher->peers; p != NULL; p = p->next)
		if (!p->gone && p->slot == m->slot && p->generation == m->generation)
			return p;
	return NULL;
}

/* The watcher's lock is held. */
static int
observe_one(void *arg, const struct fido_watched *m)
{
	struct each *e = arg;
	struct fido_observation o = {.socket = -1, .alive = true};
	struct fido_peer *peer;

	if (m->generation == watcher->generation ||
		strncmp(m->name, NAME_PREFIX, strlen(NAME_PREFIX)) == 0)
		return 0;
	peer = peer_of(m);
	if (peer == NULL) {
		e->missing++;
		if (!e->report_missing)
			return 0;
	}
	snprintf(o.name, sizeof(o.name), "%s", m->name);
	o.generation = m->generation;
	if (peer != NULL && e->report_missing) {
		peer->refs++; /* Keeps it mapped until the observation ends. */
		o.peer = peer;
		o.control = peer->control;
		o.size = peer->control_size;
	}
	return e->report_missing ? e->fn(e->arg, &o) : 0;
}

static int
observe_now(fido_watcher_list list, struct each *e)
{
	int ret;

	e->missing = 0;
	pthread_mutex_lock(&watcher->lock);
	ret = list(watcher, observe_one, e);
	pthread_mutex_unlock(&watcher->lock);
	if (ret != -EAGAIN)
		return ret;
	e->missing++;
	return 0;
}

int
fido_watcher_observe(const char *transport, const char *group, fido_watcher_list list,
	int (*fn)(void *arg, struct fido_observation *o), void *arg)
{
	struct each e = {.fn = fn, .arg = arg};
	int ret = watcher_join(transport, group);

	for (int ms = 0; ms < ANSWER_MS && ret == 0; ms += LOOK_MS) {
		ret = observe_now(list, &e);
		if (ret != 0 || e.missing == 0)
			break;
		usleep(LOOK_MS * 1000);
	}
	e.report_missing = true;
	return ret != 0 ? ret : observe_now(list, &e);
}

void
fido_watcher_observation_end(struct fido_observation *o)
{
	struct fido_peer *peer = o->peer;

	if (peer == NULL || watcher == NULL)
		return;
	pthread_mutex_lock(&watcher->lock);
	peer->refs--;
	pthread_mutex_unlock(&watcher->lock);
	o->peer = NULL;
	o->control = NULL;
}
