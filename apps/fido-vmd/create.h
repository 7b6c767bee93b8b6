/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_CREATE_H
#define FIDO_VMD_CREATE_H

/** @file Create and destroy groups. */

#include "group.h"

/**
 * Create a group: its folder and its memory. A failure leaves nothing.
 * @param g all but `dir`; without `memory` the folder of memory is chosen
 * @return 0, -EEXIST, -errno (message written)
 */
int vmd_create(struct vmd_group *g);
/**
 * Remove a group.
 * @param force even if its machines run or members live
 * @return 0, -EBUSY, -ENOENT, -errno (message written)
 */
int vmd_destroy(const char *name, bool force);

#endif
