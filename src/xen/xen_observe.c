/* SPDX-License-Identifier: BSD-3-Clause */
/* Observe a group on Xen, where domains grant their control regions to members only. */

#include "xen_session.h"

#include "watcher.h"

struct listing {
	fido_watched_fn fn;
	void *arg;
};

static int
list_one(void *arg, const struct fido_xen_member *m)
{
	const struct listing *l = arg;
	struct fido_watched w = {m->name, m->slot, m->generation};

	return l->fn(l->arg, &w);
}

static int
list(struct fido_domain *watcher, fido_watched_fn fn, void *arg)
{
	const struct fido_xen *x = watcher->transport;
	struct listing l = {fn, arg};

	return fido_xen_store_each(x->store, list_one, &l);
}

int
fido_xen_observe_all(const char *group, int (*fn)(void *arg, struct fido_observation *o), void *arg)
{
	return fido_watcher_observe("xen", group, list, fn, arg);
}
