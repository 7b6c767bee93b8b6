/* SPDX-License-Identifier: BSD-3-Clause */
/* A channel to an NBD server: the interface of the worker. */

#include "store_nbd_channel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <fido/log.h>

static int
channel_fds(struct blk_nbd_channel *ch)
{
	struct epoll_event e = {.events = EPOLLIN};

	ch->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	ch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ch->timer_fd < 0 || ch->epoll_fd < 0 ||
		epoll_ctl(ch->epoll_fd, EPOLL_CTL_ADD, ch->timer_fd, &e) != 0) {
		int err = errno;

		fido_log(FIDO_LOG_ERROR,
			"volume %s: cannot create a timer and an epoll descriptor: %s: raise the "
			"limit of open files (ulimit -n)",
			ch->nbd->volume, strerror(err));
		return -err;
	}
	return 0;
}

static void
channel_free(struct blk_nbd_channel *ch)
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
	struct blk_nbd_channel *ch = calloc(1, sizeof(*ch));
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
		ch->state = BLK_NBD_READY;
	else
		blk_nbd_connect(ch);
	*out = &ch->base;
	return 0;
}

void
blk_nbd_channel_close(struct blk_channel *channel)
{
	struct blk_nbd_channel *ch = (struct blk_nbd_channel *)channel;

	if (ch->state == BLK_NBD_READY)
		nbd_aio_disconnect(ch->h, 0);
	nbd_close(ch->h);
	/* No requests are left, unless a stopping worker gave up waiting for the server. */
	blk_nbd_fail_pending(ch);
	blk_nbd_drop_ended(ch);
	channel_free(ch);
}

void
blk_nbd_channel_submit(struct blk_channel *channel, struct blk_io *io)
{
	struct blk_nbd_channel *ch = (struct blk_nbd_channel *)channel;
	struct blk_nbd_op *op;

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
	*op = (struct blk_nbd_op){.channel = ch, .io = io, .commands = 1};
	STAILQ_INSERT_TAIL(&ch->pending, op, next);
}

unsigned int
blk_nbd_channel_poll(struct blk_channel *channel)
{
	struct blk_nbd_channel *ch = (struct blk_nbd_channel *)channel;
	unsigned int finished;

	blk_nbd_issue_pending(ch);
	blk_nbd_connection_turn(ch);
	if (ch->state == BLK_NBD_WAITING)
		blk_nbd_fail_pending(ch);
	/* Finish first: pending requests may need the memory. */
	blk_nbd_finish_ended(ch);
	blk_nbd_issue_pending(ch);
	finished = ch->finished;
	ch->finished = 0;
	return finished;
}

/* Update epoll: the socket and its events change. A closed socket is removed automatically. */
static void
watch_socket(struct blk_nbd_channel *ch)
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
	struct blk_nbd_channel *ch = (struct blk_nbd_channel *)channel;

	if (ch->state == BLK_NBD_WAITING)
		blk_nbd_fail_pending(ch);
	blk_nbd_issue_pending(ch);
	*fd = ch->epoll_fd;
	*events = POLLIN;
	ch->idle = 0; /* let the next poll() check the socket, whatever woke the worker */
	if (ch->h != NULL)
		watch_socket(ch);
	return !STAILQ_EMPTY(&ch->ended) || ch->finished != 0 ||
		(ch->h != NULL && blk_nbd_note_loss(ch));
}
