/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_MEMORY_H
#define FIDO_HOST_MEMORY_H

/** @file Memory of the host transport: our own memfds, and the descriptors that peers sent. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Two ops of the transport: allocate, seal. */
int fido_host_memory_create(void *transport, size_t size, bool huge, int *out);
int fido_host_memory_seal(void *transport, int fd);
/**
 * Check a descriptor that a peer sent: `end` bytes large at least, and sealed against shrinking if it should be.
 * @return 0, -EPROTO
 */
int fido_host_memory_check(int fd, uint64_t end, bool sealed);

#endif
