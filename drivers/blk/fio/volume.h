/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIO_VOLUME_H
#define FIO_VOLUME_H

/**
 * @file
 * The Fido side of a fio job: a domain of its own, one queue of one volume, and the memory of fio's
 * buffers. Knows nothing of fio. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/blk.h>
#include <fido/region.h>

/** How to join and to open. */
struct fio_volume_config {
	const char *group;
	const char *domain;
	const char *backend;
	const char *volume;
	uint32_t depth;
	int timeout_ms; /**< how long to wait for the backend */
	bool read_only;
	bool exclusive;
	bool no_hugepages;
};

struct fio_volume {
	struct fido_domain *domain;
	struct fido_blk *blk;
	struct fido_blk_queue *q;
	struct fido_region *arena; /**< of the buffers; NULL: none */
	void *heap; /**< of buffers that are in no arena; NULL: none */
};

/** Join the group. @return 0, -errno: libfido has said why; nothing is left behind */
int fio_volume_join(struct fio_volume *v, const struct fio_volume_config *config);
/**
 * Open the volume, in the group. Blocks for up to timeout_ms. Buffers that were allocated before
 * are known to the backend when it returns; of later ones it may hear after the first writes, which
 * are then copied.
 * @return 0, -errno: libfido has said why
 */
int fio_volume_open(struct fio_volume *v, const struct fio_volume_config *config);
/** Close, and leave the group. Blocks as fido_blk_close() does. Legal in any state. */
void fio_volume_close(struct fio_volume *v);

/**
 * Allocate the buffers' memory: an arena, which the backend reads from as it is, or the heap, whose
 * contents the front-end copies. @return where it is, NULL: libfido has said why
 */
void *fio_volume_buffers(struct fio_volume *v, size_t size, bool in_arena);
/** Free them. */
void fio_volume_buffers_free(struct fio_volume *v);

/** Sleep until there may be something to poll, for 100 ms at most. */
void fio_volume_sleep(struct fio_volume *v);

#endif
