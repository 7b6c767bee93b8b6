/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_MEMFILE_H
#define FIDO_MEMFILE_H

/** @file Memory files: create and seal our own memfds, check the descriptors that peers sent. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The op memory_create of a transport (transport.h): create a memfd of size bytes. */
int fido_memfile_create(void *transport, size_t size, bool huge, int *out);
/**
 * The op memory_seal of a transport: seal a memfd against resizing and future writable mappings.
 */
int fido_memfile_seal(void *transport, int fd);
/**
 * Have the kernel allocate [offset, offset + len) of a file now. Otherwise pages are allocated when
 * they are first touched, and if that fails (a container's limit of hugepages, strict overcommit)
 * the process gets SIGBUS. Takes 0.2 to 2 s per GiB: do not hold a lock that others wait for.
 * @return 0 (also if the file is not a memory file), -ENOMEM (too little memory is available),
 *         -ENOSPC (no pages, or over a limit), other -errno
 */
int fido_memfile_reserve(int fd, uint64_t offset, uint64_t len);
/**
 * Check a descriptor that a peer sent.
 * @param end    bytes that it must have at least
 * @param sealed it must be sealed against shrinking
 * @return 0, -EPROTO
 */
int fido_memfile_check(int fd, uint64_t end, bool sealed);

#endif
