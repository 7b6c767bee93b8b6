/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_H
#define FIDO_BLK_H

/**
 * @file
 * MMBlk's front-end: use block volumes of another domain. Library libfido-blk; the backend is
 * fido-blkd (doc/blk.md).
 *
 *   open:       fido_blk_open -> fido_blk_queue
 *   each queue: fido_blk_submit -> fido_blk_poll -> fido_blk_release of lent memory
 *   close:      fido_blk_close
 *
 * Writes are not copied if their memory is in an arena or otherwise exported (EAL's heap, in a DPDK
 * application with an mmnet port): the backend reads it in place. Other memory is copied once, into
 * an arena of the volume, and counted. A read with FIDO_BLK_LEND lends the backend's memory,
 * without a copy, and its contents do not change until it is released. Any other read copies the
 * data once, to the caller's memory.
 *
 * Order: the backend executes requests that are in flight together in any order. A flush covers the
 * writes, of all queues, whose completions were polled before the flush was submitted.
 *
 * Failures: if the backend dies, the front-end keeps the requests. When the backend is back
 * (restarted with the same volumes), the front-end sends those without an answer again. If the
 * volume that is back differs (in fido_blk_info.identity, size or block_size, or by a smaller
 * max_transfer or max_segments), all requests fail with -ESTALE until the volume is closed and
 * opened again. If the backend breaks the rules of its rings, the link is closed and all requests
 * fail with -EPROTO until the volume is closed and opened again; a write that the backend may still
 * be reading fails only when the backend is gone.
 *
 * Threads: fido_blk_open() and fido_blk_close() are for the control path; no thread uses a queue
 * while its volume is being closed. One thread at a time uses a queue; different threads may use
 * different queues. A queue works only while it is polled: otherwise it does not send requests
 * again, nor find a backend that is back. "The queue's thread" below is the thread that uses it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <fido/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most pieces of memory (iovec elements) of one request. */
#define FIDO_BLK_SEGMENTS_MAX 256
/** Most pieces of memory that one read lends. */
#define FIDO_BLK_LENT_MAX (FIDO_BLK_SEGMENTS_MAX + 1)
/** Most requests of a queue that are in flight or lent. */
#define FIDO_BLK_DEPTH_MAX 1024
/** Longest name of a volume, in bytes, with the terminating zero. */
#define FIDO_BLK_VOLUME_MAX 64

struct fido_blk;
struct fido_blk_queue;

/** Operations. */
enum fido_blk_op {
	FIDO_BLK_READ = 1,
	FIDO_BLK_WRITE,
	FIDO_BLK_FLUSH,   /**< offset, length and iov are not used */
	FIDO_BLK_DISCARD, /**< drop the contents: later reads return zeros or the old data */
	FIDO_BLK_WRITE_ZEROES,
};

/** Request flag: the write, discard or write-zeroes is durable when it completes (CAN_FUA). */
#define FIDO_BLK_FUA 0x1u
/** Request flag: the read lends the backend's memory, and has no iov. */
#define FIDO_BLK_LEND 0x2u

/** Feature of a volume: it can be written. */
#define FIDO_BLK_CAN_WRITE 0x1u
/** Feature: FIDO_BLK_FLUSH. Without it every write is durable, or the volume is volatile. */
#define FIDO_BLK_CAN_FLUSH 0x2u
/** Feature: the flag FIDO_BLK_FUA. */
#define FIDO_BLK_CAN_FUA 0x4u
/** Feature: FIDO_BLK_DISCARD. */
#define FIDO_BLK_CAN_DISCARD 0x8u
/** Feature: FIDO_BLK_WRITE_ZEROES. */
#define FIDO_BLK_CAN_WRITE_ZEROES 0x10u

/** Properties of a volume. */
struct fido_blk_info {
	uint64_t size; /**< bytes */
	/**
	 * Of the contents. It changes when another volume takes its place, or its memory is lost.
	 */
	uint64_t identity;
	uint32_t block_size;   /**< bytes; offsets and lengths are multiples of it */
	uint32_t max_transfer; /**< most bytes of one read or write */
	uint32_t max_segments; /**< most pieces of memory of one write */
	uint32_t features;     /**< FIDO_BLK_CAN_* */
};

/** How to open a volume. Zero-initialize: a member that is zero takes its default. */
struct fido_blk_config {
	const char *backend; /**< name of the domain that serves the volume */
	const char *volume;  /**< name of the volume */
	uint16_t queues;     /**< 1 to FIDO_LINK_QUEUES_MAX; default 1 */
	/** Requests per queue in flight or lent, up to FIDO_BLK_DEPTH_MAX; default 128. */
	uint32_t depth;
	/** Bytes per queue for copies of memory that the backend cannot read; default 2 MiB. */
	size_t bounce_size;
	bool read_only; /**< refuse writes */
	bool exclusive; /**< admit no other client; fail if another has the volume open */
	/** How long fido_blk_open() waits for the backend; default 5000; negative: no limit. */
	int timeout_ms;
};

/** One request. */
struct fido_blk_request {
	enum fido_blk_op op;
	uint32_t flags;  /**< FIDO_BLK_FUA, FIDO_BLK_LEND */
	uint64_t offset; /**< bytes */
	uint64_t length; /**< bytes */
	/** Read without LEND: destination; write: source. `length` bytes in total. */
	const struct iovec *iov;
	unsigned int iovcnt; /**< up to FIDO_BLK_SEGMENTS_MAX */
	void *cookie;        /**< comes back in the completion */
};

struct fido_blk_lent;

/** One completion. */
struct fido_blk_completion {
	void *cookie;               /**< of the request */
	int error;                  /**< 0, -errno */
	unsigned int iovcnt;        /**< pieces of lent memory, up to FIDO_BLK_LENT_MAX */
	const struct iovec *iov;    /**< lent memory: read-only, valid until it is released */
	struct fido_blk_lent *lent; /**< for fido_blk_release(); NULL: nothing was lent */
};

/** Counters of a queue since the volume was opened. */
struct fido_blk_stats {
	uint64_t requests[8];   /**< completed, by enum fido_blk_op */
	uint64_t errors;        /**< of these, with an error */
	uint64_t read_bytes;    /**< bytes read */
	uint64_t write_bytes;   /**< bytes written */
	uint64_t lent;          /**< reads that lent memory */
	uint64_t copied_reads;  /**< reads that were copied to the caller's memory */
	uint64_t copied_writes; /**< writes copied to memory that the backend can read */
	uint64_t resent;        /**< requests sent again, after the backend's death */
	uint64_t sessions;      /**< times the queue connected to a backend */
};

/**
 * Open a volume. Creates a link to the backend, one per open volume.
 *
 * Control path; blocks until the backend has answered on the first queue, at most timeout_ms. The
 * other queues connect as they are polled.
 *
 * @param domain outlives the volume
 * @param config copied
 * @param out    receives the volume, which the caller owns
 * @return
 *   - 0
 *   - -EINVAL: bad configuration
 *   - -ETIMEDOUT: there is no such backend, or it does not answer
 *   - -ENOENT: the backend has no such volume
 *   - -EBUSY: another client has the volume open, and either open is exclusive
 *   - -EROFS: the volume is read-only, and read_only is not set
 *   - -EPROTO: the backend speaks another version, or does not follow the protocol
 *   - -EIO: the backend cannot open the volume's store
 *   - -ENOSPC, -ENOMEM, -EEXIST: during all of timeout_ms no room for the link, its rings or
 *     memory, here or in the backend
 * fido_last_error() says what to do.
 * @see fido_blk_close
 */
int fido_blk_open(struct fido_domain *domain, const struct fido_blk_config *config,
	struct fido_blk **out);

/**
 * Close a volume. Requests in flight may or may not be executed; none completes any more. Lent
 * memory is released and must not be read any more.
 *
 * Control path; blocks until the backend no longer reads this domain's memory. If the backend lives
 * but does not answer (it is stopped, or its medium hangs), blocks for 5 s, and 1 s more at most.
 * Such a backend may execute the writes in flight minutes later, so their memory must not change.
 * The library keeps its own copies unchanged until then.
 *
 * @param blk NULL is legal; freed in any case
 * @return
 *   - 0: all memory is the caller's again
 *   - -EBUSY: closed, but the backend may still read the memory of writes that were in flight. Do
 *     not write to it until the backend continues or exits. You may destroy an arena, leave the
 *     group or exit: memory that the backend reads keeps its contents. For an imported region
 *     fido_region_withdraw() tells when no domain reads it
 * @see fido_blk_open
 */
int fido_blk_close(struct fido_blk *blk);

/** @return the volume's properties, valid until fido_blk_close(). Any thread; does not block. */
const struct fido_blk_info *fido_blk_info(const struct fido_blk *blk);
/** @return queue i, valid until fido_blk_close(); NULL: i is out of range. Any thread. */
struct fido_blk_queue *fido_blk_queue(struct fido_blk *blk, uint16_t i);
/** @return true: the link to the backend is up, but it may not have answered yet. Any thread. */
bool fido_blk_is_connected(const struct fido_blk *blk);

/**
 * Submit requests. The queue's thread; does not block. The memory of a write belongs to the backend
 * until the completion, and must not change. The iov arrays are the caller's again at once.
 *
 * @param requests n requests
 * @return
 *   - number of requests accepted, from the first on. Fewer than n: `depth` requests are in flight
 *     or lent, or the next request is invalid (submit it again as the first to learn why)
 *   - -EINVAL: the first request's operation, flags or iov are invalid, or its offset or length is
 *     not a multiple of a block
 *   - -ERANGE: it is outside the volume
 *   - -EROFS: it writes, and the volume was opened read-only
 *   - -EOPNOTSUPP: the volume lacks the feature
 *   - -ENOMEM: no memory for a copy of its iov
 * When the volume has failed (-ESTALE, -EPROTO), requests are accepted, and complete with that
 * error.
 * @see fido_blk_poll
 */
int fido_blk_submit(struct fido_blk_queue *q, const struct fido_blk_request *requests,
	unsigned int n);

/**
 * Take completions, and do the queue's other work (connect again, send again). The queue's thread;
 * does not block.
 * @param completions room for max
 * @return number of completions
 * @see fido_blk_submit
 */
unsigned int fido_blk_poll(struct fido_blk_queue *q, struct fido_blk_completion *completions,
	unsigned int max);

/**
 * Give lent memory back. The queue's thread; does not block.
 * @param lent n handles (fido_blk_completion.lent), cheapest in the order in which they came
 */
void fido_blk_release(struct fido_blk_queue *q, struct fido_blk_lent *const *lent, unsigned int n);

/**
 * @return requests that are in flight, complete but not polled, or lent. The queue's thread; does
 *         not block.
 */
unsigned int fido_blk_inflight(const struct fido_blk_queue *q);

/**
 * @return the file descriptor, for poll(2) or epoll(7), that turns readable when an armed queue has
 *         something to poll. It stays the queue's.
 */
int fido_blk_fd(const struct fido_blk_queue *q);
/**
 * Arm the queue before sleeping on fido_blk_fd(). The queue's thread.
 * @return true: something already waits; do not sleep. Call fido_blk_disarm() in either case
 * @see fido_blk_disarm
 */
bool fido_blk_arm(struct fido_blk_queue *q);
/** Undo fido_blk_arm(), and clear the descriptor. The queue's thread; does not block. */
void fido_blk_disarm(struct fido_blk_queue *q);

/** Copy the queue's counters to stats. The queue's thread; does not block. */
void fido_blk_queue_stats(const struct fido_blk_queue *q, struct fido_blk_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
