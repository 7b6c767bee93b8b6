/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything that a front-end writes is read once and checked here: the command in read_command()
 * and back_command_check(), the addresses of its memory by fido_map_ptr() (in
 * fido_receiver_next()). An invalid command only gets an error as its answer.
 */

#include "command.h"

#include <errno.h>
#include <string.h>

#include "queue.h"

/* ---- reading a message ---- */

/* Decode a command's descriptor. back_command_check() validates the values. */
static void
read_command(struct back_request *r, const struct fido_desc *d)
{
	unsigned int said = (unsigned int)d->flags >> FIDO_DESC_USER_SHIFT;

	back_request_reset(r);
	r->tickets[r->ticket_count++] = d->ticket;
	r->op = said & BLK_OP_MASK;
	r->io.op = (enum fido_blk_op)r->op;
	r->io.fua = said & BLK_FLAG_FUA;
	if (said & ~(BLK_OP_MASK | BLK_FLAG_FUA))
		r->status = BLK_STATUS_ERRNO(EINVAL);
	if (r->op == BLK_OP_OPEN) {
		if (d->data == NULL || (d->flags & FIDO_DESC_INLINE) || d->len < sizeof(r->open) ||
			d->gaddr % 8 != 0)
			r->status = BLK_STATUS_ERRNO(EINVAL);
		else
			memcpy(&r->open, d->data, sizeof(r->open));
		return;
	}
	if (!(d->flags & FIDO_DESC_INLINE))
		r->status = BLK_STATUS_ERRNO(EINVAL);
	r->io.offset = d->gaddr * BLK_SECTOR;
	r->io.length = blk_op_in_sectors(r->op) ? (uint64_t)d->len * BLK_SECTOR : d->len;
}

/* Add a piece of memory to write from. @return false: too many pieces, or out of memory */
static bool
read_piece(struct back_queue *q, struct back_request *r, const struct fido_desc *d)
{
	if (r->ticket_count > BACK_FEW && !back_request_grow(q, r))
		return false;
	if (r->ticket_count > FIDO_BLK_SEGMENTS_MAX)
		return false;
	r->tickets[r->ticket_count++] = d->ticket;
	if (d->data == NULL || (d->flags & FIDO_DESC_INLINE))
		r->status = FIDO_STATUS_BAD_ADDRESS;
	else if (d->len != 0)
		r->io.iov[r->io.iovcnt++] = (struct iovec){(void *)(uintptr_t)d->data, d->len};
	return true;
}

/*
 * Read a message, whose first descriptor is d. The rxq's lock is held.
 * @return number of descriptors read
 */
static uint32_t
read_message(struct back_queue *q, struct fido_receiver *rx, struct back_request *r,
	struct fido_desc d)
{
	uint32_t n = 1;

	r->receiver = rx;
	read_command(r, &d);
	while (d.flags & FIDO_DESC_CHAINED) {
		/* A sender publishes whole messages, and none is longer than the ring. */
		if (n > rx->mask || fido_receiver_next(rx, &d) != 1) {
			rx->broken = true;
			r->status = BLK_STATUS_ERRNO(EPROTO);
			break;
		}
		n++;
		if (!read_piece(q, r, &d)) {
			r->status = BLK_STATUS_ERRNO(E2BIG);
			fido_receiver_complete(rx, d.ticket, r->status);
		}
	}
	fido_counter_add(&q->rxq->stats->polled, n);
	fido_counter_add(&q->rxq->stats->completed, n - r->ticket_count);
	fido_counter_add(&q->rxq->stats->packets, 1);
	fido_counter_add(&q->rxq->stats->zero_copy, 1);
	return n;
}

unsigned int
back_command_poll(struct back_queue *q, struct fido_receiver *rx, struct back_request **burst,
	unsigned int max)
{
	unsigned int n = 0;
	struct fido_desc d;

	while (n < max && !STAILQ_EMPTY(&q->free) && fido_receiver_next(rx, &d) == 1) {
		struct back_request *r = STAILQ_FIRST(&q->free);

		STAILQ_REMOVE_HEAD(&q->free, next);
		read_message(q, rx, r, d);
		burst[n++] = r;
	}
	if (n != 0)
		fido_receiver_stamp(rx);
	return n;
}

/* ---- checking a command ---- */

static uint64_t
bytes_of(const struct blk_io *io)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < io->iovcnt; i++)
		sum += io->iov[i].iov_len;
	return sum;
}

/* @return the FIDO_BLK_CAN_* that an operation needs; UINT32_MAX: unknown operation */
static uint32_t
needs(const struct back_request *r)
{
	switch (r->op) {
	case FIDO_BLK_READ:
	case FIDO_BLK_FLUSH:
		return 0;
	case FIDO_BLK_WRITE:
		return FIDO_BLK_CAN_WRITE | (r->io.fua ? FIDO_BLK_CAN_FUA : 0);
	case FIDO_BLK_DISCARD:
		return FIDO_BLK_CAN_WRITE | FIDO_BLK_CAN_DISCARD;
	case FIDO_BLK_WRITE_ZEROES:
		return FIDO_BLK_CAN_WRITE | FIDO_BLK_CAN_WRITE_ZEROES;
	default:
		return UINT32_MAX;
	}
}

static int
check_extent(const struct fido_blk_info *info, const struct back_request *r)
{
	const struct blk_io *io = &r->io;
	bool transfer = r->op == FIDO_BLK_READ || r->op == FIDO_BLK_WRITE;

	if (r->op == FIDO_BLK_FLUSH)
		return 0;
	if (io->length == 0 || (io->offset | io->length) & (info->block_size - 1) ||
		(transfer && io->length > info->max_transfer))
		return -EINVAL;
	return io->offset >= info->size || io->length > info->size - io->offset ? -ERANGE : 0;
}

int
back_command_check(const struct fido_blk_info *info, const struct back_request *r)
{
	uint32_t need = needs(r);
	int ret;

	if (need == UINT32_MAX)
		return -EINVAL;
	if ((need & FIDO_BLK_CAN_WRITE) && !(info->features & FIDO_BLK_CAN_WRITE))
		return -EROFS;
	if ((info->features & need) != need)
		return -EOPNOTSUPP;
	ret = check_extent(info, r);
	if (ret != 0)
		return ret;
	if (bytes_of(&r->io) != (r->op == FIDO_BLK_WRITE ? r->io.length : 0))
		return -EINVAL;
	return r->io.iovcnt > info->max_segments ? -E2BIG : 0;
}
