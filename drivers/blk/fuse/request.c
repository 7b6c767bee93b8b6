/* SPDX-License-Identifier: BSD-3-Clause */
/* From the kernel's requests to those of the backend. See request.h for the steps. */

#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <fido/log.h>

#include "lane.h"
#include "report.h"

/* Pieces of memory of an answer: all that its parts lend, and the header. */
#define ANSWER_PIECES (2 * FIDO_BLK_LENT_MAX)

/* ---- blocks ---- */

static uint64_t
block_size(const struct request *r)
{
	return r->lane->config.image->info->block_size;
}

static uint64_t
round_down(const struct request *r, uint64_t offset)
{
	return offset & ~(block_size(r) - 1);
}

static uint64_t
round_up(const struct request *r, uint64_t offset)
{
	return round_down(r, offset + block_size(r) - 1);
}

static uint64_t
end_of(const struct request *r)
{
	return r->offset + r->length;
}

static bool
has_first_edge(const struct request *r)
{
	return r->offset != r->range.begin || end_of(r) < r->range.begin + block_size(r);
}

static bool
has_last_edge(const struct request *r)
{
	return end_of(r) != r->range.end &&
		(!has_first_edge(r) || r->range.begin + block_size(r) < r->range.end);
}

/* ---- errors ---- */

static bool
has(const struct request *r, uint32_t feature)
{
	return (r->lane->config.image->info->features & feature) != 0;
}

static const char *
verb(const struct request *r)
{
	switch (r->step) {
	case REQUEST_READ:
	case REQUEST_EDGES:
		return "read";
	case REQUEST_CHANGE:
		return r->data != NULL ? "write" : "zero";
	case REQUEST_DISCARD:
		return "discard";
	default:
		return "flush";
	}
}

/* @return the error for the application. It does not know of links and generations. */
static int
report(const struct request *r)
{
	static uint64_t last;
	int err = -r->error;

	r->lane->errors++;
	if (blk_may_report(&last))
		fido_log(FIDO_LOG_ERROR, "volume %s: cannot %s %llu bytes at %llu: %s",
			r->lane->config.image->name, verb(r), (unsigned long long)r->length,
			(unsigned long long)r->offset,
			err == ESTALE
				? "the backend now has another volume of that name, or the volume "
				  "has lost its contents: unmount it and mount it again"
				: strerror(err));
	return err == ESTALE || err == EPROTO || err == EPIPE ? EIO : err;
}

/* ---- parts ---- */

static struct part *
add_part(struct request *r, enum fido_blk_op op, uint64_t begin, uint64_t end)
{
	struct part *part = &r->parts[r->part_count++];

	part->request = r;
	part->lent = NULL;
	part->lent_iovcnt = 0;
	part->blk = (struct fido_blk_request){.op = op,
		.offset = begin,
		.length = end - begin,
		.cookie = part};
	if (op == FIDO_BLK_READ)
		part->blk.flags = FIDO_BLK_LEND;
	else if (op != FIDO_BLK_FLUSH && r->durable && has(r, FIDO_BLK_CAN_FUA))
		part->blk.flags = FIDO_BLK_FUA;
	return part;
}

static uint64_t
transfer_end(const struct request *r, uint64_t begin)
{
	uint64_t max = round_down(r, r->lane->config.image->info->max_transfer);

	return r->range.end - begin < max ? r->range.end : begin + max;
}

static void
submit(struct request *r, enum request_step step)
{
	r->step = step;
	r->undone = r->part_count;
	lane_submit(r->lane, r);
}

/* ---- reads ---- */

/* Cut pieces to the bytes [skip, skip + left). @return their number */
static unsigned int
cut_pieces(struct iovec *iov, unsigned int n, size_t skip, size_t left)
{
	unsigned int out = 0;

	for (unsigned int i = 0; i < n && left != 0; i++) {
		size_t len = iov[i].iov_len;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		len = len - skip < left ? len - skip : left;
		iov[out++] = (struct iovec){(char *)iov[i].iov_base + skip, len};
		left -= len;
		skip = 0;
	}
	return out;
}

static void
answer_read(struct request *r)
{
	struct iovec iov[ANSWER_PIECES];
	unsigned int n = 0;

	for (unsigned int i = 0; i < r->part_count; i++) {
		memcpy(iov + n, r->parts[i].lent_iov, r->parts[i].lent_iovcnt * sizeof(*iov));
		n += r->parts[i].lent_iovcnt;
	}
	if (r->length != r->range.end - r->range.begin)
		n = cut_pieces(iov, n, r->offset - r->range.begin, r->length);
	fuse_reply_iov(r->fuse, iov, (int)n);
}

void
request_read(struct lane *lane, fuse_req_t fuse, uint64_t offset, size_t length)
{
	struct request *r = lane_take_request(lane);
	uint64_t at;

	r->fuse = fuse;
	r->offset = offset;
	r->length = length;
	r->range.begin = round_down(r, offset);
	r->range.end = round_up(r, offset + length);
	for (at = r->range.begin; at < r->range.end; at = transfer_end(r, at))
		add_part(r, FIDO_BLK_READ, at, transfer_end(r, at));
	submit(r, REQUEST_READ);
}

/* ---- changes ---- */

static char *
edge(const struct request *r, unsigned int i)
{
	return lane_edges(r->lane, r->buffer) + i * block_size(r);
}

static void
copy_edge(struct request *r, const struct part *part, char *to)
{
	for (unsigned int i = 0; i < part->lent_iovcnt; i++) {
		memcpy(to, part->lent_iov[i].iov_base, part->lent_iov[i].iov_len);
		to += part->lent_iov[i].iov_len;
	}
	r->lane->edges++;
}

static void
read_edges(struct request *r)
{
	uint64_t size = block_size(r);

	if (has_first_edge(r))
		add_part(r, FIDO_BLK_READ, r->range.begin, r->range.begin + size);
	if (has_last_edge(r))
		add_part(r, FIDO_BLK_READ, r->range.end - size, r->range.end);
	submit(r, REQUEST_EDGES);
}

/* Bytes [begin, end) of the request's range: of the first edge, of the data, of the last edge. */
static void
add_write(struct request *r, uint64_t begin, uint64_t end)
{
	struct part *part = add_part(r, FIDO_BLK_WRITE, begin, end);
	uint64_t last = r->range.end - block_size(r);
	/* With one block, both ends of it are in the first edge. */
	char *tail = edge(r, has_last_edge(r) ? 1 : 0);
	unsigned int n = 0;

	if (begin < r->offset)
		part->iov[n++] = (struct iovec){edge(r, 0), r->offset - begin};
	if (begin < end_of(r) && r->offset < end) {
		uint64_t from = begin < r->offset ? r->offset : begin;
		uint64_t to = end < end_of(r) ? end : end_of(r);

		part->iov[n++] = (struct iovec){r->data + (from - r->offset), to - from};
	}
	if (end > end_of(r)) {
		uint64_t from = begin < end_of(r) ? end_of(r) : begin;

		part->iov[n++] = (struct iovec){tail + (from - last), end - from};
	}
	part->blk.iov = part->iov;
	part->blk.iovcnt = n;
}

static void
add_edge_with_zeros(struct request *r, unsigned int i, uint64_t begin)
{
	uint64_t end = begin + block_size(r);
	uint64_t from = r->offset > begin ? r->offset - begin : 0;
	uint64_t to = end_of(r) < end ? end_of(r) - begin : block_size(r);
	struct part *part = add_part(r, FIDO_BLK_WRITE, begin, end);

	memset(edge(r, i) + from, 0, to - from);
	part->iov[0] = (struct iovec){edge(r, i), block_size(r)};
	part->blk.iov = part->iov;
	part->blk.iovcnt = 1;
}

static void
add_zeros(struct request *r)
{
	uint64_t begin = round_up(r, r->offset), end = round_down(r, end_of(r));

	if (has_first_edge(r))
		add_edge_with_zeros(r, 0, r->range.begin);
	if (has_last_edge(r))
		add_edge_with_zeros(r, 1, r->range.end - block_size(r));
	if (begin < end)
		add_part(r, FIDO_BLK_WRITE_ZEROES, begin, end);
}

static void
change(struct request *r)
{
	uint64_t at;

	r->part_count = 0;
	if (r->data == NULL)
		add_zeros(r);
	else
		for (at = r->range.begin; at < r->range.end; at = transfer_end(r, at))
			add_write(r, at, transfer_end(r, at));
	submit(r, REQUEST_CHANGE);
}

static void
edges_done(struct request *r)
{
	unsigned int n = 0;

	if (has_first_edge(r))
		copy_edge(r, &r->parts[n++], edge(r, 0));
	if (has_last_edge(r))
		copy_edge(r, &r->parts[n], edge(r, 1));
	lane_release_lent(r->lane, r);
	change(r);
}

/* Discarding zeros leaves zeros, whatever the volume's discard does with other contents. */
static bool
discard(struct request *r)
{
	uint64_t begin = round_up(r, r->offset), end = round_down(r, end_of(r));

	if (!r->discards || !has(r, FIDO_BLK_CAN_DISCARD) || begin >= end)
		return false;
	r->part_count = 0;
	add_part(r, FIDO_BLK_DISCARD, begin, end);
	submit(r, REQUEST_DISCARD);
	return true;
}

static bool
flush(struct request *r)
{
	if (!r->durable || has(r, FIDO_BLK_CAN_FUA) || !has(r, FIDO_BLK_CAN_FLUSH))
		return false;
	r->part_count = 0;
	add_part(r, FIDO_BLK_FLUSH, 0, 0);
	submit(r, REQUEST_FLUSH);
	return true;
}

void
request_held(struct request *r)
{
	if (r->range.exclusive)
		read_edges(r);
	else
		change(r);
}

static void
begin_change(struct request *r, fuse_req_t fuse, uint64_t offset, uint64_t length)
{
	r->fuse = fuse;
	r->offset = offset;
	r->length = length;
	r->buffer = lane_take_message(r->lane);
	r->range = (struct range){.begin = round_down(r, offset),
		.end = round_up(r, offset + length),
		.on_held = lane_request_held};
	r->range.exclusive = has_first_edge(r) || has_last_edge(r);
	if (range_ask(&r->lane->config.image->ranges, &r->range))
		request_held(r);
}

void
request_write(struct lane *lane, fuse_req_t fuse, uint64_t offset, size_t length, const char *data,
	const struct fuse_file_info *fi)
{
	struct request *r = lane_take_request(lane);

	r->data = (char *)(uintptr_t)data;
	r->durable = (fi->flags & O_DSYNC) != 0;
	r->of_page_cache = fi->writepage;
	begin_change(r, fuse, offset, length);
}

void
request_zero(struct lane *lane, fuse_req_t fuse, uint64_t offset, uint64_t length, bool discards)
{
	struct request *r = lane_take_request(lane);

	r->discards = discards;
	begin_change(r, fuse, offset, length);
}

void
request_flush(struct lane *lane, fuse_req_t fuse)
{
	struct request *r = lane_take_request(lane);

	r->fuse = fuse;
	add_part(r, FIDO_BLK_FLUSH, 0, 0);
	submit(r, REQUEST_FLUSH);
}

/* ---- completions ---- */

static bool
changes(const struct request *r)
{
	return r->buffer != NULL;
}

static void
reply(struct request *r)
{
	int err = r->error != 0 ? report(r) : 0;

	if (r->fuse == NULL)
		return;
	if (err != 0)
		fuse_reply_err(r->fuse, err);
	else if (r->step == REQUEST_READ)
		answer_read(r);
	else if (r->data != NULL)
		fuse_reply_write(r->fuse, r->length);
	else
		fuse_reply_err(r->fuse, 0);
	r->fuse = NULL;
}

static void
answer(struct request *r)
{
	if (changes(r)) {
		range_give(&r->lane->config.image->ranges, &r->range);
		image_written(r->lane->config.image);
	}
	reply(r);
	lane_release_lent(r->lane, r);
	lane_finish(r->lane, r);
}

/*
 * A signal that ends a process makes SIGKILL pending for each of its threads. One that has noticed
 * it may still wait for asynchronous requests: it is exiting. See proc(5) for the file.
 */
static bool
is_killed(pid_t thread)
{
	const unsigned long exiting = 0x4; /* PF_EXITING */
	unsigned long flags = 0, pending = 0;
	char path[32], line[1024];
	const char *at = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)thread);
	file = thread > 0 ? fopen(path, "re") : NULL;
	if (file == NULL)
		return false;
	if (fgets(line, sizeof(line), file) != NULL)
		at = strrchr(line, ')'); /* the end of its name */
	fclose(file);
	if (at == NULL ||
		sscanf(at,
			") %*c %*d %*d %*d %*d %*d %lu %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
			"%*d %*u %*u %*d %*u %*u %*u %*u %*u %*u %lu",
			&flags, &pending) != 2)
		return false;
	return (flags & exiting) != 0 || (pending >> (SIGKILL - 1) & 1) != 0;
}

void
request_answer_if_killed(struct request *r)
{
	/* Of the page cache, an error would be another process's, too. */
	if (r->fuse == NULL || r->of_page_cache || !is_killed(fuse_req_ctx(r->fuse)->pid))
		return;
	fuse_reply_err(r->fuse, EINTR);
	r->fuse = NULL;
}

/* All parts are done: take the next step. */
static void
request_continue(struct request *r)
{
	if (r->error != 0)
		answer(r);
	else if (r->step == REQUEST_EDGES)
		edges_done(r);
	else if (r->step == REQUEST_CHANGE && (discard(r) || flush(r)))
		return;
	else if (r->step == REQUEST_DISCARD && flush(r))
		return;
	else
		answer(r);
}

void
request_part_done(struct part *part, const struct fido_blk_completion *completion)
{
	struct request *r = part->request;

	part->lent = completion->lent;
	part->lent_iov = completion->iov;
	part->lent_iovcnt = completion->iovcnt;
	if (completion->error != 0 && r->error == 0)
		r->error = completion->error;
	if (--r->undone == 0)
		request_continue(r);
}
