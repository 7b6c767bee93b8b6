/* SPDX-License-Identifier: BSD-3-Clause */
/* Observe a group, on any transport. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fido/log.h>
#include <fido/observer.h>

#include "domain_private.h"

struct fido_observer {
	const struct fido_transport_ops *ops;
	char group[FIDO_NAME_MAX];
	struct fido_observation domains[FIDO_SLOTS_MAX];
	unsigned int count;
};

static void
forget(struct fido_observer *o)
{
	for (unsigned int i = 0; i < o->count; i++)
		o->ops->observe_end(&o->domains[i]);
	o->count = 0;
}

static int
add(void *arg, struct fido_observation *d)
{
	struct fido_observer *o = arg;

	if (o->count == FIDO_SLOTS_MAX) {
		o->ops->observe_end(d);
		return 0;
	}
	o->domains[o->count++] = *d;
	return 0;
}

static int
by_slot(const void *a, const void *b)
{
	const struct fido_observation *x = a, *y = b;
	uint32_t slot_x, slot_y;

	if (x->control == NULL || y->control == NULL)
		return (x->control == NULL) - (y->control == NULL);
	/* A hostile domain may write any number here, and a different one each time. */
	slot_x = fido_load_relaxed(&x->control->slot);
	slot_y = fido_load_relaxed(&y->control->slot);
	return (slot_x > slot_y) - (slot_x < slot_y);
}

int
fido_observer_refresh(struct fido_observer *o)
{
	int ret;

	forget(o);
	ret = o->ops->observe(o->group, add, o);
	qsort(o->domains, o->count, sizeof(o->domains[0]), by_slot);
	return ret;
}

int
fido_observer_open(struct fido_observer **out, const char *group)
{
	const char *name;
	const struct fido_transport_ops *ops = fido_transport_find(group, &name);
	struct fido_observer *o;
	int ret;

	if (ops == NULL || !fido_name_valid(name)) {
		fido_log(FIDO_LOG_ERROR,
			"group %s: no such transport, or an invalid name: use NAME, host:NAME, "
			"vm:NAME or xen:NAME",
			group);
		return -EINVAL;
	}
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return -ENOMEM;
	o->ops = ops;
	snprintf(o->group, sizeof(o->group), "%s", name);
	ret = fido_observer_refresh(o);
	if (ret != 0) {
		fido_observer_close(o);
		return ret;
	}
	*out = o;
	return 0;
}

unsigned int
fido_observer_count(const struct fido_observer *o)
{
	return o->count;
}

const struct fido_observation *
fido_observer_domain(const struct fido_observer *o, unsigned int i)
{
	return i < o->count ? &o->domains[i] : NULL;
}

const void *
fido_observation_ptr(const struct fido_observation *d, uint64_t gaddr, uint64_t len)
{
	uint64_t base, off;

	if (d->control == NULL)
		return NULL;
	base = fido_load_relaxed(&d->control->layout_base) +
		((uint64_t)fido_load_relaxed(&d->control->slot)
			<< (fido_load_relaxed(&d->control->slot_shift) & 63));
	off = gaddr - base;
	if (off > d->size || len > d->size - off)
		return NULL;
	return (const char *)d->control + off;
}

void
fido_observer_close(struct fido_observer *o)
{
	if (o == NULL)
		return;
	forget(o);
	free(o);
}
