/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_STORE_FILE_H
#define FIDO_BLK_STORE_FILE_H

/** @file What store_file.c (opening) and store_file_channel.c (requests) share. */

#include "store.h"

/** How a range is zeroed: the first that the file can. */
enum blk_file_zero {
	BLK_FILE_ZERO_RANGE,
	BLK_FILE_ZERO_PUNCH,
	BLK_FILE_ZERO_WRITE,
};

struct blk_file {
	struct blk_store base;
	int fd;
	bool direct;
	uint32_t memory_align; /**< direct: of each address */
	uint32_t zero;         /**< enum blk_file_zero; relaxed, any channel */
	uint32_t
		failing; /**< a write or flush failed, and none has worked since; relaxed, any channel */
	uint64_t
		said_at; /**< when that was last said, in seconds; 0: never. Relaxed, any channel */
	char volume[FIDO_BLK_VOLUME_MAX];
};

/** A write or flush failed: say so, once until one works again, and once a minute at most. Any channel's thread. */
void blk_file_failed(struct blk_file *f, int error);

/** struct blk_store_ops */
int blk_file_channel_open(struct blk_store *store, const struct blk_channel_config *config,
	struct blk_channel **out);
void blk_file_channel_close(struct blk_channel *channel);
void blk_file_channel_submit(struct blk_channel *channel, struct blk_io *io);
unsigned int blk_file_channel_poll(struct blk_channel *channel);
bool blk_file_channel_arm(struct blk_channel *channel, int *fd, short *events);

#endif
