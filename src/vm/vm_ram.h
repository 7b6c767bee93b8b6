/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VM_RAM_H
#define FIDO_VM_RAM_H

/**
 * @file
 * A guest's memory that is in a shared file too: an NVDIMM of its own, which its kernel uses as RAM
 * (driver kmem). Huge pages that an application has there are readable by peers in place, so that
 * memory which Fido did not allocate, such as DPDK's heap, is sent without a copy.
 */

#include <stdint.h>

#include "vm_place.h"

struct fido_vm_ram {
	uint32_t file;  /**< number of the file (FIDO_VM_RAM); 0: this machine has none */
	uint64_t start; /**< physical address where the file's memory begins */
	uint64_t size;  /**< bytes */
	int pagemap_fd; /**< -1: not open */
};

/** Find it. On the host there is none. */
void fido_vm_ram_open(struct fido_vm_ram *r, const struct fido_vm_place *p);
void fido_vm_ram_close(struct fido_vm_ram *r);
/**
 * Tell where one page of 2 MiB lies in the file.
 * @param offset receives it, in bytes, without the file's header
 * @return 0, -ENOENT: elsewhere, -EOPNOTSUPP: nothing does, -EPERM: only root can ask
 */
int fido_vm_ram_locate(const struct fido_vm_ram *r, const void *va, uint64_t *offset);

#endif
