/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_STORE_NBD_H
#define FIDO_BLK_STORE_NBD_H

/** @file An NBD export: shared by store_nbd.c (open, close) and store_nbd_channel.c (requests). */

#include <libnbd.h>

#include "store.h"

/** Properties of an export, from the server. */
struct blk_nbd_export {
	uint64_t size;
	uint32_t block_size;
	uint32_t max_transfer;
	uint32_t features; /**< FIDO_BLK_CAN_* */
	bool can_zero;
	bool multi; /**< multi-conn: a flush covers all connections */
};

struct blk_nbd {
	struct blk_store base;
	struct blk_nbd_export export;
	/** Connection of open(): the first channel takes it (atomic exchange). */
	struct nbd_handle *first;
	char volume[FIDO_BLK_VOLUME_MAX];
	char uri[];
};

/** @return a handle with the settings for all connections; NULL: see nbd_get_error() */
struct nbd_handle *blk_nbd_handle(void);
/** Get the export's properties from a connected handle. */
void blk_nbd_export_read(struct blk_nbd_export *e, struct nbd_handle *h);
/** @return true when e can replace the export that was opened */
bool blk_nbd_export_fits(const struct blk_nbd *n, const struct blk_nbd_export *e);
/** @return -errno of this thread's last error in libnbd */
int blk_nbd_errno(void);

/* See struct blk_store_ops. */
int blk_nbd_channel_open(struct blk_store *store, const struct blk_channel_config *config,
	struct blk_channel **out);
void blk_nbd_channel_close(struct blk_channel *channel);
void blk_nbd_channel_submit(struct blk_channel *channel, struct blk_io *io);
unsigned int blk_nbd_channel_poll(struct blk_channel *channel);
bool blk_nbd_channel_arm(struct blk_channel *channel, int *fd, short *events);

#endif
