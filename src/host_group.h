/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_GROUP_H
#define FIDO_HOST_GROUP_H

/**
 * @file
 * A group's folder on the host transport: who is in it and which slots they have. No daemon: every domain
 * keeps its own files, and changes to the whole are made under the folder's lock.
 *
 *   RUN/<group>/lock          flock: held while joining and leaving
 *   RUN/<group>/group         the layout, written by the first domain
 *   RUN/<group>/<domain>.sock the domain's socket
 *   RUN/<group>/slot.<n>      "name generation pid"; its owner holds a flock on it as long as it lives; changed (mtime)
 *                             whenever its control thread moves
 *
 * RUN is /run/fido for root, else $XDG_RUNTIME_DIR/fido, else /tmp/fido-<uid>; FIDO_RUNDIR overrides.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include <fido/domain.h>

struct fido_host_group {
	char dir[80];
	int lock_fd; /**< -1: not locked */
};

/** Find the folder of a group; make it when create. @return 0, -errno (message written) */
int fido_host_group_open(struct fido_host_group *g, const char *group, bool create);
/** Take the folder's lock; blocks. @return 0, -errno (message written) */
int fido_host_group_lock(struct fido_host_group *g);
void fido_host_group_unlock(struct fido_host_group *g);
/** Remove what domains that were killed left, if no domain lives: a new group begins. The lock is held. */
void fido_host_group_clean_if_empty(struct fido_host_group *g);
/** Remove the folder if no domain lives in it. The lock is held. */
void fido_host_group_remove_if_empty(struct fido_host_group *g);
/**
 * Read the group's layout, or write it when there is none.
 * @param layout in: what is asked for, 0: anything; out: the group's
 * @return 0, -EINVAL (asked for another one), -EPROTO (another layout version), -errno; message written
 */
int fido_host_group_layout(struct fido_host_group *g, struct fido_layout *layout);
/** The address of a domain's socket. */
void fido_host_group_address(const struct fido_host_group *g, const char *name, struct sockaddr_un *out);
/** Call fn for each domain that has a socket. The lock need not be held. @return 0, -errno, or what fn did */
int fido_host_group_each(const struct fido_host_group *g,
		int (*fn)(void *arg, const char *name), void *arg);
/**
 * Claim slot n: create its file and lock it. The folder's lock is held.
 * @return a descriptor that keeps the claim, -EEXIST: not free, -errno
 */
int fido_host_slot_claim(struct fido_host_group *g, uint32_t n, const char *name, uint64_t generation);
/** @return true when the slot's owner certainly lives no more; *generation is its. false: alive, or free */
bool fido_host_slot_dead(const struct fido_host_group *g, uint32_t n, uint64_t *generation);
/** @return false when the slot is certainly not, or no longer, that of a living domain of this generation. */
bool fido_host_slot_alive(const struct fido_host_group *g, uint32_t n, uint64_t generation);
/** The domain that has the claim moves: its control thread does something. */
void fido_host_slot_moved(int claim);
/** @return when the living domain of that name last moved, CLOCK_REALTIME in ns; 0: not known */
uint64_t fido_host_slot_moved_at(const struct fido_host_group *g, const char *name);
/** Remove slot n's file. The folder's lock is held. */
void fido_host_slot_free(struct fido_host_group *g, uint32_t n);

#endif
