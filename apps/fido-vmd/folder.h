/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_FOLDER_H
#define FIDO_VMD_FOLDER_H

/**
 * @file
 * Where the files of a group are. RUN is what fido_group_run_dir() finds.
 *
 *   RUN/vm.<group>/group.json      what was created (group.h)
 *   RUN/vm.<group>/state           who lives and who maps what (state.h); fido-vmd serve writes it
 *   RUN/vm.<group>/lock            flock: held by the fido-vmd that serves the group
 *   RUN/vm.<group>/host.sock       for members of the host
 *   RUN/vm.<group>/slot.<n>.mem    link to the file of slot n's memory
 *   RUN/vm.<group>/ram.<n>.mem     link to the file that is RAM of the n-th VM, if it has one
 *   RUN/vm.<group>/slot.<n>.port   QEMU connects slot n's port of virtio-serial to it
 *   RUN/vm.<group>/<vm>.vm/        belongs to the VM's user; in it QEMU makes the socket `qmp`
 *   RUN/vm.<group>/<vm>.qmp        link to <vm>.vm/qmp
 *
 * A group with doorbells by devices:
 *   RUN/vm.<group>/bells           whose device has them (bell_file.h)
 *   RUN/vm.<group>/bells.lock      flock: held by the process that holds the doorbells
 *   RUN/vm.<group>/<vm>.bell       QEMU connects the VM's device to it (bell_holder.h)
 *   RUN/vm.<group>/host.bell.sock    for members of the host
 *   RUN/vm.<group>/bells.sock      for fido-vmd serve
 */

#include <stdbool.h>
#include <stddef.h>

/** Size of a path of this program, with the terminating zero. */
#define VMD_PATH_MAX 1024
/** What a group's folder begins with. */
#define VMD_FOLDER_PREFIX "vm."

/** Write the folder of all groups to out, VMD_PATH_MAX bytes. @return 0, -errno (message) */
int vmd_folder_run(char *out);
/** Write the folder of a group to out, VMD_PATH_MAX bytes. @return 0, -errno (message written) */
int vmd_folder_of(const char *group, char *out);
/** Write dir/file to out, VMD_PATH_MAX bytes. @return 0, -ENAMETOOLONG (message written) */
int vmd_folder_path(char *out, const char *dir, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** @return the group's name in the name of a group's folder; NULL: it is another file */
const char *vmd_folder_group(const char *name);
/**
 * Call fn for each group in alphabetical order, until it returns other than 0.
 * @return what fn returned last, 0 if there is no group, -errno (message written)
 */
int vmd_folder_each(int (*fn)(void *arg, const char *group), void *arg);

#endif
