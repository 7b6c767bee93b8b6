/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_STORE_H
#define FIDO_BLK_STORE_H

/**
 * @file
 * Stores hold the contents of volumes: store_mem, store_file, store_nbd. A store is opened once.
 * Each worker thread that serves it opens a channel to it; only that thread uses the channel.
 *
 *   worker -> submit(channel, io) ... poll(channel) -> blk_io_done(io, error) -> worker
 *
 * The worker has checked the requests: offset and length are whole blocks inside the volume, the
 * length of a read or write is at most max_transfer, and iov has `length` bytes in total.
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

/** A request. The worker owns it until submit(), then the store until blk_io_done(). */
struct blk_io {
	enum fido_blk_op op;
	bool fua;
	uint64_t offset;
	uint64_t length;
	/**
	 * WRITE: the front-end's memory, read-only, with any alignment. READ: one piece of the
	 * worker's buffers to read into, aligned to 4096; for a store that lends its own memory: an
	 * array of at least (length + 4095) / 4096 + 1 elements, at most FIDO_BLK_LENT_MAX,
	 * which it fills: all pieces but the first and the last have 4096 bytes or more.
	 */
	struct iovec *iov;
	uint32_t iovcnt;
	/** READ from a store that lends its own memory: release() argument per piece, not NULL */
	void **lent;
	STAILQ_ENTRY(blk_io) store_next; /**< for the store's use */
	uint64_t store_u64;              /**< for the store's use */
	int error;                       /**< for the worker's use */
	/** Set by the worker: the client is gone, a store must not wait for lent memory. */
	bool abandoned;
};

/** Arguments of open(). */
struct blk_store_config {
	struct fido_domain *domain; /**< for arenas */
	const char *volume;         /**< for messages */
	const char *arg;            /**< the part after "file:" etc. */
	bool read_only;
};

/** Arguments of channel_open(). */
struct blk_channel_config {
	struct blk_buffers *buffers; /**< the worker's; may be registered with the kernel */
};

struct blk_store_ops {
	const char *kind; /**< "mem", "file", "nbd": the part before the colon */
	/**
	 * Open a store; fill in struct blk_store of *out. May block.
	 * @return 0, or -errno after a message that says what to do (fido_log())
	 */
	int (*open)(struct blk_store **out, const struct blk_store_config *config);
	/** Close the store. All channels are closed. */
	void (*close)(struct blk_store *store);
	/** Open a channel. Worker's thread. @return 0, -errno */
	int (*channel_open)(struct blk_store *store, const struct blk_channel_config *config,
		struct blk_channel **out);
	/** Close the channel. All requests are done. */
	void (*channel_close)(struct blk_channel *channel);
	/** Start a request. Does not block. Calls blk_io_done() now, or later in poll(). */
	void (*submit)(struct blk_channel *channel, struct blk_io *io);
	/**
	 * Pass submitted requests on, finish those that are done. Does not block.
	 * @return number of finished requests
	 */
	unsigned int (*poll)(struct blk_channel *channel);
	/**
	 * Prepare to sleep: from now on the descriptor becomes ready when poll() has work.
	 * @param fd, events for poll(2); fd is -1 when there is nothing to wait for
	 * @return true: there is work already, do not sleep
	 */
	bool (*arm)(struct blk_channel *channel, int *fd, short *events);
	/**
	 * Take back lent memory. By any channel of the store.
	 * NULL: the store lends nothing, but reads into the worker's buffers.
	 */
	void (*release)(struct blk_channel *channel, void *lent);
};

struct blk_store {
	const struct blk_store_ops *ops;
	struct fido_blk_info info;
	/** All requests must use the same channel: a flush covers only its own channel's writes. */
	bool one_channel;
	uint64_t copied; /**< writes that were copied on their way; relaxed adds by all channels */
};

struct blk_channel {
	struct blk_store *store;
};

/** Finish a request. Channel's thread. @param error 0, -errno */
void blk_io_done(struct blk_io *io, int error);

extern const struct blk_store_ops blk_store_mem;
extern const struct blk_store_ops blk_store_file;
extern const struct blk_store_ops blk_store_nbd;

/**
 * Open the store "KIND:ARG".
 * @return 0, -EINVAL (unknown kind), or what the store's open() returns
 */
int blk_store_open(struct blk_store **out, const struct blk_store_config *config, const char *spec);
/** Close a store. NULL is legal. */
void blk_store_close(struct blk_store *store);

#endif
