/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_STATE_H
#define FIDO_VMD_STATE_H

/**
 * @file
 * Who lives and who maps what, in the file `state` of a group's folder. `fido-vmd serve` maps it
 * and changes it in place, so that it can be killed at any point and started again; `fido-vmd list`
 * reads it. One thread writes.
 *
 * Invariants, also after a kill between any two stores:
 * I1. Whoever was sent a PEER has its bit in `holders` of that slot: the bit is set first.
 * I2. Only living members hold anything: bits of others are without meaning, and
 *     vmd_state_recover() removes them.
 * I3. A living slot's generation, name, process and clock are complete: `live` is set last, and
 *     cleared first.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/atomic.h>

#include "group.h"

#define VMD_STATE_MAGIC UINT64_C(0x54444d564f444946) /* "FIDOVMDT" */
#define VMD_STATE_VERSION 2

/** What a slot's members sent, and what was done to them. */
struct vmd_counters_shm {
	uint64_t joins;
	uint64_t frames;     /**< of any kind that were read */
	uint64_t rings;      /**< RING frames that were passed on */
	uint64_t changes;    /**< CHANGED frames, likewise */
	uint64_t dropped;    /**< frames with another generation, or that make no sense */
	uint64_t skipped;    /**< bytes that belong to no frame */
	uint64_t overflows;  /**< times that it read too slowly, and was asked WHO */
	uint64_t headers;    /**< times that its header was damaged, and written again */
	uint64_t testaments; /**< members whose end their kernel told (testament.h) */
};

/** Writer of all: fido-vmd serve. */
struct vmd_slot_shm {
	uint64_t generation; /**< of the living or the last member; 0: there was none */
	uint64_t holders;    /**< bit t: the member at slot t maps this generation's memory */
	uint64_t clock;      /**< struct fido_vm_peer */
	uint64_t pid;        /**< in its own pid namespace; of a member of the host: in ours */
	uint64_t start;      /**< a member of the host: when its process started (process.h) */
	uint32_t live;
	uint32_t clean; /**< when dead: it held nothing */
	uint32_t observes;
	uint32_t connected;   /**< its port, or its socket, is connected */
	uint64_t bell_holder; /**< a member of the host: who held the doorbells when it joined */
	uint32_t testament;   /**< its vector plus 1; 0: none */
	uint32_t pad;
	char name[FIDO_NAME_MAX];
	struct vmd_counters_shm counters;
};

struct vmd_vm_shm {
	uint64_t pid;   /**< of its QEMU; 0: not known, or it does not run */
	uint64_t start; /**< when that process started */
	uint32_t qmp;   /**< QMP is connected */
	uint32_t paused;
	uint64_t testaments; /**< bit n: vector n was given, and not rung since */
	uint64_t deaths;     /**< times that it ended */
	uint64_t resets;
	uint64_t headers;    /**< times that the header of its RAM was damaged, and written again */
	uint64_t migrations; /**< that were refused */
};

struct vmd_state_shm {
	uint64_t magic;
	uint32_t version;
	uint32_t slot_count;
	uint64_t pid; /**< of the fido-vmd that serves the group, with its start */
	uint64_t start;
	struct vmd_vm_shm vms[VMD_VMS_MAX];
	struct vmd_slot_shm slots[FIDO_SLOTS_MAX];
};

/** Map the state of a group for writing; create the file if need be. @return 0, -errno (message) */
int vmd_state_open(struct vmd_state_shm **out, const struct vmd_group *g);
/** Map it for reading. @return 0, -ENOENT: the group was never served, -errno (message written) */
int vmd_state_read(const struct vmd_state_shm **out, const struct vmd_group *g);
void vmd_state_close(const struct vmd_state_shm *state);
/** Finish what a killed fido-vmd began. */
void vmd_state_recover(struct vmd_state_shm *state);

/** @return true: the slot has a living member */
static inline bool
vmd_slot_lives(const struct vmd_slot_shm *slot)
{
	return fido_load_acquire(&slot->live) != 0;
}

/** Count n more. */
static inline void
vmd_count(uint64_t *counter, uint64_t n)
{
	fido_store_relaxed(counter, *counter + n);
}

#endif
