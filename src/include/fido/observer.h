/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_OBSERVER_H
#define FIDO_OBSERVER_H

/**
 * @file
 * Observe a group without being a member: read its control blocks, and never slow a data path. Each
 * domain's control thread hands out its control region, read-only, and does nothing else for an
 * observer. An observer is used by one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/control_shm.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One observed domain. */
struct fido_observation {
	char name[FIDO_NAME_MAX];
	/** Its control region, mapped read-only at any address; NULL: it does not answer. */
	const struct fido_control_shm *control;
	uint64_t size;       /**< bytes of the control region */
	uint64_t generation; /**< of the domain, when the observer connected */
	int socket;          /**< readable (end of file) once the domain is gone */
	void *peer;          /**< private to the transport */
	bool alive;
	/** If it does not answer: CLOCK_REALTIME in ns of its last activity; 0: not known. */
	uint64_t moved_ns;
};

struct fido_observer;

/**
 * Open a group for observation. Blocks for at most 0.5 s for each domain that hangs.
 * @param out   receives the observer, which the caller owns
 * @param group "demo", "host:demo", "vm:demo" or "xen:demo"
 * @return 0, -ENOENT (no such group), -EACCES (no permission), -EINVAL, -ENOMEM, other -errno;
 *         a failure is logged
 * @see fido_observer_close
 */
int fido_observer_open(struct fido_observer **out, const char *group);
/** Read the list of domains again. Blocks as fido_observer_open() does. @return 0, -errno */
int fido_observer_refresh(struct fido_observer *o);
/** @return number of domains at the last refresh, including domains that have gone since. */
unsigned int fido_observer_count(const struct fido_observer *o);
/**
 * @return domain i in order of slots, domains that do not answer last; NULL: i is out of range.
 *         Valid until the next refresh.
 */
const struct fido_observation *fido_observer_domain(const struct fido_observer *o, unsigned int i);
/**
 * Translate an address of an observed domain's control region.
 * @param gaddr, len bytes [gaddr, gaddr + len) in the group's address space
 * @return a read-only pointer, valid until the next refresh; NULL: not all in the control region
 */
const void *fido_observation_ptr(const struct fido_observation *d, uint64_t gaddr, uint64_t len);
/** Close. @param o NULL is legal @see fido_observer_open */
void fido_observer_close(struct fido_observer *o);

#ifdef __cplusplus
}
#endif

#endif
