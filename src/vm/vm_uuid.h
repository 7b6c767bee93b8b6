/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VM_UUID_H
#define FIDO_VM_UUID_H

/**
 * @file
 * Identity of a file of memory of a group `vm:NAME`. It is in the file's header, where a guest's
 * kernel finds it. The file's owner can change it there; fido-vmd writes it again before the next
 * machine starts.
 */

#include <stdint.h>

struct fido_vm_uuid {
	uint8_t bytes[16];
};

/** Size of a uuid as text, with its terminating zero. */
#define FIDO_VM_UUID_TEXT 37

/**
 * Compute the uuid of a file: a function of the group's name and the file's number only.
 *
 *   bytes 0-7   FNV-1a (64 bits) over the group's name, little endian
 *   bytes 8-14  "fido-vm"; byte 8 has the variant of RFC 4122 (0x80 | 'f' & 0x3f), and byte 6 its
 *               version 8 (0x80) in the upper half
 *   byte 15     the file: a slot, or FIDO_VM_RAM()
 */
struct fido_vm_uuid fido_vm_uuid(const char *group, uint32_t file);
/** Write a uuid as text, as the kernel writes it. */
void fido_vm_uuid_text(const struct fido_vm_uuid *uuid, char out[FIDO_VM_UUID_TEXT]);

#endif
