/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "pieces.h"
#include "verify.h"

/*
 * How often a place is looked for that no other request is in flight on, before one waits for
 * completions.
 */
#define TRIES 16
/* Of the writes, unless all are: one of so many has FUA. */
#define FUA_ONE_OF 8
/* Of lent reads, percent: kept for a while; of these, until they have been overwritten. */
#define KEEP_PERCENT 50
#define OVERWRITE_PERCENT 30

int
perf_verify_open(struct perf_verify *v, const struct perf_options *opt,
	const struct fido_blk_info *info, uint64_t offset, uint64_t length)
{
	struct perf_state_config config = {
		.volume = perf_block_volume(opt->volume),
		.identity = info->identity,
		.volume_size = info->size,
		.offset = offset,
		.length = length / opt->verify_block * opt->verify_block,
		.block_size = opt->verify_block,
	};
	int ret;

	*v = (struct perf_verify){
		.range_offset = offset,
		.block_size = opt->verify_block,
		.can_flush = info->features & FIDO_BLK_CAN_FLUSH,
		.can_fua = info->features & FIDO_BLK_CAN_FUA,
	};
	ret = perf_state_open(&v->state, opt->state, &config);
	if (ret != 0)
		return ret;
	v->volume = config.volume ^ v->state.history;
	ret = perf_dirty_create(&v->dirty, &v->state);
	if (ret != 0) {
		fprintf(stderr, "fido-blk-perf: no memory for %llu blocks\n",
			(unsigned long long)v->state.count);
		perf_state_close(&v->state);
	}
	return ret;
}

void
perf_verify_close(struct perf_verify *v)
{
	perf_dirty_destroy(&v->dirty);
	perf_state_close(&v->state);
}

int
perf_verify_create(struct perf_worker *w, struct perf_verify *v)
{
	struct perf_verify_queue *vq = calloc(1, sizeof(*vq));

	w->job = vq;
	if (vq == NULL)
		return -ENOMEM;
	vq->verify = v;
	vq->first_block = (w->stripe_offset - v->range_offset) / v->block_size;
	vq->block_count = w->stripe_length / v->block_size;
	vq->scratch = malloc(v->block_size);
	if (vq->scratch == NULL || perf_claims_create(&vq->claims, vq->block_count) != 0) {
		perf_verify_destroy(w);
		return -ENOMEM;
	}
	return 0;
}

void
perf_verify_destroy(struct perf_worker *w)
{
	struct perf_verify_queue *vq = w->job;

	if (vq == NULL)
		return;
	perf_claims_destroy(&vq->claims);
	free(vq->scratch);
	free(vq);
	w->job = NULL;
}

/* ---- making requests ---- */

/* Claim n blocks from `first` (in the stripe) on for the slot. */
static bool
claim(struct perf_verify_queue *vq, struct perf_slot *slot, uint64_t first, uint64_t n)
{
	if (!perf_claims_take(&vq->claims, first, n))
		return false;
	slot->first_block = vq->first_block + first;
	slot->block_count = n;
	slot->request.offset =
		vq->verify->range_offset + slot->first_block * vq->verify->block_size;
	slot->request.length = n * vq->verify->block_size;
	return true;
}

static void
make_read(struct perf_worker *w, struct perf_slot *slot)
{
	slot->request.op = FIDO_BLK_READ;
	if (w->opt->copy)
		perf_slots_set_iov(&w->slots, slot, slot->request.length);
	else
		slot->request.flags = FIDO_BLK_LEND;
}

static void
fill_block(struct perf_worker *w, struct perf_slot *slot, uint64_t b)
{
	struct perf_verify_queue *vq = w->job;
	struct perf_verify *v = vq->verify;
	struct perf_block_id id = {
		.volume = v->volume,
		.offset = slot->request.offset + b * v->block_size,
		.version = slot->versions[b],
		.seed = w->opt->seed,
		.queue = w->index,
	};
	void *whole = perf_pieces_whole(slot->iov, slot->request.iovcnt, b * v->block_size,
		v->block_size);

	perf_block_fill(whole != NULL ? whole : vq->scratch, v->block_size, &id);
	if (whole == NULL)
		perf_pieces_put(slot->iov, slot->request.iovcnt, b * v->block_size, vq->scratch,
			v->block_size);
}

/* A write, of data or zeros, or a discard: all are new versions. */
static void
make_change(struct perf_worker *w, struct perf_slot *slot, enum fido_blk_op op)
{
	struct perf_verify_queue *vq = w->job;
	struct fido_blk_request *r = &slot->request;

	r->op = op;
	if (op != FIDO_BLK_DISCARD &&
		(w->opt->fua ||
			(vq->verify->can_fua && perf_random_below(&w->random, FUA_ONE_OF) == 0)))
		r->flags = FIDO_BLK_FUA;
	if (op == FIDO_BLK_WRITE)
		perf_slots_set_iov(&w->slots, slot, r->length);
	for (uint64_t b = 0; b < slot->block_count; b++) {
		slot->versions[b] = perf_state_submit(&vq->verify->state, slot->first_block + b,
			op != FIDO_BLK_WRITE);
		if (op == FIDO_BLK_WRITE)
			fill_block(w, slot, b);
	}
	vq->place.writes++;
}

/*
 * The next run of blocks that are all written, or all not.
 * @return false: the pass is over, once all is answered
 */
static bool
next_of_pass(struct perf_worker *w, struct perf_slot *slot)
{
	struct perf_verify_queue *vq = w->job;
	const struct perf_state *state = &vq->verify->state;
	uint64_t most = w->opt->bs_max / vq->verify->block_size, n = 0;
	bool write, claimed;

	for (;;) {
		if (vq->cursor == vq->block_count)
			return false;
		write = !perf_state_is_written(state, vq->first_block + vq->cursor);
		if (!write || (vq->stage == PERF_VERIFY_FIRST && w->opt->read_percent != 100))
			break;
		vq->cursor++;
	}
	while (n < most && vq->cursor + n < vq->block_count &&
		perf_state_is_written(state, vq->first_block + vq->cursor + n) == !write)
		n++;
	/* A pass begins when nothing is in flight, and comes by each block once. */
	claimed = claim(vq, slot, vq->cursor, n);
	assert(claimed);
	(void)claimed;
	vq->cursor += n;
	if (write)
		make_change(w, slot, FIDO_BLK_WRITE);
	else
		make_read(w, slot);
	return true;
}

/* Write what a kept lend shows. */
static bool
next_overwrite(struct perf_worker *w, struct perf_slot *slot)
{
	struct perf_verify_queue *vq = w->job;
	struct perf_slot *kept = perf_lends_find(&vq->lends, PERF_LEND_WANTED);

	if (kept == NULL ||
		!claim(vq, slot, kept->first_block - vq->first_block, kept->block_count))
		return false;
	kept->lend = PERF_LEND_WRITING;
	slot->overwrites = kept;
	make_change(w, slot, FIDO_BLK_WRITE);
	return true;
}

static bool
next_flush(struct perf_worker *w, struct perf_slot *slot)
{
	struct perf_verify_queue *vq = w->job;

	if (!perf_place_flush_due(w, &vq->place))
		return false;
	/*
	 * Without memory for what it covers it is a flush all the same: it covers nothing that
	 * counts.
	 */
	perf_dirty_take(&vq->verify->dirty, &slot->flushed);
	slot->request.op = FIDO_BLK_FLUSH;
	return true;
}

static enum perf_next
next_at_random(struct perf_worker *w, struct perf_slot *slot)
{
	struct perf_verify_queue *vq = w->job;
	uint32_t block_size = vq->verify->block_size;
	enum fido_blk_op op;

	if (next_flush(w, slot) || next_overwrite(w, slot))
		return PERF_NEXT_REQUEST;
	op = perf_place_op(w);
	for (unsigned int i = 0; i < TRIES; i++) {
		perf_place_next(w, &vq->place, &slot->request);
		if (!claim(vq, slot, (slot->request.offset - w->stripe_offset) / block_size,
			    slot->request.length / block_size))
			continue;
		if (op == FIDO_BLK_READ)
			make_read(w, slot);
		else
			make_change(w, slot, op);
		return PERF_NEXT_REQUEST;
	}
	slot->block_count = 0;
	return PERF_NEXT_LATER;
}

static void
give_back(struct perf_worker *w, struct perf_slot *kept)
{
	perf_check_again(w, kept);
	perf_worker_release(w, kept);
}

/* All but those whose write is under way: that gives them back. */
static void
give_back_all(struct perf_worker *w)
{
	struct perf_verify_queue *vq = w->job;
	struct perf_slot *kept;

	while ((kept = perf_lends_find(&vq->lends, PERF_LEND_WANTED)) != NULL)
		kept->lend = PERF_LEND_PLAIN;
	while ((kept = perf_lends_take(&vq->lends, 0)) != NULL)
		give_back(w, kept);
}

/* Nothing that was made has not been answered. */
static bool
is_quiet(const struct perf_worker *w)
{
	return w->counters.inflight == 0 && w->pending_count == 0;
}

static enum perf_next
verify_next(struct perf_worker *w, struct perf_slot *slot)
{
	struct perf_verify_queue *vq = w->job;

	if (vq->stage == PERF_VERIFY_FIRST) {
		if (next_of_pass(w, slot))
			return PERF_NEXT_REQUEST;
		if (!is_quiet(w))
			return PERF_NEXT_LATER;
		perf_run_ready(w->run);
		if (w->opt->verify_only)
			return PERF_NEXT_END;
		vq->stage = PERF_VERIFY_GO;
	}
	if (vq->stage == PERF_VERIFY_GO) {
		if (w->budget != 0 && perf_run_phase(w->run) == PERF_GO) {
			enum perf_next next = next_at_random(w, slot);

			w->budget -= next == PERF_NEXT_REQUEST;
			return next;
		}
		if (vq->lends.count != 0)
			give_back_all(w);
		if (!is_quiet(w))
			return PERF_NEXT_LATER;
		vq->stage = PERF_VERIFY_LAST;
		vq->cursor = 0;
	}
	if (next_of_pass(w, slot))
		return PERF_NEXT_REQUEST;
	return is_quiet(w) && vq->lends.count == 0 ? PERF_NEXT_END : PERF_NEXT_LATER;
}

/* ---- completions ---- */

static void
read_done(struct perf_worker *w, struct perf_slot *slot)
{
	struct perf_verify_queue *vq = w->job;
	bool keep = slot->lent != NULL && vq->stage == PERF_VERIFY_GO && !w->stopped &&
		vq->lends.count < w->opt->depth / 2 &&
		perf_random_percent(&w->random, KEEP_PERCENT);

	if (!perf_check_read(w, slot, keep) || !keep) {
		perf_worker_release(w, slot);
		return;
	}
	if (w->opt->read_percent != 100 && perf_random_percent(&w->random, OVERWRITE_PERCENT))
		slot->lend = PERF_LEND_WANTED;
	perf_lends_keep(&vq->lends, slot);
}

static void
change_done(struct perf_verify *v, const struct perf_slot *slot)
{
	bool durable = !v->can_flush || (slot->request.flags & FIDO_BLK_FUA) != 0;

	for (uint64_t b = 0; b < slot->block_count; b++) {
		uint64_t i = slot->first_block + b;

		perf_state_acknowledge(&v->state, i, slot->versions[b]);
		if (durable)
			perf_state_flush(&v->state, i, slot->versions[b]);
		else
			perf_dirty_mark(&v->dirty, i);
	}
}

static void
flush_done(struct perf_verify *v, struct perf_slot *slot, int error)
{
	if (error == 0)
		perf_dirty_flushed(&v->dirty, &slot->flushed);
	else
		perf_dirty_put_back(&v->dirty, &slot->flushed);
}

static void
verify_done(struct perf_worker *w, struct perf_slot *slot, int error)
{
	struct perf_verify_queue *vq = w->job;
	enum fido_blk_op op = slot->request.op;
	struct perf_slot *kept = slot->overwrites;

	if (op == FIDO_BLK_FLUSH)
		flush_done(vq->verify, slot, error);
	else
		perf_claims_drop(&vq->claims, slot->first_block - vq->first_block,
			slot->block_count);
	if (error == 0 && (op == FIDO_BLK_WRITE || op == FIDO_BLK_WRITE_ZEROES))
		change_done(vq->verify, slot);
	if (kept != NULL) {
		perf_lends_remove(&vq->lends, kept);
		give_back(w, kept);
	}
	if (op == FIDO_BLK_READ && error == 0)
		read_done(w, slot);
	else
		perf_worker_release(w, slot);
	/* Some are kept for long, some not, and seldom in the order in which they came. */
	if (vq->lends.count != 0 &&
		(vq->lends.count == w->opt->depth / 2 || perf_random_percent(&w->random, 50))) {
		kept = perf_lends_take(&vq->lends,
			(uint32_t)perf_random_below(&w->random, vq->lends.count));
		if (kept != NULL)
			give_back(w, kept);
	}
}

static void
verify_stop(struct perf_worker *w)
{
	give_back_all(w);
}

const struct perf_job_ops perf_verify_ops = {
	.next = verify_next,
	.done = verify_done,
	.stop = verify_stop,
};
