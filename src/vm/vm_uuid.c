/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm_uuid.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

struct fido_vm_uuid
fido_vm_uuid(const char *group, uint32_t file)
{
	struct fido_vm_uuid uuid;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *group != '\0'; group++)
		hash = (hash ^ (unsigned char)*group) * UINT64_C(0x100000001b3);
	hash = htole64(hash);
	memcpy(uuid.bytes, &hash, 8);
	memcpy(uuid.bytes + 8, "fido-vm", 7);
	uuid.bytes[6] = 0x80 | (uuid.bytes[6] & 0x0f);
	uuid.bytes[8] = 0x80 | (uuid.bytes[8] & 0x3f);
	uuid.bytes[15] = (uint8_t)file;
	return uuid;
}

void
fido_vm_uuid_text(const struct fido_vm_uuid *uuid, char out[FIDO_VM_UUID_TEXT])
{
	for (int i = 0; i < 16; i++)
		out += sprintf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
			uuid->bytes[i]);
}
