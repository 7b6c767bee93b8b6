/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LOCAL_SLOT_H
#define FIDO_LOCAL_SLOT_H

/**
 * @file
 * Slots of a group on the host transport: who has one, and who still maps what was in it. Two locks of the kernel say so
 * at once, without asking anybody, also for a domain that is stopped; both go when their process ends.
 *
 *   flock on slot.<n>                 held by the slot's owner: it lives
 *   byte n of `lock`, F_OFD_SETLK     held (shared) by the owner and by every domain that has the slot mapped
 *
 * I1. A slot is claimed under the folder's lock, and only when nobody holds its byte.
 * I2. Who maps a slot takes the byte first and then looks whether the owner lives. A claim comes after the owner's end, so it
 *     comes after the byte was taken, and sees it.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/domain.h>

#include "local_folder.h"

/** What slot.<n> says. */
struct fido_local_owner {
	char name[FIDO_NAME_MAX];
	uint64_t generation; /**< 0: cannot be read */
	int pid;             /**< in its own pid namespace */
	int error;           /**< -errno: why it cannot be read */
};

/** Open the file whose bytes stand for the slots: the folder's `lock`. @return a descriptor (fido_fork_close()), -errno */
int fido_local_slots_open(const struct fido_local_folder *g);
/** Hold slot n's byte. Does not block. @return 0, -errno */
int fido_local_slot_hold(int slots, uint32_t n);
void fido_local_slot_let_go(int slots, uint32_t n);
/** @return false when certainly nobody but the holder of this descriptor holds slot n's byte. */
bool fido_local_slot_held(int slots, uint32_t n);

/**
 * Make slot n's file and lock it. The folder's lock is held.
 * @return a descriptor that keeps the claim (fido_fork_close()), -EEXIST: there is such a file, -errno
 */
int fido_local_slot_claim(struct fido_local_folder *g, uint32_t n, const char *name,
	uint64_t generation);
/** @return true when the slot's owner certainly lives no more; *generation is its. false: alive, or free */
bool fido_local_slot_dead(const struct fido_local_folder *g, uint32_t n, uint64_t *generation);
/** Read who has slot n. @return true: it lives */
bool fido_local_slot_owner(const struct fido_local_folder *g, uint32_t n,
	struct fido_local_owner *out);
/**
 * Open the file of slot n, if its owner lives and is of this generation.
 * @return a descriptor for fido_local_owner_lives(), -ESTALE: it is certainly not, -errno
 */
int fido_local_slot_open(const struct fido_local_folder *g, uint32_t n, uint64_t generation);
/** Read what a slot's file says. */
void fido_local_owner_read(int slot, struct fido_local_owner *out);
/** @return false when the owner of the slot's file has certainly ended. Whether the file is still in its folder does not matter. */
bool fido_local_owner_lives(int slot);
/** The domain that has the claim moves: its control thread does something. */
void fido_local_slot_moved(int claim);
/** @return when the living domain of that name last moved, CLOCK_REALTIME in ns; 0: not known */
uint64_t fido_local_slot_moved_at(const struct fido_local_folder *g, const char *name);
/** Remove slot n's file. The folder's lock is held. */
void fido_local_slot_free(struct fido_local_folder *g, uint32_t n);
/** @return true when fd is what the slot's file is now. */
bool fido_local_slot_is(const struct fido_local_folder *g, uint32_t n, int fd);

#endif
