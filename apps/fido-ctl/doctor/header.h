/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DOCTOR_HEADER_H
#define DOCTOR_HEADER_H

/** @file The header of a group's file of memory (vm_header.h), which fido-vmd writes. */

#include <stdint.h>

/**
 * Check the header of a file.
 * @param group its group, without the transport
 * @param file its number, a slot or FIDO_VM_RAM()
 * @return 0, -EUCLEAN: damaged, -ENOENT: no such file, -EACCES, -errno
 */
int doctor_header_check(const char *path, const char *group, uint32_t file);

#endif
