/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_H
#define FIDO_BLK_H

/**
 * @file
 * MMBlk's front-end: block devices of another domain. Library libfido-blk; the backend is fido-blkd (doc/blk.md).
 *
 *   open:       fido_blk_open -> fido_blk_queue
 *   each queue: fido_blk_submit -> fido_blk_poll -> (what was lent) fido_blk_release
 *
 * What is written is not copied: the backend reads this domain's memory (an arena, or memory that is exported: EAL's heap in a
 * DPDK application with an mmnet port). Other memory is copied once, into an arena of the volume, and counted.
 * A read either lends the backend's memory (FIDO_BLK_LEND: no copy at all; it stays as it was read until it is released), or
 * copies it once to where the caller wants it.
 *
 * Order: requests that are in flight together are done in any order. A flush covers the writes whose completions were polled
 * before it was submitted, on whatever queue.
 *
 * When the backend dies, requests stay with the front-end. When it is back (restarted with the same volumes), what was not
 * answered is sent again. When what is back is not the same volume (another fido_blk_info.identity, size or block_size, or it
 * takes less in one request), all requests fail with -ESTALE until the volume is closed and opened again. When the backend has broken the rules of its rings, the link is closed, and all requests fail with
 * -EPROTO until the volume is closed and opened again; a write that the backend may still be reading fails only when it is gone.
 *
 * Threads: fido_blk_open() and fido_blk_close() are for the control path; while a volume is closed nobody uses its queues. A
 * queue is used by one thread at a time; different ones by different threads. Nothing happens on a queue that is not polled:
 * nothing is sent again, and it does not find a backend that has come back.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <fido/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Pieces of memory that one request can name. */
#define FIDO_BLK_SEGMENTS_MAX 256
/** Pieces of memory that one read can lend. */
#define FIDO_BLK_LENT_MAX (FIDO_BLK_SEGMENTS_MAX + 1)
/** Requests of a queue that can be in flight or lent. */
#define FIDO_BLK_DEPTH_MAX 1024
/** Length of a volume's name, with the zero. */
#define FIDO_BLK_VOLUME_MAX 64

struct fido_blk;
struct fido_blk_queue;

enum fido_blk_op {
	FIDO_BLK_READ = 1,
	FIDO_BLK_WRITE,
	FIDO_BLK_FLUSH, /**< offset, length and iov are not used */
	FIDO_BLK_DISCARD, /**< the contents are of no more use; reads then give zeros or what was there */
	FIDO_BLK_WRITE_ZEROES,
};

/** What the write, discard or write-zeroes changes is durable when it completes. Needs FIDO_BLK_CAN_FUA. */
#define FIDO_BLK_FUA 0x1u
/** The read lends the backend's memory: no iov. */
#define FIDO_BLK_LEND 0x2u

/** What a volume can do. */
#define FIDO_BLK_CAN_WRITE 0x1u
#define FIDO_BLK_CAN_FLUSH \
	0x2u /**< without it writes are durable, or the volume is not made to last */
#define FIDO_BLK_CAN_FUA 0x4u
#define FIDO_BLK_CAN_DISCARD 0x8u
#define FIDO_BLK_CAN_WRITE_ZEROES 0x10u

struct fido_blk_info {
	uint64_t size; /**< bytes */
	uint64_t
		identity; /**< of the contents; another one: another volume, or one that has lost its memory */
	uint32_t block_size;   /**< bytes; offsets and lengths are multiples of it */
	uint32_t max_transfer; /**< bytes of one read or write */
	uint32_t max_segments; /**< of one write */
	uint32_t features;     /**< FIDO_BLK_CAN_* */
};

/** How to open. Zero-initialize; what is left zero takes its default. */
struct fido_blk_config {
	const char *backend; /**< name of the domain that serves the volume */
	const char *volume;
	uint16_t queues; /**< 1 to FIDO_LINK_QUEUES_MAX; default 1 */
	uint32_t
		depth; /**< requests of a queue in flight or lent, up to FIDO_BLK_DEPTH_MAX; default 128 */
	size_t bounce_size; /**< bytes for copies of memory that the backend cannot read, each queue; default 2 MiB */
	bool read_only;
	bool exclusive; /**< fails when another client has it open; no other can open it then */
	int timeout_ms; /**< how long fido_blk_open() waits for the backend; default 5000; below 0: for ever */
};

struct fido_blk_request {
	enum fido_blk_op op;
	uint32_t flags;  /**< FIDO_BLK_FUA, FIDO_BLK_LEND */
	uint64_t offset; /**< bytes */
	uint64_t length; /**< bytes */
	const struct iovec
		*iov; /**< read without LEND: to where; write: from where; in all `length` bytes */
	unsigned int iovcnt; /**< up to FIDO_BLK_SEGMENTS_MAX */
	void *cookie;        /**< comes back in the completion */
};

struct fido_blk_lent;

struct fido_blk_completion {
	void *cookie;
	int error;                  /**< 0, -errno */
	unsigned int iovcnt;        /**< of what was lent: up to FIDO_BLK_LENT_MAX */
	const struct iovec *iov;    /**< read-only; valid until it is released */
	struct fido_blk_lent *lent; /**< for fido_blk_release(); NULL: nothing was lent */
};

/** Counters of a queue since the volume was opened. */
struct fido_blk_stats {
	uint64_t requests[8]; /**< completed, by enum fido_blk_op */
	uint64_t errors;      /**< of these, with an error */
	uint64_t read_bytes;
	uint64_t write_bytes;
	uint64_t lent;         /**< reads that lent */
	uint64_t copied_reads; /**< reads that were copied to the caller's memory */
	uint64_t
		copied_writes; /**< writes that had to be copied so that the backend can read them */
	uint64_t resent;       /**< requests that were sent again */
	uint64_t sessions;     /**< times the queue has found the backend */
};

/**
 * Open a volume. Makes a link to the backend; each open volume has one.
 *
 * Control path; blocks until the backend has answered on the first queue, or for timeout_ms. The other queues follow as they
 * are polled.
 *
 * @return
 *   - 0: *out is to be closed with fido_blk_close()
 *   - -EINVAL: bad configuration
 *   - -ETIMEDOUT: there is no such backend, or it does not answer
 *   - -ENOENT: it has no such volume
 *   - -EBUSY: the volume is open, and it or this is exclusive
 *   - -EROFS: the volume is read-only, and read_only is not set
 *   - -EPROTO: it speaks another version, or nonsense
 *   - -EIO: it cannot open the volume's store
 *   - -ENOSPC, -ENOMEM, -EEXIST: no room for the link, its rings or memory, here or in the backend (for all of timeout_ms)
 * fido_last_error() says what to do.
 */
int fido_blk_open(struct fido_domain *domain, const struct fido_blk_config *config,
	struct fido_blk **out);

/**
 * Close. Requests that are in flight may or may not be done; nothing is completed any more. What was lent is released: it must
 * not be read any more. NULL is legal.
 *
 * Control path. Blocks until the backend reads this domain's memory no more; with one that lives and does not answer (it is
 * stopped, or its medium hangs) for 5 s, and 1 s more at most. Then it may still do writes that it has, minutes later: their
 * memory must stay as it is. This library sees to that for its own copies.
 *
 * @return
 *   - 0: all memory is the caller's again
 *   - -EBUSY: closed, but the backend may still read the memory of writes that were in flight. Do not write to it before the
 *     backend goes on or has ended. An arena can be destroyed, the domain can leave, and the process can end: what the
 *     backend reads keeps its content. fido_region_withdraw() tells when nobody reads an imported region
 */
int fido_blk_close(struct fido_blk *blk);

/** @return what is known of the volume. Any thread. */
const struct fido_blk_info *fido_blk_info(const struct fido_blk *blk);
/** @return the queue, or NULL when i is out of range. */
struct fido_blk_queue *fido_blk_queue(struct fido_blk *blk, uint16_t i);
/** @return true when the link to the backend is up; it may not have answered yet. Any thread. */
bool fido_blk_is_connected(const struct fido_blk *blk);

/**
 * Submit requests. Does not block. Memory that is written from belongs to the backend until the completion; iov arrays
 * are the caller's again at once.
 *
 * @return
 *   - number of requests accepted, from the first on; fewer than n: `depth` are in flight or lent, or the next one cannot
 *     be accepted (submit it again as the first to learn why)
 *   - the first request is not valid: -EINVAL (operation, flags, offset or length not of whole blocks, iov), -ERANGE
 *     (outside the volume), -EROFS, -EOPNOTSUPP (the volume cannot do it)
 *   - -ENOMEM: there is no memory to remember the first request's iov
 * When the volume has failed (-ESTALE, -EPROTO) requests are accepted, and complete with that error.
 */
int fido_blk_submit(struct fido_blk_queue *q, const struct fido_blk_request *requests,
	unsigned int n);

/** Take completions; does all that a queue has to do beside (reconnecting, sending again). Does not block. @return number */
unsigned int fido_blk_poll(struct fido_blk_queue *q, struct fido_blk_completion *completions,
	unsigned int max);

/** Give back what was lent. @param n number of them; in the order in which they came is cheapest */
void fido_blk_release(struct fido_blk_queue *q, struct fido_blk_lent *const *lent, unsigned int n);

/** @return requests that are in flight, complete and not polled yet, or lent. */
unsigned int fido_blk_inflight(const struct fido_blk_queue *q);

/** @return a file descriptor that turns readable when an armed queue has something to poll. */
int fido_blk_fd(const struct fido_blk_queue *q);
/**
 * Arm before sleeping on fido_blk_fd(). Its thread.
 * @return true: something waits already, do not sleep. fido_blk_disarm() undoes it either way
 */
bool fido_blk_arm(struct fido_blk_queue *q);
/** Undo fido_blk_arm(), and clear the descriptor. Its thread. */
void fido_blk_disarm(struct fido_blk_queue *q);

/** Copy the queue's counters. Its thread. */
void fido_blk_queue_stats(const struct fido_blk_queue *q, struct fido_blk_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
