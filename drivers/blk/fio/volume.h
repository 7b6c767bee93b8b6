/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIO_VOLUME_H
#define FIO_VOLUME_H

/**
 * @file
 * The Fido side of a job of fio: its domain, one queue of one volume, and the memory of fio's
 * buffers. This part does not use fio's headers. One thread uses it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/blk.h>
#include <fido/region.h>

/** How to join the group and open the volume. */
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
	struct fido_region *arena; /**< holds the buffers; NULL: none */
	void *heap;                /**< holds buffers that are in no arena; NULL: none */
};

/** Join the group. @return 0, -errno: libfido has said why, and nothing needs to be closed */
int fio_volume_join(struct fio_volume *v, const struct fio_volume_config *config);
/**
 * Open the volume. Blocks for up to timeout_ms. Allocate the buffers first: the backend has mapped
 * them on return. It may map later ones only after the first writes from them, which are copied.
 * @return 0, -errno: libfido has said why
 */
int fio_volume_open(struct fio_volume *v, const struct fio_volume_config *config);
/** Close the volume and leave the group. Blocks as fido_blk_close() does. Legal in any state. */
void fio_volume_close(struct fio_volume *v);

/**
 * Allocate the buffers: in an arena, which the backend reads in place, or on the heap, from where
 * the front-end copies. @return the memory; NULL: libfido has said why
 */
void *fio_volume_buffers(struct fio_volume *v, size_t size, bool in_arena);
/** Free the buffers. */
void fio_volume_buffers_free(struct fio_volume *v);

/** Sleep until there may be a completion to poll, at most 100 ms. */
void fio_volume_sleep(struct fio_volume *v);

#endif
