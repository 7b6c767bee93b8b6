/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A channel to an NBD server: a connection, which is made again when it is lost.
 *
 *   state       event                        next
 *   WAITING     the time has come            CONNECTING
 *   CONNECTING  connected, the right export  READY
 *   CONNECTING  refused, too late, another   WAITING
 *   READY       the connection is lost       WAITING
 *
 * Each request is an op: pending (not all of its commands are issued) -> issued -> ended -> blk_io_done(). What libnbd calls
 * only counts: it has its lock then.
 *
 * libnbd sends from the memory that it is given, one piece for each command. A write of several pieces is several commands, if
 * these are blocks and not too small; else it is copied together, and is one.
 */

#include "store_nbd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <fido/clock.h>
#include <fido/log.h>

#include "copies.h"
#include "zeros.h"

#define RETRY_MS 1000
#define CONNECT_LIMIT_MS 5000
/* Commands in flight: libnbd looks for each answer's in a list. */
#define FLIGHT_MAX 128
/* A command costs the server and us more than a copy of fewer bytes than this (nbdkit's memory, writes of 256 KiB, MB/s as commands
 * and as a copy: 4 KiB 86 543, 16 KiB 280 880, 32 KiB 391 711, 64 KiB 628 739, 128 KiB 888 437). */
#define PIECE_MIN 65536
/* The protocol has 32 bits for the length of what has no data. */
#define RANGE_MAX (1u << 30)
/* With nothing in flight the socket is looked at now and then: for the server's end. */
#define IDLE_POLLS 64

enum state {
	WAITING,
	CONNECTING,
	READY
};

struct channel;

struct op {
	STAILQ_ENTRY(op) next;
	struct channel *channel;
	struct blk_io *io;
	void *copy;
	uint64_t issued;     /* bytes that commands have been issued for */
	uint32_t commands;   /* that are not answered, and one while it is pending */
	uint32_t unanswered; /* issued, and not answered in truth */
	bool started;        /* a flush has no bytes */
	int error;
};

STAILQ_HEAD(op_list, op);

struct channel {
	struct blk_channel base;
	struct blk_nbd *nbd;
	struct nbd_handle *h; /* NULL: WAITING */
	enum state state;
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
	struct op_list pending;
	struct op_list ended;
	struct blk_copies copies;
};

/* ---- commands ---- */

static void
op_unref(struct op *op)
{
	if (--op->commands != 0)
		return;
	if (op->unanswered != 0 && op->error == 0)
		op->error = -ENOTCONN;
	STAILQ_INSERT_TAIL(&op->channel->ended, op, next);
}

/* libnbd: the server has answered, or it never will. */
static int
command_answered(void *user_data, int *error)
{
	struct op *op = user_data;

	op->unanswered--;
	if (*error != 0 && op->error == 0)
		op->error = -*error;
	return 1; /* forget it */
}

/* libnbd: always after that, and also when a command was not taken, or its connection closed. */
static void
command_gone(void *user_data)
{
	struct op *op = user_data;

	op->channel->flight--;
	op_unref(op);
}

/* The piece of a write that is to be issued next: pieces that meet in memory are one. @return its length */
static size_t
write_piece(const struct op *op, char **p)
{
	const struct blk_io *io = op->io;
	uint64_t skip = op->issued;
	uint32_t i = 0;
	size_t len;

	if (op->copy != NULL) {
		*p = op->copy;
		return io->length;
	}
	for (; skip >= io->iov[i].iov_len; i++)
		skip -= io->iov[i].iov_len;
	*p = (char *)io->iov[i].iov_base + skip;
	len = io->iov[i].iov_len - skip;
	while (++i < io->iovcnt && *p + len == io->iov[i].iov_base)
		len += io->iov[i].iov_len;
	return len;
}

static uint64_t
at_most(uint64_t n, uint64_t max)
{
	return n < max ? n : max;
}

static bool
is_lost(const struct channel *ch)
{
	return nbd_aio_is_dead(ch->h) != 0 || nbd_aio_is_closed(ch->h) != 0;
}

/* Right after a call to libnbd that may have found it out: the reason is the thread's last error. @return is_lost() */
static bool
note_loss(struct channel *ch)
{
	if (!ch->lost && is_lost(ch)) {
		bool dead = nbd_aio_is_dead(ch->h) != 0;

		ch->lost = true;
		snprintf(ch->why, sizeof(ch->why), "%s",
			dead && nbd_get_error() != NULL ? nbd_get_error() : "closed by the server");
		if (dead && nbd_get_errno() == EFAULT)
			ch->copies_all = true;
	}
	return ch->lost;
}

/* Issue the next command of an op. @return the bytes that it is for, or what libnbd returned: -1 */
static int64_t
command_issue(struct channel *ch, struct op *op)
{
	const struct blk_io *io = op->io;
	nbd_completion_callback cb = {.callback = command_answered,
		.user_data = op,
		.free = command_gone};
	uint64_t offset = io->offset + op->issued, left = io->length - op->issued;
	uint32_t fua =
		io->fua && ch->nbd->export.features & FIDO_BLK_CAN_FUA ? LIBNBD_CMD_FLAG_FUA : 0;
	int64_t ret = -1;
	char *p = NULL;

	switch (io->op) {
	case FIDO_BLK_READ:
		ret = nbd_aio_pread(ch->h, io->iov[0].iov_base, left, offset, cb, 0);
		break;
	case FIDO_BLK_WRITE:
		left = write_piece(op, &p);
		ret = nbd_aio_pwrite(ch->h, p, left, offset, cb, fua);
		break;
	case FIDO_BLK_FLUSH:
		left = 0;
		ret = nbd_aio_flush(ch->h, cb, 0);
		break;
	case FIDO_BLK_DISCARD:
		left = at_most(left, RANGE_MAX);
		ret = nbd_aio_trim(ch->h, left, offset, cb, fua);
		break;
	case FIDO_BLK_WRITE_ZEROES:
		left = at_most(left,
			ch->nbd->export.can_zero
				? RANGE_MAX
				: at_most(BLK_ZEROS_SIZE, ch->nbd->export.max_transfer));
		ret = ch->nbd->export.can_zero
			? nbd_aio_zero(ch->h, left, offset, cb, fua)
			: nbd_aio_pwrite(ch->h, blk_zeros, left, offset, cb, fua);
		break;
	}
	return ret < 0 ? -1 : (int64_t)left;
}

/* @return true when all its commands are issued, or one has failed */
static bool
op_issue(struct channel *ch, struct op *op)
{
	while (op->error == 0 && (!op->started || op->issued < op->io->length)) {
		int64_t n;

		if (ch->flight == FLIGHT_MAX)
			return false;
		op->started = true;
		op->commands++;
		op->unanswered++;
		ch->flight++;
		n = command_issue(ch, op);
		if (n < 0 && op->error == 0)
			op->error = blk_nbd_errno();
		/* What was taken fails in its own time. */
		if (note_loss(ch) || n < 0) {
			op->error = op->error != 0 ? op->error : -ENOTCONN;
			return true;
		}
		if (op->io->op == FIDO_BLK_FLUSH)
			return true;
		op->issued += (uint64_t)n;
	}
	return true;
}

/* Whether its pieces can be commands of their own. */
static bool
pieces_fit(const struct channel *ch, const struct blk_io *io)
{
	uint32_t pieces = 0;

	for (uint32_t i = 0; i < io->iovcnt; i++)
		if (i == 0 ||
			(char *)io->iov[i - 1].iov_base + io->iov[i - 1].iov_len !=
				io->iov[i].iov_base)
			pieces++;
	if (ch->copies_all || pieces == 1)
		return !ch->copies_all;
	for (uint32_t i = 0; i < io->iovcnt; i++)
		if (io->iov[i].iov_len % ch->base.store->info.block_size != 0)
			return false;
	return io->length / pieces >= PIECE_MIN;
}

/* @return false: there is no memory now */
static bool
op_prepare(struct channel *ch, struct op *op)
{
	if (op->io->op != FIDO_BLK_WRITE || op->started || op->copy != NULL ||
		pieces_fit(ch, op->io))
		return true;
	op->copy = blk_copies_make(&ch->copies, ch->base.store, op->io);
	return op->copy != NULL;
}

/* Issue what waits, in its order, for as long as there is room. */
static void
issue_pending(struct channel *ch)
{
	while (ch->state == READY && !ch->lost && !STAILQ_EMPTY(&ch->pending)) {
		struct op *op = STAILQ_FIRST(&ch->pending);

		if (!op_prepare(ch, op) || !op_issue(ch, op))
			break;
		STAILQ_REMOVE_HEAD(&ch->pending, next);
		op_unref(op);
	}
}

static void
fail_pending(struct channel *ch)
{
	struct op *op;

	while ((op = STAILQ_FIRST(&ch->pending)) != NULL) {
		STAILQ_REMOVE_HEAD(&ch->pending, next);
		if (op->error == 0)
			op->error = ch->error;
		op_unref(op);
	}
}

static void
op_free(struct channel *ch, struct op *op)
{
	if (op->copy != NULL)
		blk_copies_free(&ch->copies, op->copy);
	free(op);
}

/* Tell the worker what has ended. */
static void
finish_ended(struct channel *ch)
{
	struct op *op;

	while ((op = STAILQ_FIRST(&ch->ended)) != NULL) {
		struct blk_io *io = op->io;
		int error = op->error;

		STAILQ_REMOVE_HEAD(&ch->ended, next);
		op_free(ch, op);
		ch->finished++;
		blk_io_done(io, error);
	}
}

/* ---- the connection ---- */

static void
set_deadline(struct channel *ch, uint64_t ms)
{
	struct itimerspec t = {.it_value = {0}};

	ch->deadline = fido_now_ns() + ms * 1000000;
	if (ms != 0)
		t.it_value = (struct timespec){(time_t)(ch->deadline / 1000000000),
			(long)(ch->deadline % 1000000000)};
	timerfd_settime(ch->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

/* What is in flight ends: libnbd lets go of all its commands. */
static void
go_waiting(struct channel *ch, int error)
{
	ch->state = WAITING;
	ch->error = error;
	nbd_close(ch->h);
	ch->h = NULL;
	set_deadline(ch, RETRY_MS);
	fail_pending(ch);
}

static void
connection_lost(struct channel *ch, const char *why)
{
	if (!ch->reported)
		fido_log(FIDO_LOG_WARNING,
			"volume %s: no connection to %s: %s: requests fail until the server is "
			"back; trying each second",
			ch->nbd->volume, ch->nbd->uri, why != NULL ? why : "no memory");
	ch->reported = true;
	go_waiting(ch, -ENOTCONN);
}

static void
connect_begin(struct channel *ch)
{
	ch->h = blk_nbd_handle();
	ch->state = CONNECTING;
	ch->lost = false;
	set_deadline(ch, CONNECT_LIMIT_MS);
	if (ch->h == NULL || nbd_aio_connect_uri(ch->h, ch->nbd->uri) != 0)
		connection_lost(ch, nbd_get_error());
}

static void
connected(struct channel *ch)
{
	struct blk_nbd_export export;

	blk_nbd_export_read(&export, ch->h);
	if (!blk_nbd_export_fits(ch->nbd, &export)) {
		if (ch->error != -ESTALE)
			fido_log(FIDO_LOG_ERROR,
				"volume %s: %s has %llu bytes, and had %llu, or can do less than "
				"before: requests fail until it is as it was; or restart this "
				"backend",
				ch->nbd->volume, ch->nbd->uri, (unsigned long long)export.size,
				(unsigned long long)ch->nbd->export.size);
		ch->reported = true;
		go_waiting(ch, -ESTALE);
		return;
	}
	if (ch->reported)
		fido_log(FIDO_LOG_WARNING, "volume %s: connected to %s again", ch->nbd->volume,
			ch->nbd->uri);
	ch->reported = false;
	ch->error = 0;
	ch->state = READY;
	set_deadline(ch, 0);
}

/* Only what poll(2) says is done: libnbd 1.14 stops issuing commands when it finds less to read than it was told. @return -1: failed */
static int
socket_turn(struct channel *ch)
{
	int ret = 0;

	for (unsigned int i = 0; i < 2 * FLIGHT_MAX && ret == 0; i++) {
		unsigned int direction = nbd_aio_get_direction(ch->h);
		struct pollfd p = {.fd = nbd_aio_get_fd(ch->h),
			.events = (short)((direction & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0) |
				(direction & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0))};

		if (p.fd < 0 || poll(&p, 1, 0) <= 0)
			break;
		if (direction & LIBNBD_AIO_DIRECTION_READ &&
			p.revents & (POLLIN | POLLHUP | POLLERR))
			ret = nbd_aio_notify_read(ch->h);
		else if (direction & LIBNBD_AIO_DIRECTION_WRITE &&
			p.revents & (POLLOUT | POLLHUP | POLLERR))
			ret = nbd_aio_notify_write(ch->h);
		else
			break;
	}
	return ret;
}

static void
connection_turn(struct channel *ch)
{
	if (ch->state == WAITING && fido_now_ns() >= ch->deadline)
		connect_begin(ch);
	if (ch->state == WAITING)
		return;
	if (ch->state == READY && !ch->lost && ch->flight == 0 && STAILQ_EMPTY(&ch->pending) &&
		ch->idle++ % IDLE_POLLS != 0)
		return;
	if (!ch->lost && socket_turn(ch) != 0 && !note_loss(ch))
		connection_lost(ch, nbd_get_error());
	else if (note_loss(ch))
		connection_lost(ch, ch->why);
	else if (ch->state == CONNECTING && nbd_aio_is_ready(ch->h) == 1)
		connected(ch);
	else if (ch->state == CONNECTING && fido_now_ns() >= ch->deadline)
		connection_lost(ch, "the server says nothing");
}

/* ---- the channel ---- */

static int
channel_fds(struct channel *ch)
{
	struct epoll_event e = {.events = EPOLLIN};

	ch->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	ch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ch->timer_fd < 0 || ch->epoll_fd < 0 ||
		epoll_ctl(ch->epoll_fd, EPOLL_CTL_ADD, ch->timer_fd, &e) != 0) {
		int err = errno;

		fido_log(FIDO_LOG_ERROR,
			"volume %s: cannot make a timer and an epoll descriptor: %s: raise the "
			"limit of open files (ulimit -n)",
			ch->nbd->volume, strerror(err));
		return -err;
	}
	return 0;
}

static void
channel_free(struct channel *ch)
{
	if (ch->timer_fd >= 0)
		close(ch->timer_fd);
	if (ch->epoll_fd >= 0)
		close(ch->epoll_fd);
	blk_copies_end(&ch->copies);
	free(ch);
}

int
blk_nbd_channel_open(struct blk_store *store, const struct blk_channel_config *config,
	struct blk_channel **out)
{
	struct channel *ch = calloc(1, sizeof(*ch));
	int ret;

	if (ch == NULL)
		return -ENOMEM;
	ch->base.store = store;
	ch->nbd = (struct blk_nbd *)store;
	ch->copies.buffers = config->buffers;
	STAILQ_INIT(&ch->pending);
	STAILQ_INIT(&ch->ended);
	ret = channel_fds(ch);
	if (ret != 0) {
		channel_free(ch);
		return ret;
	}
	ch->h = __atomic_exchange_n(&ch->nbd->first, NULL, __ATOMIC_ACQ_REL);
	if (ch->h != NULL)
		ch->state = READY;
	else
		connect_begin(ch);
	*out = &ch->base;
	return 0;
}

void
blk_nbd_channel_close(struct blk_channel *channel)
{
	struct channel *ch = (struct channel *)channel;
	struct op *op;

	if (ch->state == READY)
		nbd_aio_disconnect(ch->h, 0);
	nbd_close(ch->h);
	/* None is left, but where a worker that stops has waited for a server for long enough. */
	fail_pending(ch);
	while ((op = STAILQ_FIRST(&ch->ended)) != NULL) {
		STAILQ_REMOVE_HEAD(&ch->ended, next);
		op_free(ch, op);
	}
	channel_free(ch);
}

void
blk_nbd_channel_submit(struct blk_channel *channel, struct blk_io *io)
{
	struct channel *ch = (struct channel *)channel;
	struct op *op;

	if (io->length == 0 && io->op != FIDO_BLK_FLUSH) {
		ch->finished++;
		blk_io_done(io, 0);
		return;
	}
	op = calloc(1, sizeof(*op));
	if (op == NULL) {
		ch->finished++;
		blk_io_done(io, -ENOMEM);
		return;
	}
	*op = (struct op){.channel = ch, .io = io, .commands = 1};
	STAILQ_INSERT_TAIL(&ch->pending, op, next);
}

unsigned int
blk_nbd_channel_poll(struct blk_channel *channel)
{
	struct channel *ch = (struct channel *)channel;
	unsigned int finished;

	issue_pending(ch);
	connection_turn(ch);
	if (ch->state == WAITING)
		fail_pending(ch);
	/* First what has ended: its memory may be what others wait for. */
	finish_ended(ch);
	issue_pending(ch);
	finished = ch->finished;
	ch->finished = 0;
	return finished;
}

/* The connection's socket changes, and what it waits for. A closed one has left by itself. */
static void
watch_socket(struct channel *ch)
{
	unsigned int direction = nbd_aio_get_direction(ch->h);
	struct epoll_event e = {.events = (direction & LIBNBD_AIO_DIRECTION_READ ? EPOLLIN : 0) |
			(direction & LIBNBD_AIO_DIRECTION_WRITE ? EPOLLOUT : 0)};
	int fd = nbd_aio_get_fd(ch->h);

	if (fd >= 0 && epoll_ctl(ch->epoll_fd, EPOLL_CTL_MOD, fd, &e) != 0 && errno == ENOENT)
		epoll_ctl(ch->epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

bool
blk_nbd_channel_arm(struct blk_channel *channel, int *fd, short *events)
{
	struct channel *ch = (struct channel *)channel;

	if (ch->state == WAITING)
		fail_pending(ch);
	issue_pending(ch);
	*fd = ch->epoll_fd;
	*events = POLLIN;
	ch->idle = 0; /* the next poll() looks, whatever wakes the worker */
	if (ch->h != NULL)
		watch_socket(ch);
	return !STAILQ_EMPTY(&ch->ended) || ch->finished != 0 || (ch->h != NULL && note_loss(ch));
}
