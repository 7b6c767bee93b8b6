/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LOCAL_SLOT_H
#define FIDO_LOCAL_SLOT_H

/**
 * @file
 * Slots of a group on the host transport: which domain owns one, and which domains map its memory.
 * Two kernel locks answer this at once, without a message to anybody, so also for a stopped domain.
 * The kernel releases both when their process ends: this is how others learn of a death.
 *
 *   flock on slot.<n>              held by the slot's owner as long as it lives
 *   byte n of `lock`, F_OFD_SETLK  held (shared) by the owner and by all domains that map the slot
 *
 * I1. A slot is claimed under the folder's lock, and only when no process holds its byte.
 * I2. A domain that maps a slot takes the byte first, then checks that the owner lives. A new claim
 *     comes after the owner's death, so after the byte was taken, and sees it.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/domain.h>

#include "local_folder.h"

/** Contents of slot.<n>. */
struct fido_local_owner {
	char name[FIDO_NAME_MAX];
	uint64_t generation; /**< 0: cannot be read */
	int pid;             /**< in its own pid namespace */
	int error;           /**< -errno: why the file cannot be opened */
};

/**
 * Open the folder's `lock`, whose bytes stand for the slots.
 * @return a descriptor (fido_fork_close()), -errno
 */
int fido_local_slots_open(const struct fido_local_folder *g);
/** Hold slot n's byte. Does not block. @return 0, -errno */
int fido_local_slot_hold(int slots, uint32_t n);
void fido_local_slot_let_go(int slots, uint32_t n);
/** @return false: certainly no other open file holds slot n's byte. */
bool fido_local_slot_held(int slots, uint32_t n);

/**
 * Create slot n's file and lock it. The folder's lock is held.
 * @return a descriptor that keeps the claim (fido_fork_close()), -EEXIST: the file exists, -errno
 */
int fido_local_slot_claim(struct fido_local_folder *g, uint32_t n, const char *name,
	uint64_t generation);
/** @return true: the slot's owner is certainly dead, *generation is its. false: alive, or free */
bool fido_local_slot_dead(const struct fido_local_folder *g, uint32_t n, uint64_t *generation);
/** Read the owner of slot n. @return true: it lives, or may live (out->error) */
bool fido_local_slot_owner(const struct fido_local_folder *g, uint32_t n,
	struct fido_local_owner *out);
/**
 * Open the file of slot n, if its owner lives and is of this generation.
 * @return a descriptor for fido_local_owner_lives(), -ESTALE: it is dead, -errno: unknown
 */
int fido_local_slot_open(const struct fido_local_folder *g, uint32_t n, uint64_t generation);
/** Read a slot's file. */
void fido_local_owner_read(int slot, struct fido_local_owner *out);
/** @return false: the owner of the slot's file is certainly dead. The file may be unlinked. */
bool fido_local_owner_lives(int slot);
/** Record that the control thread of the claim's domain runs: set the file's mtime. */
void fido_local_slot_moved(int claim);
/** @return when that living domain's control thread last ran, CLOCK_REALTIME in ns; 0: unknown */
uint64_t fido_local_slot_moved_at(const struct fido_local_folder *g, const char *name);
/** Remove slot n's file. The folder's lock is held. */
void fido_local_slot_free(struct fido_local_folder *g, uint32_t n);
/** @return true: fd is the slot's present file. */
bool fido_local_slot_is(const struct fido_local_folder *g, uint32_t n, int fd);

#endif
