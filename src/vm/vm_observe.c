/* SPDX-License-Identifier: BSD-3-Clause */
/* Observe a group of the vm transport: fido-vmd tells members only who is there. */

#include <errno.h>

#include "vm_private.h"
#include "watcher.h"

static int
list(struct fido_domain *watcher, fido_watched_fn fn, void *arg)
{
	const struct fido_vm *v = watcher->transport;

	for (const struct fido_vm_session *s = v->sessions; s != NULL; s = s->next) {
		struct fido_watched w = {s->other.name, s->other.slot, s->other.generation};
		int ret = fn(arg, &w);

		if (ret != 0)
			return ret;
	}
	return v->announced < v->welcome.members ? -EAGAIN : 0;
}

int
fido_vm_observe_all(const char *group, int (*fn)(void *arg, struct fido_observation *o), void *arg)
{
	return fido_watcher_observe("vm", group, list, fn, arg);
}
