/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_STORE_H
#define FIDO_BLK_STORE_H

/**
 * @file
 * Where a volume's contents are: store_mem, store_file, store_nbd. A store is opened once; each of the backend's worker threads
 * that serves it opens a channel to it, and is the only one to use that channel.
 *
 *   worker -> submit(channel, io) ... poll(channel) -> blk_io_done(io, error) -> worker
 *
 * Requests that a store gets have been checked: offset and length are whole blocks within the volume, length is at most
 * max_transfer for reads and writes, and iov has `length` bytes in all.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include <fido/blk.h>
#include <fido/domain.h>

struct blk_buffers;
struct blk_channel;
struct blk_store;

/** A request, as a store sees it. The worker's until submit, the store's until blk_io_done(). */
struct blk_io {
	enum fido_blk_op op;
	bool fua;
	uint64_t offset;
	uint64_t length;
	/**
	 * WRITE: the front-end's memory: readable, never written, of any alignment. READ: where to read to, one piece of the
	 * worker's buffers, aligned to 4096; of a store that lends itself: room for FIDO_BLK_LENT_MAX pieces, which it fills.
	 */
	struct iovec *iov;
	uint32_t iovcnt;
	void **lent; /**< READ of a store that lends itself: what release() gets, for each piece; not NULL */
	STAILQ_ENTRY(blk_io) store_next; /**< the store's own while it has the request */
	uint64_t store_u64;
	int error;      /**< the worker's; 0 or -errno */
	bool abandoned; /**< the worker's: nobody wants the result. A store that waits for what it has lent gives the request up */
};

/** What a store needs of its surroundings. */
struct blk_store_config {
	struct fido_domain *domain; /**< for arenas */
	const char *volume;         /**< for messages */
	const char *arg;            /**< what stands behind "file:" and so on */
	bool read_only;
};

/** What a channel needs: the worker's memory for data, which the kernel may be told of. */
struct blk_channel_config {
	struct blk_buffers *buffers;
};

struct blk_store_ops {
	const char *kind; /**< "mem", "file", "nbd": what stands before the colon */
	/**
	 * Open; fills what of *out is common. May block. @return 0, -errno with a message that says what to do (fido_log() of fido/log.h)
	 */
	int (*open)(struct blk_store **out, const struct blk_store_config *config);
	/** Close. No channel is open. */
	void (*close)(struct blk_store *store);
	/** Called by the worker's thread. @return 0, -errno */
	int (*channel_open)(struct blk_store *store, const struct blk_channel_config *config,
		struct blk_channel **out);
	/** Close. Nothing is submitted that is not done. */
	void (*channel_close)(struct blk_channel *channel);
	/** Begin a request. Does not block. blk_io_done() comes from in here, or from poll(). */
	void (*submit)(struct blk_channel *channel, struct blk_io *io);
	/** Hand over what was submitted, and finish what is done. Does not block. @return number of requests finished */
	unsigned int (*poll)(struct blk_channel *channel);
	/**
	 * Prepare to sleep: from now on the descriptor turns ready when poll() has something to do.
	 * @param fd, events for poll(2); fd is -1 when there is nothing to wait for
	 * @return true: something waits already, do not sleep
	 */
	bool (*arm)(struct blk_channel *channel, int *fd, short *events);
	/** A reader has done with what was lent. NULL: this store reads into the worker's buffers. Any channel of the store's. */
	void (*release)(struct blk_channel *channel, void *lent);
};

struct blk_store {
	const struct blk_store_ops *ops;
	struct fido_blk_info info;
	bool one_channel; /**< all its requests must go by one channel, or a flush would not cover them */
	uint64_t
		copied; /**< writes that had to be copied on their way to the medium (relaxed adds, all channels) */
};

struct blk_channel {
	struct blk_store *store;
};

/** The store is done with a request. Called on the channel's thread. @param error 0, -errno */
void blk_io_done(struct blk_io *io, int error);

extern const struct blk_store_ops blk_store_mem;
extern const struct blk_store_ops blk_store_file;
extern const struct blk_store_ops blk_store_nbd;

/**
 * Open the store that "KIND:ARG" names.
 * @return 0, -EINVAL (no such kind), what the store's open() returns
 */
int blk_store_open(struct blk_store **out, const struct blk_store_config *config, const char *spec);
/** Close. NULL is legal. */
void blk_store_close(struct blk_store *store);

#endif
