/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_USE_H
#define FIDO_VMD_USE_H

/** @file Whether a group is in use. */

#include "state.h"

/** @return true: a QEMU of that machine runs */
bool vmd_use_runs(const struct vmd_group *g, const struct vmd_state_shm *state, uint32_t vm);
/** @return true: the slot has a member that is not known to have died */
bool vmd_use_lives(const struct vmd_group *g, const struct vmd_state_shm *state, uint32_t slot);
/** @return 0, -EBUSY: a machine runs, or a member of the host lives (message written), -errno */
int vmd_use_refuse(const struct vmd_group *g);

#endif
