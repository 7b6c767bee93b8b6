/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BUFFERS_H
#define FIDO_BLK_BUFFERS_H

/**
 * @file
 * Data buffers of a worker: reads go into them, and they are lent to front-ends. An arena with a
 * buddy allocator. One thread.
 */

#include <stddef.h>
#include <stdint.h>

#include <fido/domain.h>

/** Size of the smallest piece; alignment of all pieces. */
#define BLK_BUFFER_MIN 4096u
/** Size of the largest piece. */
#define BLK_BUFFER_MAX (1u << 20)

struct blk_buffers;

/**
 * Allocate an arena. @see blk_buffers_destroy
 * @param size bytes, rounded up to granules of 2 MiB
 * @return 0, -ENOSPC, -ENOMEM, -errno
 */
int blk_buffers_create(struct blk_buffers **out, struct fido_domain *domain, size_t size);
/** Use memory of an arena that the caller owns. @param base, size multiples of BLK_BUFFER_MAX */
int blk_buffers_over(struct blk_buffers **out, void *base, size_t size);
/** Destroy, with the pieces still in use. NULL is legal. */
void blk_buffers_destroy(struct blk_buffers *buffers);
/** @return a piece of at least len bytes (1 to BLK_BUFFER_MAX); NULL: none is free */
void *blk_buffers_alloc(struct blk_buffers *buffers, size_t len);
void blk_buffers_free(struct blk_buffers *buffers, void *piece);
/** @return the start of the memory (to register it with the kernel) */
void *blk_buffers_base(const struct blk_buffers *buffers);
size_t blk_buffers_size(const struct blk_buffers *buffers);
/** @return number of bytes in use */
size_t blk_buffers_used(const struct blk_buffers *buffers);

#endif
