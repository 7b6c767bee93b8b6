/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_STORE_NBD_CHANNEL_H
#define FIDO_BLK_STORE_NBD_CHANNEL_H

/**
 * @file
 * A channel to an NBD server: a connection, re-established when it is lost. Channel's thread only.
 * Calls go down:
 *
 *   store_nbd_channel.c     implements struct blk_store_ops
 *   store_nbd_connection.c  connects and reconnects
 *   store_nbd_command.c     issues requests as commands of libnbd
 *
 *   state       event                                next
 *   WAITING     deadline reached                     CONNECTING
 *   CONNECTING  connected to the right export        READY
 *   CONNECTING  refused, timed out, another export   WAITING
 *   READY       connection lost                      WAITING
 *
 * Each request is an op: pending (some commands not issued) -> issued -> ended -> blk_io_done().
 * Callbacks of libnbd only update counters: libnbd holds its lock then.
 */

#include <sys/queue.h>

#include "copies.h"
#include "store_nbd.h"

/** Commands in flight; limited, as libnbd searches a list for each reply. */
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
	uint64_t issued;     /* bytes for which commands have been issued */
	uint32_t commands;   /* references: commands not freed by libnbd, and 1 while pending */
	uint32_t unanswered; /* issued commands without a reply of the server */
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
	int error;         /* WAITING: of all requests */
	bool lost;         /* READY, CONNECTING: the connection is lost; why */
	char why[160];
	bool reported;   /* the loss is logged */
	bool copies_all; /* a front-end's memory vanished during a send: copy all from now on */
	int epoll_fd;    /* for timer and socket */
	int timer_fd;
	uint32_t flight; /* commands */
	uint32_t idle;
	unsigned int finished;
	struct blk_nbd_ops pending;
	struct blk_nbd_ops ended;
	struct blk_copies copies;
};

/* ---- store_nbd_command.c ---- */

/** Issue pending requests in order while there is room. */
void blk_nbd_issue_pending(struct blk_nbd_channel *ch);
/** Fail pending requests with ch->error. */
void blk_nbd_fail_pending(struct blk_nbd_channel *ch);
/** Call blk_io_done() for ended requests. */
void blk_nbd_finish_ended(struct blk_nbd_channel *ch);
/** Free ended requests without blk_io_done(). */
void blk_nbd_drop_ended(struct blk_nbd_channel *ch);
/**
 * Check for a lost connection. Call it right after a call to libnbd that may have detected that:
 * the reason is the thread's last error.
 * @return true when the connection is lost
 */
bool blk_nbd_note_loss(struct blk_nbd_channel *ch);

/* ---- store_nbd_connection.c ---- */

/** Start to connect. */
void blk_nbd_connect(struct blk_nbd_channel *ch);
/** Send, receive, reconnect. */
void blk_nbd_connection_turn(struct blk_nbd_channel *ch);

#endif
