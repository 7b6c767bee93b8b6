/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_STORE_FILE_RING_H
#define FIDO_BLK_STORE_FILE_RING_H

/** @file The io_uring of a channel to a file. Channel's thread only. */

#include <liburing.h>
#include <sys/queue.h>

#include "buffers.h"
#include "store_file.h"

/** What an op does in the ring, now or next. */
enum blk_file_step {
	STEP_READ,
	STEP_WRITE,
	STEP_DISCARD,
	STEP_ZERO_RANGE,
	STEP_ZERO_PUNCH,
	STEP_ZERO_WRITE,
	STEP_SYNC, /**< a flush; or after a step that the kernel cannot make durable by a flag */
};

/** A request in progress. */
struct blk_file_op {
	STAILQ_ENTRY(blk_file_op) next;
	struct blk_io *io;
	char *copy;    /**< of the data to write; NULL: write from io->iov */
	uint64_t done; /**< bytes */
	enum blk_file_step step;
};

struct blk_file_ring {
	struct io_uring uring;
	struct blk_buffers *buffers; /* the worker's */
	int fd;                      /* the file; with IOSQE_FIXED_FILE in fd_flag its index */
	uint8_t fd_flag;
	bool fixed;      /* the buffers are registered */
	uint32_t flight; /* ops in the ring */
	uint32_t room;   /* maximum of flight */
};

/** @return 0, or -errno after a message. @see blk_file_ring_close */
int blk_file_ring_open(struct blk_file_ring *r, const struct blk_file *f,
	struct blk_buffers *buffers);
void blk_file_ring_close(struct blk_file_ring *r);
/** Put the next step of an op into the ring. @return false: no room now */
bool blk_file_ring_put(struct blk_file_ring *r, const struct blk_file_op *op);

#endif
