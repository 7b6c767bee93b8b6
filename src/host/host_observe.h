/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_OBSERVE_H
#define FIDO_HOST_OBSERVE_H

/**
 * @file
 * Read the control blocks of domains on the host transport without joining: connect to each
 * domain's socket and ask for its control region (OBSERVE in host_session.h).
 */

#include <fido/observer.h>

#include "local_folder.h"

/**
 * Map a domain's control region. Blocks for at most half a second.
 * @return 0, -ENOENT (nobody listens on its socket), -ETIMEDOUT (hung), -EPROTO, -errno
 */
int fido_host_observe(const struct fido_local_folder *g, const char *name,
	struct fido_observation *o);
void fido_host_observation_end(struct fido_observation *o);
/** Call fn for each domain of the group; fn takes over *o. @return 0, -errno, what fn returned */
int fido_host_observe_all(const char *group, int (*fn)(void *arg, struct fido_observation *o),
	void *arg);

#endif
