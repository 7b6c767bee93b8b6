/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_STORE_FILE_RING_H
#define FIDO_BLK_STORE_FILE_RING_H

/** @file The io_uring of a channel to a file, and the operations that it takes. The channel's thread. */

#include <liburing.h>
#include <sys/queue.h>

#include "buffers.h"
#include "store_file.h"

/* What of an op is in the ring, or is to go there next. */
enum blk_file_step {
	STEP_READ,
	STEP_WRITE,
	STEP_DISCARD,
	STEP_ZERO_RANGE,
	STEP_ZERO_PUNCH,
	STEP_ZERO_WRITE,
	STEP_SYNC, /* the end of a flush, and of what the kernel cannot make durable by a flag */
};

/** A request on its way. */
struct blk_file_op {
	STAILQ_ENTRY(blk_file_op) next;
	struct blk_io *io;
	char *copy; /* of what is written; NULL: it is written from where it is */
	uint64_t done;
	enum blk_file_step step;
};

struct blk_file_ring {
	struct io_uring uring;
	struct blk_buffers *buffers; /* the worker's */
	int fd;                      /* the file, as the ring knows it */
	uint8_t fd_flag;
	bool fixed;      /* the ring knows the worker's buffers */
	uint32_t flight; /* ops in the ring */
	uint32_t room;   /* how many there can be */
};

/** @return 0, -errno with a message. @see blk_file_ring_close */
int blk_file_ring_open(struct blk_file_ring *r, const struct blk_file *f,
	struct blk_buffers *buffers);
void blk_file_ring_close(struct blk_file_ring *r);
/** Put what an op has to do next into the ring. @return false: no room now */
bool blk_file_ring_put(struct blk_file_ring *r, const struct blk_file_op *op);

#endif
