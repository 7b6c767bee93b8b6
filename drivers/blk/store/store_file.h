/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_STORE_FILE_H
#define FIDO_BLK_STORE_FILE_H

/** @file An open file: shared by store_file.c (open, close) and store_file_channel.c (requests). */

#include "store.h"

/** Ways to zero a range; use the first one that the file supports. */
enum blk_file_zero {
	BLK_FILE_ZERO_RANGE,
	BLK_FILE_ZERO_PUNCH,
	BLK_FILE_ZERO_WRITE,
};

struct blk_file {
	struct blk_store base;
	int fd;
	bool direct;
	uint32_t memory_align; /**< direct: alignment of addresses */
	/* Relaxed accesses by all channels: */
	uint32_t zero;    /**< enum blk_file_zero */
	uint32_t failing; /**< a write or flush failed, and none has succeeded since */
	uint64_t said_at; /**< time of the last message about that, in seconds; 0: none */
	char volume[FIDO_BLK_VOLUME_MAX];
};

/**
 * Log that a write or flush failed: once until one succeeds again, and at most once a minute. Any
 * channel's thread.
 */
void blk_file_failed(struct blk_file *f, int error);

/* See struct blk_store_ops. */
int blk_file_channel_open(struct blk_store *store, const struct blk_channel_config *config,
	struct blk_channel **out);
void blk_file_channel_close(struct blk_channel *channel);
void blk_file_channel_submit(struct blk_channel *channel, struct blk_io *io);
unsigned int blk_file_channel_poll(struct blk_channel *channel);
bool blk_file_channel_arm(struct blk_channel *channel, int *fd, short *events);

#endif
