/* SPDX-License-Identifier: BSD-3-Clause */
/* Connect a channel to its NBD server, and reconnect. */

#include "store_nbd_channel.h"

#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>

#include <fido/clock.h>
#include <fido/log.h>

#define RETRY_MS 1000
#define CONNECT_LIMIT_MS 5000
/* With nothing in flight, poll the socket only every so many turns: the server may close it. */
#define IDLE_POLLS 64

static void
set_deadline(struct blk_nbd_channel *ch, uint64_t ms)
{
	struct itimerspec t = {.it_value = {0}};

	ch->deadline = fido_now_ns() + ms * 1000000;
	if (ms != 0)
		t.it_value = (struct timespec){(time_t)(ch->deadline / 1000000000),
			(long)(ch->deadline % 1000000000)};
	timerfd_settime(ch->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

/* nbd_close() ends all commands in flight. */
static void
go_waiting(struct blk_nbd_channel *ch, int error)
{
	ch->state = BLK_NBD_WAITING;
	ch->error = error;
	nbd_close(ch->h);
	ch->h = NULL;
	set_deadline(ch, RETRY_MS);
	blk_nbd_fail_pending(ch);
}

static void
connection_lost(struct blk_nbd_channel *ch, const char *why)
{
	if (!ch->reported)
		fido_log(FIDO_LOG_WARNING,
			"volume %s: no connection to %s: %s: requests fail until the server is "
			"back; retrying every second",
			ch->nbd->volume, ch->nbd->uri, why != NULL ? why : "no memory");
	ch->reported = true;
	go_waiting(ch, -ENOTCONN);
}

void
blk_nbd_connect(struct blk_nbd_channel *ch)
{
	ch->h = blk_nbd_handle();
	ch->state = BLK_NBD_CONNECTING;
	ch->lost = false;
	set_deadline(ch, CONNECT_LIMIT_MS);
	if (ch->h == NULL || nbd_aio_connect_uri(ch->h, ch->nbd->uri) != 0)
		connection_lost(ch, nbd_get_error());
}

static void
connected(struct blk_nbd_channel *ch)
{
	struct blk_nbd_export export;

	blk_nbd_export_read(&export, ch->h);
	if (!blk_nbd_export_fits(ch->nbd, &export)) {
		if (ch->error != -ESTALE)
			fido_log(FIDO_LOG_ERROR,
				"volume %s: %s has %llu bytes (before: %llu), or fewer features: "
				"requests fail: restore the export, or restart this backend",
				ch->nbd->volume, ch->nbd->uri, (unsigned long long)export.size,
				(unsigned long long)ch->nbd->export.size);
		ch->reported = true;
		go_waiting(ch, -ESTALE);
		return;
	}
	if (ch->reported)
		fido_log(FIDO_LOG_WARNING, "volume %s: reconnected to %s", ch->nbd->volume,
			ch->nbd->uri);
	ch->reported = false;
	ch->error = 0;
	ch->state = BLK_NBD_READY;
	set_deadline(ch, 0);
}

/*
 * Do only what poll(2) reports: libnbd 1.14 stops issuing commands when it finds less to read than
 * it was told.
 * @return -1: error in libnbd
 */
static int
socket_turn(struct blk_nbd_channel *ch)
{
	int ret = 0;

	for (unsigned int i = 0; i < 2 * BLK_NBD_FLIGHT_MAX && ret == 0; i++) {
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

void
blk_nbd_connection_turn(struct blk_nbd_channel *ch)
{
	if (ch->state == BLK_NBD_WAITING && fido_now_ns() >= ch->deadline)
		blk_nbd_connect(ch);
	if (ch->state == BLK_NBD_WAITING)
		return;
	if (ch->state == BLK_NBD_READY && !ch->lost && ch->flight == 0 &&
		STAILQ_EMPTY(&ch->pending) && ch->idle++ % IDLE_POLLS != 0)
		return;
	if (!ch->lost && socket_turn(ch) != 0 && !blk_nbd_note_loss(ch))
		connection_lost(ch, nbd_get_error());
	else if (blk_nbd_note_loss(ch))
		connection_lost(ch, ch->why);
	else if (ch->state == BLK_NBD_CONNECTING && nbd_aio_is_ready(ch->h) == 1)
		connected(ch);
	else if (ch->state == BLK_NBD_CONNECTING && fido_now_ns() >= ch->deadline)
		connection_lost(ch, "the server does not respond");
}
