/* SPDX-License-Identifier: BSD-3-Clause */
#include "xen_observe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domain_private.h"
#include "peer.h"
#include "xen_store.h"

/* Within this time every living member grants its control region, or counts as not answering. */
#define ANSWER_MS 1000

/* One for the whole process: each join costs every member the grants of its control region. */
static struct fido_domain *watcher;

static void
watcher_leave(void)
{
	fido_domain_leave(watcher);
	watcher = NULL;
}

static int
watcher_join(const char *group)
{
	char name[FIDO_NAME_MAX], full[FIDO_NAME_MAX + 4];
	struct fido_domain_config config = {.group = full,
		.name = name,
		.no_hugepages = true,
		.observes = true,
		.control_size = FIDO_CONTROL_HEAP_OFFSET};
	struct fido_xen_store *store;
	int ret;

	if (watcher != NULL && strcmp(watcher->group, group) == 0)
		return 0;
	if (watcher != NULL)
		watcher_leave();
	else
		atexit(watcher_leave);
	ret = fido_xen_store_open(group, &store);
	if (ret != 0)
		return ret;
	snprintf(name, sizeof(name), "watcher-%u-%d", fido_xen_store_domid(store), (int)getpid());
	snprintf(full, sizeof(full), "xen:%s", group);
	fido_xen_store_close(store);
	return fido_domain_join(&watcher, &config);
}

struct each {
	int (*fn)(void *arg, struct fido_observation *o);
	void *arg;
	unsigned int missing;
	bool report_missing;
};

static struct fido_peer *
peer_of(const struct fido_xen_member *m)
{
	for (struct fido_peer *p = watcher->peers; p != NULL; p = p->next)
		if (!p->gone && p->slot == m->slot && p->generation == m->generation)
			return p;
	return NULL;
}

/* The watcher's lock is held. */
static int
observe_one(void *arg, const struct fido_xen_member *m)
{
	struct each *e = arg;
	struct fido_observation o = {.socket = -1, .alive = true};
	struct fido_peer *peer;

	if (m->generation == watcher->generation || strncmp(m->name, "watcher-", 8) == 0)
		return 0;
	peer = peer_of(m);
	if (peer == NULL) {
		e->missing++;
		if (!e->report_missing)
			return 0;
	}
	memcpy(o.name, m->name, sizeof(o.name));
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
observe_now(struct fido_xen_store *store, struct each *e)
{
	int ret;

	e->missing = 0;
	pthread_mutex_lock(&watcher->lock);
	ret = fido_xen_store_each(store, observe_one, e);
	pthread_mutex_unlock(&watcher->lock);
	return ret;
}

int
fido_xen_observe_all(const char *group, int (*fn)(void *arg, struct fido_observation *o), void *arg)
{
	struct each e = {.fn = fn, .arg = arg};
	struct fido_xen_store *store;
	int ret = watcher_join(group);

	if (ret == 0)
		ret = fido_xen_store_open(group, &store);
	if (ret != 0)
		return ret;
	for (int ms = 0; ms < ANSWER_MS; ms += 20) {
		ret = observe_now(store, &e);
		if (ret != 0 || e.missing == 0)
			break;
		usleep(20000);
	}
	e.report_missing = true;
	if (ret == 0)
		ret = observe_now(store, &e);
	fido_xen_store_close(store);
	return ret;
}

void
fido_xen_observation_end(struct fido_observation *o)
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
