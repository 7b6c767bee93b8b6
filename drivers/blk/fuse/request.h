/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FUSE_REQUEST_H
#define FIDO_FUSE_REQUEST_H

/**
 * @file
 * A request of the kernel for the file's contents. The kernel may ask for any bytes; the volume
 * accepts whole blocks. A request becomes up to three requests to the backend at a time, its parts,
 * and goes through these steps:
 *
 *   read                 READ --> answer with a part of what was lent
 *   write                [EDGES -->] CHANGE [--> FLUSH] --> answer
 *   zero, punch a hole   [EDGES -->] CHANGE [--> DISCARD] [--> FLUSH] --> answer
 *   fsync                FLUSH --> answer
 *
 *   EDGES    only if the first or last block changes in part: read these blocks. Their unchanged
 *            bytes, at most two blocks, are the only data that are copied here
 *   FLUSH    after a change: only if it must be durable and the volume has no FUA
 *
 * Invariants
 * I1. A change holds its range of blocks from before its first step until after its last one,
 *     exclusively if it has edges.
 * I2. A buffer with data to write stays the request's until the backend has completed the write.
 *
 * All functions: the lane's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <fido/blk.h>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "range.h"

/** Most parts of a request at a time. */
#define REQUEST_PARTS_MAX 3u

struct lane;
struct request;

/** One request to the backend. */
struct part {
	STAILQ_ENTRY(part) next; /**< in lane->pending */
	struct request *request;
	struct fido_blk_request blk;
	struct iovec iov[3]; /**< of a write: unchanged bytes, new bytes, unchanged bytes */
	struct fido_blk_lent *lent;
	const struct iovec *lent_iov;
	unsigned int lent_iovcnt;
};

enum request_step {
	REQUEST_READ,
	REQUEST_EDGES,
	REQUEST_CHANGE,
	REQUEST_DISCARD,
	REQUEST_FLUSH,
};

struct request {
	STAILQ_ENTRY(request) next; /**< in lane->unused or lane->held */
	struct lane *lane;
	fuse_req_t fuse; /**< NULL: unused, or answered before it is done */
	enum request_step step;
	bool discards;
	bool durable;       /**< when it is answered */
	bool of_page_cache; /**< a write that no process waits for */
	int error;
	uint64_t offset; /**< bytes */
	uint64_t length; /**< bytes */
	char *data;      /**< to write; NULL: zeros */
	char *buffer;    /**< of the lane, which holds the message with the data; NULL: none */
	struct range range;
	unsigned int undone; /**< parts that the backend has not done */
	unsigned int part_count;
	struct part parts[REQUEST_PARTS_MAX];
};

/** Answer a read of the range, which is inside the volume. */
void request_read(struct lane *lane, fuse_req_t fuse, uint64_t offset, size_t length);
/** Answer a write. @param data in the message that the lane is processing; its flags are in fi */
void request_write(struct lane *lane, fuse_req_t fuse, uint64_t offset, size_t length,
	const char *data, const struct fuse_file_info *fi);
/** Zero a range. @param discards free its space, too */
void request_zero(struct lane *lane, fuse_req_t fuse, uint64_t offset, uint64_t length,
	bool discards);
/** Make all that was answered durable. */
void request_flush(struct lane *lane, fuse_req_t fuse);

/** The backend has done a part. The completion's lent memory stays the request's. */
void request_part_done(struct part *part, const struct fido_blk_completion *completion);
/**
 * Answer a request whose process was killed, so that the process need not wait for a backend that
 * is away. The request itself goes on.
 */
void request_answer_if_killed(struct request *r);
/** Continue a request whose range is now held. */
void request_held(struct request *r);

#endif
