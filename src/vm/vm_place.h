/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VM_PLACE_H
#define FIDO_VM_PLACE_H

/**
 * @file
 * Where a group `vm:NAME` is found on this machine: its ports and its memory.
 *
 * On the host, in the group's folder: fido-vmd's socket, and the slots' files. In a guest, in
 * sysfs: the ports of virtio-serial, by their names; and the devices of device dax. QEMU's `slot=N`
 * of an NVDIMM shows as NFIT handle N + 1, which the guest that owns the memory cannot change; so
 * the memory of slot N has that handle. A virtio-pmem has none: the uuid in its header (vm_uuid.h)
 * names it, which its owner can change. The number of a dax device says nothing: it depends on the
 * order in which the devices were found.
 */

#include <stdbool.h>
#include <stdint.h>

#include "local_folder.h"

struct fido_vm_place {
	char group[FIDO_NAME_MAX];
	bool is_host;                    /**< the group's folder is on this machine */
	struct fido_local_folder folder; /**< is_host: the group's; only its path is set */
};

/** Find a group. @return 0, -ENOENT (neither a folder nor a port; logged), -errno (logged) */
int fido_vm_place_find(struct fido_vm_place *p, const char *group);
/**
 * Guest: find the port of the next slot.
 * @param slot in: the least slot; out: the port's
 * @param path receives the path of its device
 * @return false: there is none
 */
bool fido_vm_place_port(const struct fido_vm_place *p, uint32_t *slot, char *path, size_t size);
/**
 * Host: connect to fido-vmd. Does not block.
 * @return a socket (fido_fork_close()), -ECONNREFUSED or -ENOENT: it does not run, -errno
 */
int fido_vm_place_connect(const struct fido_vm_place *p);
/**
 * Open the memory of a slot, or of a guest's RAM.
 * @param file   number of the slot, or FIDO_VM_RAM()
 * @param offset receives where the memory begins in the file, in bytes
 * @return a descriptor (close()), -ENOENT: there is none (yet), -errno
 */
int fido_vm_place_memory(const struct fido_vm_place *p, uint32_t file, bool writable,
	uint64_t *offset);
/**
 * Guest: find the memory of its own that its kernel uses as RAM (driver kmem).
 * @param file  receives its number
 * @param start receives its physical address, without the file's header
 * @param size  receives its bytes, likewise
 * @return false: there is none
 */
bool fido_vm_place_ram(const struct fido_vm_place *p, uint32_t *file, uint64_t *start,
	uint64_t *size);

#endif
