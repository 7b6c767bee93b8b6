/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DOCTOR_GUEST_MEMORY_H
#define DOCTOR_GUEST_MEMORY_H

/**
 * @file
 * Memory of a group in a guest, as devices of device dax: NVDIMMs, by NFIT handle, and virtio-pmem,
 * by the uuid in its header.
 */

#include <stdbool.h>
#include <stdint.h>

/** Sets have a bit for each slot. */
struct guest_memory {
	uint64_t present;       /**< there is an NVDIMM */
	uint64_t dax;           /**< it is a device of device dax */
	uint64_t ram;           /**< the machine uses it as RAM (kmem) */
	uint64_t forbidden;     /**< not for this user */
	char first_ram[32];     /**< its device */
	unsigned int anonymous; /**< devices that are not the group's */
	char file_of_ram[32];   /**< device of this machine's own file of RAM; "": it has none */
	bool file_is_ram;       /**< the machine uses that file as RAM */
};

/** @param own slots of this machine, which it writes to */
struct guest_memory guest_memory_look(const char *group, uint64_t own);

#endif
