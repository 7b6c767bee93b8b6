/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_MEMBERS_H
#define FIDO_VMD_MEMBERS_H

/**
 * @file
 * The members of a group: who joins, who is told of whom, who holds whose memory. No I/O: frames
 * come in by members_frame(), and go out by the functions of struct members_ops. All that must
 * survive is in the state (state.h), and is there before a frame tells of it.
 *
 * | slot | what it means                                                     |
 * |------|-------------------------------------------------------------------|
 * | free | nobody lives there, nobody holds its last generation's memory     |
 * | live | a process has it                                                  |
 * | held | nobody lives there; others have the last generation's memory mapped |
 */

#include <stdint.h>

#include "bell_file.h"
#include "state.h"
#include "vm_frame.h"

struct members_ops {
	/** Send a frame to the member at `to`. */
	void (*send)(void *arg, uint32_t to, enum fido_vm_type type, const void *payload);
	/** Send it RING of the member at `from`. */
	void (*ring)(void *arg, uint32_t to, uint32_t from, uint32_t bell);
	/** Send it CHANGED of the member at `from`; ring_all: rings were lost. */
	void (*changed)(void *arg, uint32_t to, uint32_t from, bool ring_all);
	/** The member at slot has ended: forget what has not been sent to it, and its bells. */
	void (*forget)(void *arg, uint32_t slot);
};

struct members {
	const struct vmd_group *group;
	struct vmd_state_shm *state;
	const struct members_ops *ops;
	void *arg;
	const struct vmd_bells_shm *bells; /**< NULL: no doorbells but frames */
	bool hears;                        /**< testaments are heard: members may have some */
};

/** Who says HELLO. */
struct members_newcomer {
	uint64_t generation;
	uint64_t clock;
	uint64_t pid;   /**< a member of the host: of its process; 0: as it says itself */
	uint64_t start; /**< a member of the host: when that process started */
};

/** A slot's state, for people. */
enum members_state {
	MEMBERS_FREE,
	MEMBERS_LIVE,
	MEMBERS_HELD,
};

enum members_state members_state_of(const struct vmd_slot_shm *slot);
/**
 * Find a slot for a member of the host, or the one that it has.
 * @return 0, or the reason to refuse it
 */
enum fido_vm_reason members_place(const struct members *m, const struct members_newcomer *who,
	const struct fido_vm_hello *hello, uint32_t *slot);
/**
 * Take a HELLO for a slot. A newcomer becomes a member, and is told of the others and they of it.
 * One that is a member already is told again.
 * @param refuse filled in with the reason, if any
 * @return 0, or the reason to refuse it: nothing has changed, except that a former generation that
 *         lived in the slot has died
 */
enum fido_vm_reason members_hello(struct members *m, uint32_t slot,
	const struct members_newcomer *who, const struct fido_vm_hello *hello,
	struct fido_vm_refuse *refuse);
/** Take a frame other than HELLO of the member at slot. */
void members_frame(struct members *m, uint32_t slot, const struct fido_vm_frame *f);
/** The member at slot has left or died, if one lives there: tell all. */
void members_died(struct members *m, uint32_t slot, bool clean);

#endif
