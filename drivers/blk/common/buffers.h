/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BUFFERS_H
#define FIDO_BLK_BUFFERS_H

/**
 * @file
 * Memory of a worker that reads go into and that is then lent to front-ends: an arena, cut up by a buddy allocator. One thread.
 */

#include <stddef.h>
#include <stdint.h>

#include <fido/domain.h>

/** Smallest piece, and the alignment of all. */
#define BLK_BUFFER_MIN 4096u
/** Largest piece. */
#define BLK_BUFFER_MAX (1u << 20)

struct blk_buffers;

/** @param size bytes, rounded up to whole granules of 2 MiB @return 0, -ENOSPC, -ENOMEM, -errno */
int blk_buffers_create(struct blk_buffers **out, struct fido_domain *domain, size_t size);
/** The same over memory of an arena that stays the caller's. @param base, size multiples of BLK_BUFFER_MAX */
int blk_buffers_over(struct blk_buffers **out, void *base, size_t size);
/** Pieces that are still in use go with it. NULL is legal. */
void blk_buffers_destroy(struct blk_buffers *buffers);
/** @return a piece of at least len bytes (1 to BLK_BUFFER_MAX), or NULL: none is free now */
void *blk_buffers_alloc(struct blk_buffers *buffers, size_t len);
void blk_buffers_free(struct blk_buffers *buffers, void *piece);
/** @return the whole memory (to tell the kernel of it). */
void *blk_buffers_base(const struct blk_buffers *buffers);
size_t blk_buffers_size(const struct blk_buffers *buffers);
/** @return bytes that are in use. */
size_t blk_buffers_used(const struct blk_buffers *buffers);

#endif
