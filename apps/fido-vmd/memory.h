/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_MEMORY_H
#define FIDO_VMD_MEMORY_H

/** @file The files of a group's memory: made with all their pages, so that none can lack later. */

#include "group.h"

/**
 * Choose the folder of memory: a file system with pages of 2 MiB and room for all files, else
 * /dev/shm. Sets g->memory. @return 0, -ENOSPC: neither has room (message written), -errno
 */
int vmd_memory_choose(struct vmd_group *g);
/** Create all files. @return 0; -errno (message written): none is left */
int vmd_memory_create(const struct vmd_group *g);
/** Remove all files. */
void vmd_memory_remove(const struct vmd_group *g);
/**
 * Write the headers of all files that lack a right one. Logs what it wrote.
 * @param written NULL, or by file: set to true if its header was written
 * @return 0, -errno of the first file that could not be repaired (message written)
 */
int vmd_memory_repair(const struct vmd_group *g, bool *written);

#endif
