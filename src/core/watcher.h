/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_WATCHER_H
#define FIDO_WATCHER_H

/**
 * @file
 * Observe a group by joining it, on transports where only members can read control regions: as a
 * domain "watcher-NUMBER" without links, as long as the process lives. The others show it their
 * control regions and nothing else. It needs a slot.
 */

#include <stdint.h>

#include <fido/observer.h>

struct fido_domain;

/** A member, as its transport knows it. */
struct fido_watched {
	const char *name;
	uint32_t slot;
	uint64_t generation;
};

typedef int (*fido_watched_fn)(void *arg, const struct fido_watched *m);
/**
 * List the members of a group, with the watcher's lock held.
 * @return 0, what fn returned, -EAGAIN: some have not been announced yet, -errno
 */
typedef int (*fido_watcher_list)(struct fido_domain *watcher, fido_watched_fn fn, void *arg);

/** fido_transport_ops.observe, for a transport's group and its list of members. */
int fido_watcher_observe(const char *transport, const char *group, fido_watcher_list list,
	int (*fn)(void *arg, struct fido_observation *o), void *arg);
/** fido_transport_ops.observe_end */
void fido_watcher_observation_end(struct fido_observation *o);

#endif
