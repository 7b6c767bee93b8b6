/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_BELLS_H
#define FIDO_VMD_BELLS_H

/**
 * @file
 * A served group's doorbells by devices: starts the process that holds them (bell_holder.h), and
 * hears testaments (testament.h). Members ring each other without fido-vmd.
 */

#include "bell_file.h"
#include "loop.h"

struct served;

struct bell_heard {
	struct source source; /**< eventfd of a testament */
	struct bells *bells;
	uint32_t vm;
	uint32_t vector;
};

struct bells {
	struct source link; /**< connection to the holder */
	struct served *served;
	struct vmd_bells_shm *shm; /**< NULL: the group has no such doorbells */
	uint64_t retry_ms;         /**< when to connect to a holder again */
	uint32_t received;         /**< eventfds */
	struct bell_heard *heard;  /**< by machine, from the first one after the host; by vector */
};

void bells_create(struct bells *b, struct served *served);
/** Begin, if the group has doorbells: start a holder if need be. @return 0, -errno (message) */
int bells_open(struct bells *b);
void bells_close(struct bells *b);
/** Look for a holder, if there is none. @return true: call again in a while */
bool bells_tick(struct bells *b);
/** A machine has ended or was reset: its kernel rings nothing that it was told before. */
void bells_machine_reset(struct bells *b, uint32_t vm);
/** @return true: testaments of machines are heard */
static inline bool
bells_are_heard(const struct bells *b, const struct vmd_group *g)
{
	return b->shm != NULL && b->received == (g->vm_count - 1) * g->bells;
}

#endif
