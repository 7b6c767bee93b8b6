/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_HEADER_H
#define FIDO_VMD_HEADER_H

/**
 * @file
 * Write the header of a file of memory (vm_header.h). The guest that owns the file can damage it,
 * and the kernels of its peers read it when they start.
 */

#include <stdint.h>

#include "vm_uuid.h"

/**
 * Write the header of a file, unless it is there.
 * @param fd        the file, open for reading and writing
 * @param file_size bytes of the whole file
 * @return 1: written; 0: it was right; -errno
 */
int vmd_header_repair(int fd, uint64_t file_size, const struct fido_vm_uuid *uuid);

#endif
