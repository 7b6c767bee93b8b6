/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Process the backend's answers: memory that was read, and completions.
 *
 * Reap tickets, then poll memory, then process the tickets: the backend publishes a read's memory
 * before its completion. So a read that completed without an error and without memory got an
 * invalid answer.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "front.h"

#define TICKETS_MAX 128u
/* Marks an invalid answer to a read: more than any length, and too small for a sum to wrap. */
#define TOO_MUCH (UINT64_MAX / 2)
/* The largest errno, as in the kernel. */
#define ERRNO_MAX 4095

/* ---- results ---- */

static void
count_result(struct fido_blk_queue *q, const struct request *r)
{
	q->stats.requests[r->op]++;
	if (r->error != 0)
		q->stats.errors++;
	else if (r->op == FIDO_BLK_READ)
		q->stats.read_bytes += r->length;
	else if (r->op == FIDO_BLK_WRITE)
		q->stats.write_bytes += r->length;
}

static void
make_ready(struct fido_blk_queue *q, struct request *r)
{
	r->state = REQUEST_READY;
	count_result(q, r);
	STAILQ_INSERT_TAIL(&q->ready, r, next);
}

void
blk_front_drop_pieces(struct fido_blk_queue *q, struct request *r)
{
	for (unsigned int i = 0; i < r->rx_count; i++)
		blk_front_done_with(q, &r->rx[i]);
	r->rx_count = 0;
	r->arrived = 0;
}

void
blk_front_finish(struct fido_blk_queue *q, struct request *r, int error)
{
	r->error = error;
	if (error != 0)
		blk_front_drop_pieces(q, r);
	/* Return the memory of a write to the caller only when no backend reads it any more. */
	if (r->op == FIDO_BLK_WRITE && r->tickets_out != 0)
		r->state = REQUEST_ANSWERED;
	else
		make_ready(q, r);
}

void
blk_front_done_with(struct fido_blk_queue *q, const struct fido_rx *rx)
{
	if (q->done_count == FRONT_POLL_MAX)
		blk_front_give_back(q);
	q->done[q->done_count++] = *rx;
}

void
blk_front_give_back(struct fido_blk_queue *q)
{
	if (q->done_count == 0)
		return;
	fido_rxq_complete(q->rxq, q->done, q->done_count, FIDO_STATUS_OK);
	q->done_count = 0;
}

/* ---- tickets ---- */

int
blk_front_status_error(uint16_t status)
{
	if (status == FIDO_STATUS_BAD_ADDRESS)
		return -EFAULT;
	return status > FIDO_STATUS_USER && status <= FIDO_STATUS_USER + ERRNO_MAX
		? -(int)(status - FIDO_STATUS_USER)
		: -EPROTO;
}

static bool
not_done(uint16_t status)
{
	return status == FIDO_STATUS_CLOSED || status == FIDO_STATUS_RECALLED ||
		status == FIDO_STATUS_DROPPED || status == BLK_STATUS_NOT_OPEN;
}

void
blk_front_wait_again(struct fido_blk_queue *q, struct request *r)
{
	/* Part of a read's memory may have arrived: it all comes again. */
	blk_front_drop_pieces(q, r);
	r->again = false;
	r->error = 0;
	r->state = REQUEST_WAITING;
	q->stats.resent++;
	if (r->bounce != NULL)
		STAILQ_INSERT_HEAD(&q->waiting, r, next);
	else
		STAILQ_INSERT_TAIL(&q->waiting, r, next);
}

/* All tickets of a SENT request are back. */
static void
answered(struct fido_blk_queue *q, struct request *r)
{
	if (r->again) {
		blk_front_wait_again(q, r);
	} else if (r->op != FIDO_BLK_READ || r->error != 0) {
		blk_front_finish(q, r, r->error);
	} else {
		/* The memory of a read arrives before its ticket: this one has none. */
		blk_front_finish(q, r, -EPROTO);
	}
}

static void
ticket_back(struct fido_blk_queue *q, uint64_t cookie, uint16_t status)
{
	uint32_t place = cookie & 0xffff;
	bool this_session = (uint8_t)(cookie >> 16) == q->session_tag;
	struct request *r;

	if (place == COOKIE_OPEN) {
		if (this_session)
			blk_front_session_status(q, status);
		return;
	}
	r = &q->requests[place - 1];
	if (r->seq != (uint32_t)(cookie >> 24))
		return; /* A read that finished when its memory arrived. */
	r->tickets_out--;
	if (this_session && r->state == REQUEST_SENT) {
		r->again |= not_done(status);
		/* The backend closed the volume: open it again, then send again. */
		if (status == BLK_STATUS_NOT_OPEN && q->state == SESSION_OPEN)
			q->session = 0;
		if (status != FIDO_STATUS_OK && !not_done(status) && r->error == 0)
			r->error = blk_front_status_error(status);
	}
	if (r->tickets_out != 0)
		return;
	if (r->state == REQUEST_SENT)
		answered(q, r);
	else if (r->state == REQUEST_ANSWERED)
		make_ready(q, r);
}

/* ---- memory ---- */

static bool
remember(struct request *r, const struct fido_rx *rx)
{
	if (r->rx_count == REQUEST_IOV && r->rx == r->rx_few) {
		struct fido_rx *more = malloc(FIDO_BLK_LENT_MAX * sizeof(*more));

		if (more == NULL)
			return false;
		memcpy(more, r->rx_few, sizeof(r->rx_few));
		r->rx = more;
	}
	if (r->rx_count == FIDO_BLK_LENT_MAX)
		return false;
	r->rx[r->rx_count++] = *rx;
	return true;
}

/* Copy the received memory to the caller's iov. */
static void
copy_out(struct fido_blk_queue *q, struct request *r)
{
	unsigned int to = 0;
	size_t to_done = 0;

	for (unsigned int i = 0; i < r->rx_count; i++) {
		const char *from = r->rx[i].desc.data;
		size_t left = r->rx[i].desc.len;

		while (left != 0) {
			size_t room = r->iov[to].iov_len - to_done;
			size_t n = room < left ? room : left;

			if (n != 0)
				memcpy((char *)r->iov[to].iov_base + to_done, from, n);
			from += n;
			left -= n;
			to_done += n;
			if (to_done == r->iov[to].iov_len) {
				to++;
				to_done = 0;
			}
		}
		blk_front_done_with(q, &r->rx[i]);
	}
	r->rx_count = 0;
	q->stats.copied_reads++;
}

static bool
lend(struct fido_blk_queue *q, struct request *r)
{
	if (r->rx_count > REQUEST_IOV) {
		r->iov = malloc(r->rx_count * sizeof(*r->iov));
		if (r->iov == NULL) {
			r->iov = r->iov_few;
			return false;
		}
	}
	for (unsigned int i = 0; i < r->rx_count; i++)
		r->iov[i] =
			(struct iovec){(void *)(uintptr_t)r->rx[i].desc.data, r->rx[i].desc.len};
	r->iovcnt = r->rx_count;
	q->stats.lent++;
	return true;
}

/* A read's message is complete. */
static void
memory_complete(struct fido_blk_queue *q, struct request *r)
{
	int error = r->arrived == r->length ? 0 : -EPROTO;

	if (error == 0 && (r->flags & FIDO_BLK_LEND))
		error = lend(q, r) ? 0 : -ENOMEM;
	else if (error == 0)
		copy_out(q, r);
	blk_front_finish(q, r, error);
}

/* @return the unanswered read whose command has that ticket, or NULL */
static struct request *
find_reader(struct fido_blk_queue *q, uint32_t ticket)
{
	uint32_t place = q->by_ticket[ticket];
	struct request *r;

	if (place == 0 || place == COOKIE_OPEN)
		return NULL;
	r = &q->requests[place - 1];
	return r->state == REQUEST_SENT && r->op == FIDO_BLK_READ && r->ticket == ticket ? r : NULL;
}

static void
memory_came(struct fido_blk_queue *q, const struct fido_rx *rx)
{
	uint32_t ticket = (uint32_t)rx->desc.flags >> FIDO_DESC_USER_SHIFT;
	bool is_memory = !(rx->desc.flags & FIDO_DESC_INLINE);
	struct request *r = find_reader(q, ticket);

	if (q->by_ticket[ticket] == COOKIE_OPEN && is_memory)
		blk_front_session_info(q, rx);
	if (r == NULL) {
		blk_front_done_with(q, rx);
		return;
	}
	if (is_memory && remember(r, rx)) {
		r->arrived += rx->desc.len;
	} else {
		r->arrived = TOO_MUCH;
		blk_front_done_with(q, rx);
	}
	if (!(rx->desc.flags & FIDO_DESC_CHAINED)) {
		q->by_ticket[ticket] = 0;
		memory_complete(q, r);
	}
}

/* Poll at most twice the size of a ring: a backend that never stops posting must not block us. */
static unsigned int
take_memory(struct fido_blk_queue *q)
{
	unsigned int n, all = 0;

	do {
		n = fido_rxq_poll(q->rxq, q->polled, FRONT_POLL_MAX);
		for (unsigned int i = 0; i < n; i++)
			memory_came(q, &q->polled[i]);
		all += n;
	} while (n >= FRONT_POLL_MAX - FIDO_BLK_LENT_MAX && all < 2 * BLK_RING_MAX);
	return all;
}

bool
blk_front_take_answers(struct fido_blk_queue *q)
{
	void *cookies[TICKETS_MAX];
	uint16_t status[TICKETS_MAX];
	unsigned int tickets = fido_txq_reap_status(q->txq, cookies, status, TICKETS_MAX);
	unsigned int pieces = take_memory(q);

	for (unsigned int i = 0; i < tickets; i++)
		ticket_back(q, (uintptr_t)cookies[i], status[i]);
	blk_front_give_back(q);
	return tickets != 0 || pieces != 0;
}
