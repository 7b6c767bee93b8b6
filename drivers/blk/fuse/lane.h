/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FUSE_LANE_H
#define FIDO_FUSE_LANE_H

/**
 * @file
 * A lane: a thread with a queue of the volume, a descriptor of /dev/fuse, and an arena into which
 * it reads the kernel's messages. It answers what it has read, in any order.
 *
 *   kernel --message--> buffer in the arena --address--> backend
 *   kernel <-------- writev() -------- memory that the backend has lent
 *
 * writev() and not splice(): the kernel copies from a pipe as well, because it cannot take pages
 * that are shared, and vmsplice() and splice() would be two calls instead of one.
 *
 * A buffer, so that the data of a write begins with a page:
 *
 *   |<-- page -->|<---- max_write ---->|<-- block -->|<-- block -->|
 *   |    |header | data                | first edge  | last edge   |
 *
 * Invariants
 * I1. The thread sleeps only with the queue armed, and on all of: the queue's descriptor, wake_fd
 *     and, if it has room for a message, fuse_fd.
 * I2. It reads a message only if it has an unused buffer and an unused request: the kernel keeps
 *     others, for this lane or another.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <fido/blk.h>
#include <fido/region.h>

#include "image.h"
#include "request.h"

/** Largest write of the kernel; libfuse 3.14 reads no larger one. */
#define LANE_WRITE_MAX (1u << 20)

struct lane_config {
	struct fido_domain *domain;
	struct image *image;
	struct fuse_session *fuse;
	unsigned int index; /**< of the volume's queue */
	uint32_t depth;     /**< requests in progress */
	uint32_t buffers;   /**< messages with data to write in progress */
	unsigned int spin_us;
	int end_fd; /**< eventfd: written to when the kernel has closed the connection */
};

struct lane {
	struct lane_config config;
	struct fido_blk_queue *queue;
	int fuse_fd;
	int wake_fd;  /**< eventfd: another lane has appended to held */
	int epoll_fd; /**< fuse_fd, the queue's, wake_fd */
	pthread_t thread;
	bool readable; /**< fuse_fd may have a message */
	bool ended;    /**< the kernel has closed the connection */

	struct fido_region *arena;
	size_t buffer_size;
	char **buffers; /**< unused ones */
	uint32_t buffer_count;
	char *message; /**< buffer of the message in process; NULL: a request has taken it */

	struct request *requests;
	STAILQ_HEAD(lane_unused, request) unused;
	uint32_t in_progress;
	STAILQ_HEAD(lane_pending, part) pending; /**< parts for the queue to accept */

	pthread_mutex_t held_lock;
	STAILQ_HEAD(lane_held, request) held; /**< requests that now hold their range */
	uint32_t held_count;                  /**< atomic, so that looking costs little */

	uint64_t sleeps;
	uint64_t late;   /**< completions that were found without a wake-up */
	uint64_t edges;  /**< blocks of which unchanged bytes were copied */
	uint64_t errors; /**< answers with an error of the backend */
};

/** Create a lane without its descriptor of /dev/fuse. @return 0, -errno. @see lane_destroy */
int lane_create(struct lane *lane, const struct lane_config *config);
/** Destroy. Its thread is not running. */
void lane_destroy(struct lane *lane);
/** Start the thread. @param fuse_fd non-blocking, stays the caller's @return 0, -errno */
int lane_start(struct lane *lane, int fuse_fd);
/** Wait until the thread ends, which it does when the kernel has closed the connection. */
void lane_join(struct lane *lane);

/** @return the lane whose thread this is. It processes a message. */
struct lane *lane_of_thread(void);
/** Answer with the calling lane's descriptor (struct fuse_custom_io.writev). */
ssize_t lane_writev(int fd, struct iovec *iov, int count, void *arg);

/* For requests; the lane's thread. */

/** @return an unused request; there is one while a message is processed (I2) */
struct request *lane_take_request(struct lane *lane);
/** Take the buffer of the message in process. */
char *lane_take_message(struct lane *lane);
/** @return room for two blocks in a buffer */
char *lane_edges(const struct lane *lane, char *buffer);
/** Append the parts of r to the pending ones. */
void lane_submit(struct lane *lane, struct request *r);
/** Give back lent memory of the request's parts. */
void lane_release_lent(struct lane *lane, struct request *r);
/** The request was answered: it, and its buffer, are unused again. */
void lane_finish(struct lane *lane, struct request *r);
/** The request now holds its range; any thread. */
void lane_request_held(struct range *range);

#endif
