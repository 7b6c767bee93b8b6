/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests as commands of libnbd.
 *
 * libnbd sends directly from memory, one piece per command. A write of several pieces becomes
 * several commands if all pieces are whole blocks and not too small; else one command with a copy.
 */

#include "store_nbd_channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "zeros.h"

/*
 * Copying fewer bytes than this costs less than a command of their own. Writes of 256 KiB to
 * nbdkit's memory plugin, MB/s:
 *
 *   piece     as commands   as a copy
 *   4 KiB              86         543
 *   16 KiB            280         880
 *   32 KiB            391         711
 *   64 KiB            628         739
 *   128 KiB           888         437
 */
#define PIECE_MIN 65536
/* The protocol has 32-bit lengths for commands without data. */
#define RANGE_MAX (1u << 30)

static void
op_unref(struct blk_nbd_op *op)
{
	if (--op->commands != 0)
		return;
	if (op->unanswered != 0 && op->error == 0)
		op->error = -ENOTCONN;
	STAILQ_INSERT_TAIL(&op->channel->ended, op, next);
}

/* Called by libnbd: the server has replied, or never will. */
static int
command_answered(void *user_data, int *error)
{
	struct blk_nbd_op *op = user_data;

	op->unanswered--;
	if (*error != 0 && op->error == 0)
		op->error = -*error;
	return 1; /* forget it */
}

/* Called by libnbd after that; also when a command was not accepted or the connection closed. */
static void
command_gone(void *user_data)
{
	struct blk_nbd_op *op = user_data;

	op->channel->flight--;
	op_unref(op);
}

/* Find the next piece of a write to issue; merge adjacent pieces. @return its length */
static size_t
write_piece(const struct blk_nbd_op *op, char **p)
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
is_lost(const struct blk_nbd_channel *ch)
{
	return nbd_aio_is_dead(ch->h) != 0 || nbd_aio_is_closed(ch->h) != 0;
}

bool
blk_nbd_note_loss(struct blk_nbd_channel *ch)
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

/* Issue the next command of an op. @return number of bytes that it covers; -1: error in libnbd */
static int64_t
command_issue(struct blk_nbd_channel *ch, struct blk_nbd_op *op)
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

/* @return true when all commands of the op are issued, or one has failed */
static bool
op_issue(struct blk_nbd_channel *ch, struct blk_nbd_op *op)
{
	while (op->error == 0 && (!op->started || op->issued < op->io->length)) {
		int64_t n;

		if (ch->flight == BLK_NBD_FLIGHT_MAX)
			return false;
		op->started = true;
		op->commands++;
		op->unanswered++;
		ch->flight++;
		n = command_issue(ch, op);
		if (n < 0 && op->error == 0)
			op->error = blk_nbd_errno();
		/* Commands that libnbd accepted fail later by themselves. */
		if (blk_nbd_note_loss(ch) || n < 0) {
			op->error = op->error != 0 ? op->error : -ENOTCONN;
			return true;
		}
		if (op->io->op == FIDO_BLK_FLUSH)
			return true;
		op->issued += (uint64_t)n;
	}
	return true;
}

/* @return true when the pieces can be sent without a copy */
static bool
pieces_fit(const struct blk_nbd_channel *ch, const struct blk_io *io)
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

/* Copy the data if necessary. @return false: no memory now */
static bool
op_prepare(struct blk_nbd_channel *ch, struct blk_nbd_op *op)
{
	if (op->io->op != FIDO_BLK_WRITE || op->started || op->copy != NULL ||
		pieces_fit(ch, op->io))
		return true;
	op->copy = blk_copies_make(&ch->copies, ch->base.store, op->io);
	return op->copy != NULL;
}

void
blk_nbd_issue_pending(struct blk_nbd_channel *ch)
{
	while (ch->state == BLK_NBD_READY && !ch->lost && !STAILQ_EMPTY(&ch->pending)) {
		struct blk_nbd_op *op = STAILQ_FIRST(&ch->pending);

		if (!op_prepare(ch, op) || !op_issue(ch, op))
			break;
		STAILQ_REMOVE_HEAD(&ch->pending, next);
		op_unref(op);
	}
}

void
blk_nbd_fail_pending(struct blk_nbd_channel *ch)
{
	struct blk_nbd_op *op;

	while ((op = STAILQ_FIRST(&ch->pending)) != NULL) {
		STAILQ_REMOVE_HEAD(&ch->pending, next);
		if (op->error == 0)
			op->error = ch->error;
		op_unref(op);
	}
}

static void
op_free(struct blk_nbd_channel *ch, struct blk_nbd_op *op)
{
	if (op->copy != NULL)
		blk_copies_free(&ch->copies, op->copy);
	free(op);
}

void
blk_nbd_finish_ended(struct blk_nbd_channel *ch)
{
	struct blk_nbd_op *op;

	while ((op = STAILQ_FIRST(&ch->ended)) != NULL) {
		struct blk_io *io = op->io;
		int error = op->error;

		STAILQ_REMOVE_HEAD(&ch->ended, next);
		op_free(ch, op);
		ch->finished++;
		blk_io_done(io, error);
	}
}

void
blk_nbd_drop_ended(struct blk_nbd_channel *ch)
{
	struct blk_nbd_op *op;

	while ((op = STAILQ_FIRST(&ch->ended)) != NULL) {
		STAILQ_REMOVE_HEAD(&ch->ended, next);
		op_free(ch, op);
	}
}
