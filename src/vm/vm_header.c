/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm_header.h"

#include <endian.h>
#include <string.h>

#include <fido/gaddr.h>

#include "vm_protocol.h"

#define SIGNATURE "NVDIMM_DAX_INFO"
#define PAGE 4096
/* The block has fields up to version 1.4; the memory's map is in the guest's RAM. */
#define MAJOR 1
#define MINOR 4
#define MODE_RAM 1
#define STRUCT_PAGE 64

/* nd_fletcher64() of Linux, with addend 0. */
static uint64_t
checksum_of(const struct fido_vm_block *block)
{
	const char *p = (const char *)block;
	uint32_t low = 0;
	uint64_t high = 0;

	for (size_t i = 0; i < sizeof(*block); i += sizeof(uint32_t)) {
		uint32_t word;

		memcpy(&word, p + i, sizeof(word));
		low += le32toh(word);
		high += low;
	}
	return high << 32 | low;
}

void
fido_vm_block_make(struct fido_vm_block *block, uint64_t file_size, const struct fido_vm_uuid *uuid)
{
	*block = (struct fido_vm_block){.signature = SIGNATURE,
		.version_major = htole16(MAJOR),
		.version_minor = htole16(MINOR),
		.data_offset = htole64(FIDO_VM_HEADER_SIZE),
		.pages = htole64((file_size - FIDO_VM_HEADER_SIZE) / PAGE),
		.mode = htole32(MODE_RAM),
		.align = htole32((uint32_t)FIDO_GRANULE_SIZE),
		.page_size = htole32(PAGE),
		.page_struct_size = htole16(STRUCT_PAGE)};
	memcpy(block->uuid, uuid->bytes, sizeof(block->uuid));
	block->checksum = htole64(checksum_of(block));
}
