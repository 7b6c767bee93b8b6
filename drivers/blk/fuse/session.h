/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FUSE_SESSION_H
#define FIDO_FUSE_SESSION_H

/**
 * @file
 * A session: a FUSE mount of an image, and the lanes that serve it. The first lane uses the
 * descriptor of the mount, each other one a clone of it (FUSE_DEV_IOC_CLONE): an answer goes to the
 * descriptor from which its message was read.
 *
 * Control thread; the lanes' threads run between session_start() and session_join().
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/domain.h>

#include "image.h"
#include "lane.h"

struct session_config {
	struct fido_domain *domain;
	struct image *image;
	const char *group;      /**< for the name that mount(8) shows */
	const char *mountpoint; /**< absolute */
	uint16_t queues;
	uint32_t depth;   /**< of each queue */
	uint32_t buffers; /**< of each lane */
	unsigned int spin_us;
};

struct session {
	struct session_config config;
	struct fuse_session *fuse;
	int end_fd; /**< readable when the kernel has closed the connection */
	unsigned int lane_count;
	unsigned int started;
	struct lane *lanes;
	int *fuse_fds; /**< by lane */
};

/** Create the lanes. @return 0, -errno after a message. @see session_destroy */
int session_create(struct session *session, const struct session_config *config);
/** Free. The session is not mounted, or its threads are joined. Unmounts what is still mounted. */
void session_destroy(struct session *session);
/** Mount and start the threads. @return 0, -errno after a message */
int session_start(struct session *session);
/** Wait for the threads, which end when the file system is unmounted. */
void session_join(struct session *session);

#endif
