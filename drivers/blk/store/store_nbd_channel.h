/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_STORE_NBD_CHANNEL_H
#define FIDO_BLK_STORE_NBD_CHANNEL_H

/**
 * @file
 * A channel to an NBD server: a connection, which is made again when it is lost. The channel's thread. Calls go down:
 *
 *   store_nbd_channel.c     struct blk_store_ops
 *   store_nbd_connection.c  makes the connection, and makes it again
 *   store_nbd_command.c     sends requests by it
 *
 *   state       event                        next
 *   WAITING     the time has come            CONNECTING
 *   CONNECTING  connected, the right export  READY
 *   CONNECTING  refused, too late, another   WAITING
 *   READY       the connection is lost       WAITING
 *
 * Each request is an op: pending (not all of its commands are issued) -> issued -> ended -> blk_io_done(). What libnbd calls
 * only counts: it has its lock then.
 */

#include <sys/queue.h>

#include "copies.h"
#include "store_nbd.h"

/** Commands in flight: libnbd looks for each answer's in a list. */
#define BLK_NBD_FLIGHT_MAX 128

enum blk_nbd_state {
	BLK_NBD_WAITING,
	BLK_NBD_CONNECTING,
	BLK_NBD_READY
};

struct blk_nbd_channel;

struct blk_nbd_op {
	STAILQ_ENTRY(blk_nbd_op) next;
	struct blk_nbd_channel *channel;
	struct blk_io *io;
	void *copy;
	uint64_t issued;     /* bytes that commands have been issued for */
	uint32_t commands;   /* that are not answered, and one while it is pending */
	uint32_t unanswered; /* issued, and not answered in truth */
	bool started;        /* a flush has no bytes */
	int error;
};

STAILQ_HEAD(blk_nbd_ops, blk_nbd_op);

struct blk_nbd_channel {
	struct blk_channel base;
	struct blk_nbd *nbd;
	struct nbd_handle *h; /* NULL: WAITING */
	enum blk_nbd_state state;
	uint64_t deadline; /* ns; WAITING: next try; CONNECTING: end of this one */
	int error;         /* of requests while WAITING */
	bool lost;         /* READY, CONNECTING: no more; why */
	char why[160];
	bool reported;   /* that it is lost */
	bool copies_all; /* some memory was gone when it was to be sent: no more of that */
	int epoll_fd;    /* the timer and the socket */
	int timer_fd;
	uint32_t flight; /* commands */
	uint32_t idle;
	unsigned int finished;
	struct blk_nbd_ops pending;
	struct blk_nbd_ops ended;
	struct blk_copies copies;
};

/* ---- store_nbd_command.c ---- */

/** Issue what waits, in its order, for as long as there is room. */
void blk_nbd_issue_pending(struct blk_nbd_channel *ch);
/** All that waits ends with ch->error. */
void blk_nbd_fail_pending(struct blk_nbd_channel *ch);
/** Tell the worker what has ended. */
void blk_nbd_finish_ended(struct blk_nbd_channel *ch);
/** Forget what has ended. */
void blk_nbd_drop_ended(struct blk_nbd_channel *ch);
/**
 * Right after a call to libnbd that may have found it out: the reason is the thread's last error.
 * @return whether the connection is lost
 */
bool blk_nbd_note_loss(struct blk_nbd_channel *ch);

/* ---- store_nbd_connection.c ---- */

/** Begin to connect. */
void blk_nbd_connect(struct blk_nbd_channel *ch);
/** Do what the connection has to do, and follow its state. */
void blk_nbd_connection_turn(struct blk_nbd_channel *ch);

#endif
