/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_STORE_NBD_H
#define FIDO_BLK_STORE_NBD_H

/** @file What store_nbd.c (opening) and store_nbd_channel.c (connections and requests) share. */

#include <libnbd.h>

#include "store.h"

/** What a server says of an export. */
struct blk_nbd_export {
	uint64_t size;
	uint32_t block_size;
	uint32_t max_transfer;
	uint32_t features; /**< FIDO_BLK_CAN_*, as the server has them */
	bool can_zero;
	bool multi;
};

struct blk_nbd {
	struct blk_store base;
	struct blk_nbd_export export;
	struct nbd_handle
		*first; /**< what open() has connected: the first channel takes it (atomically) */
	char volume[FIDO_BLK_VOLUME_MAX];
	char uri[];
};

/** @return a handle with the settings that all connections have; NULL: nbd_get_error() */
struct nbd_handle *blk_nbd_handle(void);
/** Read what the server says of the export; the handle is ready. */
void blk_nbd_export_read(struct blk_nbd_export *e, struct nbd_handle *h);
/** @return whether it can stand for the one that was opened. */
bool blk_nbd_export_fits(const struct blk_nbd *n, const struct blk_nbd_export *e);
/** @return -errno of this thread's last failure in libnbd */
int blk_nbd_errno(void);

/** struct blk_store_ops */
int blk_nbd_channel_open(struct blk_store *store, const struct blk_channel_config *config,
	struct blk_channel **out);
void blk_nbd_channel_close(struct blk_channel *channel);
void blk_nbd_channel_submit(struct blk_channel *channel, struct blk_io *io);
unsigned int blk_nbd_channel_poll(struct blk_channel *channel);
bool blk_nbd_channel_arm(struct blk_channel *channel, int *fd, short *events);

#endif
