/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_BELL_HOLDER_H
#define FIDO_VMD_BELL_HOLDER_H

/**
 * @file
 * The process that holds the eventfds of a group's doorbells: `fido-vmd bells GROUP`. `fido-vmd
 * serve` starts it, and may end and be started again without it: whoever comes gets the same
 * eventfds as those that were there before. It ends when the group's folder is removed.
 *
 * It speaks the protocol of QEMU's ivshmem-server: numbers of 8 bytes, some with a descriptor:
 * version 0; the client's id; -1 with the device's own memory, a page with its label
 * (fido_bell.h); then for each vector of each id: the id, with its eventfd. A device's own come
 * last.
 *
 * | socket | for | it gets |
 * |---|---|---|
 * | VM.bell | the machine's QEMU | all, and its testaments (id 0) |
 * | host.bell.sock | members of the host | all but id 0; then the end of the stream |
 * | bells.sock | fido-vmd serve | all testaments, by the machine's index |
 */

#define VMD_BELLS_SOCKET "bells.sock"

/** Hold a group's doorbells until its folder is removed. @return 0, -errno (message written) */
int vmd_bells_hold(const char *group);

#endif
