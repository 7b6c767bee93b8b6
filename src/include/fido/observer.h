/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_OBSERVER_H
#define FIDO_OBSERVER_H

/**
 * @file
 * Watching a group without being a member: reads control blocks only, and never slows a data path. Each
 * domain's control thread hands out its control region, read-only; that is all it ever does for us.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/control_shm.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One domain that is watched. */
struct fido_observation {
	char name[FIDO_NAME_MAX];
	const struct fido_control_shm
		*control; /**< mapped read-only, anywhere; NULL: it does not answer */
	uint64_t size;
	uint64_t generation; /**< when we connected */
	int socket;          /**< readable (end of file) when the domain is gone */
	void *peer;          /**< the transport's */
	bool alive;
	uint64_t
		moved_ns; /**< it does not answer: when it last did anything, CLOCK_REALTIME; 0: not known */
};

struct fido_observer;

/**
 * Open a group. Blocks for at most half a second for each domain that is hung.
 * @return 0, -ENOENT (no such group), -EACCES (no permission), -EINVAL, -errno; message written
 */
int fido_observer_open(struct fido_observer **out, const char *group);
/** Look again who is there. Blocks as fido_observer_open(). @return 0, -errno */
int fido_observer_refresh(struct fido_observer *o);
/** @return number of domains; those that are gone stay until the next refresh. */
unsigned int fido_observer_count(const struct fido_observer *o);
/** @return domain i, in order of their slots. Valid until the next refresh. */
const struct fido_observation *fido_observer_domain(const struct fido_observer *o, unsigned int i);
/** @return memory of the domain's control region at gaddr, or NULL when it is not all in there. */
const void *fido_observation_ptr(const struct fido_observation *d, uint64_t gaddr, uint64_t len);
/** Close. NULL is legal. */
void fido_observer_close(struct fido_observer *o);

#ifdef __cplusplus
}
#endif

#endif
