/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VM_HEADER_H
#define FIDO_VM_HEADER_H

/**
 * @file
 * The info block in the header of a file of memory, by which a stock kernel of a guest shows the
 * memory as /dev/daxX.Y (struct nd_pfn_sb in drivers/nvdimm/pfn.h of Linux). fido-vmd writes it.
 * The memory follows at FIDO_VM_HEADER_SIZE.
 */

#include <stddef.h>
#include <stdint.h>

#include "vm_uuid.h"

/** Where the block lies in the file, and its size, in bytes. */
#define FIDO_VM_BLOCK_OFFSET 4096
#define FIDO_VM_BLOCK_SIZE 4096

/** Little endian, on the host and in the guest. */
struct fido_vm_block {
	char signature[16];
	uint8_t uuid[16];
	uint8_t parent_uuid[16];
	uint32_t flags;
	uint16_t version_major;
	uint16_t version_minor;
	uint64_t data_offset;
	uint64_t pages;
	uint32_t mode;
	uint32_t start_pad;
	uint32_t end_trunc;
	uint32_t align;
	uint32_t page_size;
	uint16_t page_struct_size;
	uint8_t padding[3994];
	uint64_t checksum;
};

_Static_assert(sizeof(struct fido_vm_block) == FIDO_VM_BLOCK_SIZE, "struct nd_pfn_sb has a page");
_Static_assert(offsetof(struct fido_vm_block, data_offset) == 56, "as in struct nd_pfn_sb");
_Static_assert(offsetof(struct fido_vm_block, page_struct_size) == 92, "as in struct nd_pfn_sb");

/** Make the block of a file. @param file_size bytes of the whole file */
void fido_vm_block_make(struct fido_vm_block *block, uint64_t file_size,
	const struct fido_vm_uuid *uuid);

#endif
