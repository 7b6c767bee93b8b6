/* SPDX-License-Identifier: BSD-3-Clause */
#include "testament.h"

#include "vm_protocol.h"

static uint64_t
bit(uint32_t vector)
{
	return UINT64_C(1) << vector;
}

uint32_t
testament_give(struct vmd_vm_shm *vm, uint32_t vectors)
{
	for (uint32_t vector = 0; vector < vectors; vector++)
		if ((vm->testaments & bit(vector)) == 0) {
			fido_store_release(&vm->testaments, vm->testaments | bit(vector));
			return vector;
		}
	return FIDO_VM_ANY;
}

void
testament_rung(struct vmd_vm_shm *vm, uint32_t vector)
{
	fido_store_release(&vm->testaments, vm->testaments & ~bit(vector));
}

void
testament_reset(struct vmd_state_shm *state, const struct vmd_vm *vm, uint32_t index)
{
	uint64_t living = 0;

	for (uint32_t slot = vm->first; slot < vm->first + vm->count; slot++)
		if (vmd_slot_lives(&state->slots[slot]) && state->slots[slot].testament != 0)
			living |= bit(state->slots[slot].testament - 1);
	fido_store_release(&state->vms[index].testaments, living);
}
