/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_MEMFILE_H
#define FIDO_MEMFILE_H

/** @file Memory of the host transport: our own memfds, and the descriptors that peers sent. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Two ops of the transport: allocate, seal. */
int fido_memfile_create(void *transport, size_t size, bool huge, int *out);
int fido_memfile_seal(void *transport, int fd);
/**
 * Have the kernel allocate [offset, offset + len) of a file now. Memory that is only mapped is allocated when it is first
 * touched, and if that cannot be (a container's limit of hugepages, strict overcommit) the process gets SIGBUS.
 * Takes 0.2 to 2 s for a GiB: not with a lock held that others wait for.
 * @return 0, also where the file is no memory file, -ENOSPC (no pages, or over a limit), -errno
 */
int fido_memfile_reserve(int fd, uint64_t offset, uint64_t len);
/**
 * Check a descriptor that a peer sent: `end` bytes large at least, and sealed against shrinking if it should be.
 * @return 0, -EPROTO
 */
int fido_memfile_check(int fd, uint64_t end, bool sealed);

#endif
