/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_GROUP_H
#define FIDO_VMD_GROUP_H

/**
 * @file
 * A group as it was created: its layout, its virtual machines and their slots. The file group.json
 * in the group's folder has it; it never changes.
 *
 * The slots of a machine are a fixed range. The host has the first ones.
 *
 * Files of memory have numbers: below FIDO_SLOTS_MAX that of their slot, else FIDO_VM_RAM(). Not
 * all numbers have a file.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <fido/control_shm.h>
#include <fido/domain.h>

#include "folder.h"
#include "vm_protocol.h"

/** Name of the host among the machines. */
#define VMD_HOST "host"
/** The host's index among the machines. */
#define VMD_HOST_INDEX 0
/** Machines with the host. */
#define VMD_VMS_MAX (FIDO_SLOTS_MAX + 1)
#define VMD_SLOTS_DEFAULT 4
#define VMD_SIZE_DEFAULT (UINT64_C(256) << 20)
/** A slot has room for a control region, an arena and the root. */
#define VMD_SIZE_MIN (UINT64_C(8) << 20)
/** A guest's kernel takes memory as RAM in whole blocks of so many bytes. */
#define VMD_RAM_BLOCK (UINT64_C(128) << 20)

#define VMD_FILE_NAME_MAX 24
#define VMD_FILE_TEXT_MAX (FIDO_NAME_MAX + 16)

struct vmd_vm {
	char name[FIDO_NAME_MAX];
	uint32_t first; /**< its first slot */
	uint32_t count; /**< of its slots; 0 for a host without members */
	uid_t uid;      /**< user of its QEMU; owner of the memory of its slots */
	uint64_t ram; /**< bytes of the group that its kernel uses as RAM; 0: it has no such file */
};

struct vmd_group {
	char name[FIDO_NAME_MAX];
	char dir[VMD_PATH_MAX];    /**< its folder */
	char memory[VMD_PATH_MAX]; /**< folder of the files of memory */
	uint64_t size;             /**< bytes of a slot's memory, without the header */
	uint32_t bells; /**< vectors of each machine's device (bell_file.h); 0: no device */
	struct fido_layout layout;
	gid_t gid;         /**< Unix group of all who may use the group */
	bool shared;       /**< gid is given; else only the owner may */
	uint32_t vm_count; /**< with the host */
	struct vmd_vm vms[VMD_VMS_MAX];
};

/** @return the number of the file that is a machine's RAM, whether there is one or not */
static inline uint32_t
vmd_group_ram_of(uint32_t vm)
{
	return FIDO_VM_RAM(vm - VMD_HOST_INDEX - 1);
}

/** @return index of the machine that owns a file */
uint32_t vmd_group_vm_of(const struct vmd_group *g, uint32_t file);
/** @return bytes of a file, with its header; 0: the group has no such file */
uint64_t vmd_group_file_size(const struct vmd_group *g, uint32_t file);
/** @return bytes of all files */
uint64_t vmd_group_total_size(const struct vmd_group *g);
/** @return one more than the greatest number of a file */
uint32_t vmd_group_files_end(const struct vmd_group *g);
/** Write the name of a file in the group's folder to out, VMD_FILE_NAME_MAX bytes. */
void vmd_group_file_name(uint32_t file, char *out);
/** Write what a file is ("slot 3", "the RAM of gen") to out, VMD_FILE_TEXT_MAX bytes. */
void vmd_group_file_text(const struct vmd_group *g, uint32_t file, char *out);
/** @return index of the machine of that name; vm_count: there is none */
uint32_t vmd_group_find(const struct vmd_group *g, const char *name);
/** Write the path of a file of memory to out, VMD_PATH_MAX bytes. @return 0, -errno */
int vmd_group_memory(const struct vmd_group *g, uint32_t file, char *out);
/** Read a group's file. @return 0, -ENOENT, -errno (message written) */
int vmd_group_load(struct vmd_group *g, const char *name);
/** Write the group's file to dir. @return 0, -errno (message written) */
int vmd_group_save(const struct vmd_group *g, const char *dir);

#endif
