/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_TESTAMENT_H
#define FIDO_VMD_TESTAMENT_H

/**
 * @file
 * Testaments: vectors of fido-vmd that a guest's kernel rings when a process of it ends
 * (fido_bell.h). Each machine has its own. A member that can leave a testament gets a vector.
 *
 * A ring says only that one of those ended that were given the vector, and it may be late: the next
 * process may be at the slot already. So a vector that was given is not given again until it was
 * rung, or its machine has started anew. Then a ring is the end of the member that has it.
 */

#include <stdint.h>

#include "state.h"

struct vmd_vm;

/** Give one of so many vectors of a machine. @return FIDO_VM_ANY: none is free */
uint32_t testament_give(struct vmd_vm_shm *vm, uint32_t vectors);
/** It was rung: it may be given again. */
void testament_rung(struct vmd_vm_shm *vm, uint32_t vector);
/**
 * A machine has started anew: vectors that no living member has will not be rung any more.
 * @param index the machine's
 */
void testament_reset(struct vmd_state_shm *state, const struct vmd_vm *vm, uint32_t index);

#endif
