/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_ARGS_H
#define FIDO_VMD_ARGS_H

/**
 * @file
 * What a virtual machine needs to be in a group: arguments of QEMU, or a fragment of the
 * configuration of libvirt or Firecracker. All files of memory, its own writable; a port of
 * virtio-serial for each of its own slots; QMP. Or the commands that add them to a QEMU that runs.
 */

#include <stdio.h>

#include "group.h"

enum args_format {
	ARGS_QEMU,
	ARGS_LIBVIRT,
	ARGS_FIRECRACKER,
	ARGS_QMP,
};

/** What a file of memory is to a guest of QEMU. */
enum args_device {
	ARGS_NVDIMM,
	ARGS_VIRTIO_PMEM,
};

struct args {
	const struct vmd_group *group;
	uint32_t vm;
	uint64_t memory; /**< bytes of the machine's own memory; 0: print nothing of it */
	enum args_device device;
	const char *bus; /**< QMP: PCI bus for the ports' device; NULL: QEMU's choice */
};

/** @return 0, -EINVAL: there is no such format */
int args_format_parse(const char *text, enum args_format *out);
/** @return 0, -EINVAL: there is no such device */
int args_device_parse(const char *text, enum args_device *out);
/** Print them. @return 0, -errno (message written) */
int args_print(FILE *out, const struct args *args, enum args_format format);

/** One argument a line, without quotes. */
int args_qemu(FILE *out, const struct args *args);
int args_libvirt(FILE *out, const struct args *args);
int args_firecracker(FILE *out, const struct args *args);
/** A command a line. */
int args_qmp(FILE *out, const struct args *args);
/** Make these commands. @return a list of objects (cJSON_Delete()), NULL (message written) */
struct cJSON *args_qmp_commands(const struct args *args);

/** @return true: the file is one of the machine's own, which it may write */
static inline bool
args_owns(const struct args *args, uint32_t file)
{
	return vmd_group_vm_of(args->group, file) == args->vm;
}

/** @return how a file is to be aligned in the guest, in MiB */
static inline unsigned int
args_align(const struct args *args, uint32_t file)
{
	return (unsigned int)((file >= FIDO_VM_RAM(0) && args_owns(args, file)
					      ? VMD_RAM_BLOCK
					      : FIDO_GRANULE_SIZE) >>
		20);
}

#endif
