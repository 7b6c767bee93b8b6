/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FUSE_LOOP_H
#define FIDO_FUSE_LOOP_H

/**
 * @file
 * A loop device on the volume's file, with direct I/O: requests go from it to the volume without
 * the page cache of the file between.
 *
 * A child process of its own opens and holds the device, because
 * - opening and closing it reads and writes the file: the process that serves the file must be able
 *   to answer meanwhile, also while it exits after a crash;
 * - the device is cleared when its last holder closes it (LO_FLAGS_AUTOCLEAR), so it does not
 *   outlive this program, however it ends. If the device is mounted, it lives until it is
 *   unmounted.
 *
 * Control thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Longest name, /dev/loopN, with the terminating zero. */
#define LOOP_NAME_MAX 32

struct loop {
	pid_t child;
	int fd; /**< socket to the child, which exits when it is closed */
	char device[LOOP_NAME_MAX];
};

/** Fork the child. Call this before any other thread is started. @return 0, -errno */
int loop_fork(struct loop *loop);
/**
 * Attach a device to a file, which other threads of this process may serve.
 * @param file        absolute path
 * @param sector_size of the device, in bytes
 * @return 0 and loop->device, -errno after a message
 */
int loop_attach(struct loop *loop, const char *file, uint32_t sector_size, bool read_only);
/** Let the child clear the device, unless it is in use, and end. Does not block. @see loop_join */
void loop_detach(struct loop *loop);
/** Wait for the child to end, which may need answers to what it still writes to the file. */
void loop_join(struct loop *loop);
/** Find the loop device of a file. @return false: it has none */
bool loop_find(const char *file, char *device, size_t size);

#endif
