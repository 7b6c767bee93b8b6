/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_BELL_FILE_H
#define FIDO_VMD_BELL_FILE_H

/**
 * @file
 * Whose device has which doorbells: the file `bells` of a group's folder. The process that holds
 * the doorbells (bell_holder.h) writes it, `fido-vmd serve` reads it.
 *
 * Each id has as many vectors as the group was created with, each an eventfd that stays the same as
 * long as the holder runs:
 *
 * | id | rings |
 * |---|---|
 * | 0 | fido-vmd itself: testaments; each machine has other eventfds |
 * | index of a machine | a machine |
 * | vm_count + i | the member at slot i of the host |
 *
 * A holder that has ended takes no eventfd away from those that have it. But those that come later
 * get others, of the next holder. So only members with the same holder ring each other.
 */

#include <stdbool.h>
#include <stdint.h>

#include "group.h"

/** KVM has 1000 places for what a machine's stores to registers signal; other devices need some. */
#define VMD_BELLS_MAX 768

struct vmd_bell_machine_shm {
	uint64_t pid; /**< of the QEMU that has the eventfds; 0: not visible */
	uint64_t start;
	uint32_t connected; /**< it has all of them */
	uint32_t pad;
};

struct vmd_bells_shm {
	uint64_t holder; /**< a number of the holder's own; 0: none yet */
	struct vmd_bell_machine_shm machines[VMD_VMS_MAX];
};

struct vmd_state_shm;

/** @return ids of a group's doorbells, with fido-vmd's */
static inline uint32_t
vmd_bell_ids(const struct vmd_group *g)
{
	return g->vm_count + g->vms[VMD_HOST_INDEX].count;
}

/** Map the file; create it if need be. @return 0, -errno (message written) */
int vmd_bells_open(struct vmd_bells_shm **out, const struct vmd_group *g, bool writable);
void vmd_bells_close(const struct vmd_bells_shm *bells);
/**
 * @param bells NULL: the group has none
 * @return id of the living member at a slot, FIDO_VM_ANY: nobody can ring it so, nor it others
 */
uint32_t vmd_bell_id(const struct vmd_bells_shm *bells, const struct vmd_group *g,
	const struct vmd_state_shm *state, uint32_t slot);

#endif
