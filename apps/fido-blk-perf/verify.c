/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>

#include "pieces.h"
#include "worker.h"

/* So often a place is looked for that no other request is in flight on, before one waits. */
#define TRIES 16
/* Of the writes, unless all are: one of so many has FUA. */
#define FUA_ONE_OF 8
/* Of lent reads, percent: kept for a while; of these, until they have been overwritten. */
#define KEEP_PERCENT 50
#define OVERWRITE_PERCENT 30

/* ---- making requests ---- */

/* Claim n blocks from `first` (in the stripe) on for the slot. @return false: one is in flight */
static bool
claim(struct perf_worker *w, struct perf_slot *slot, uint64_t first, uint64_t n)
{
	for (uint64_t b = first; b < first + n; b++)
		if (w->busy[b])
			return false;
	for (uint64_t b = first; b < first + n; b++)
		w->busy[b] = true;
	slot->first_block = w->first_block + first;
	slot->block_count = n;
	slot->request.offset = w->opt->range_offset + slot->first_block * w->run->block_size;
	slot->request.length = n * w->run->block_size;
	return true;
}

static void
unclaim(struct perf_worker *w, const struct perf_slot *slot)
{
	for (uint64_t b = 0; b < slot->block_count; b++)
		w->busy[slot->first_block - w->first_block + b] = false;
}

static void
make_read(struct perf_worker *w, struct perf_slot *slot)
{
	slot->request.op = FIDO_BLK_READ;
	if (w->opt->copy)
		perf_worker_set_iov(w, slot);
	else
		slot->request.flags = FIDO_BLK_LEND;
}

static void
fill_block(struct perf_worker *w, struct perf_slot *slot, uint64_t b)
{
	uint32_t size = w->run->block_size;
	struct perf_block_id id = {
		.volume = w->run->volume,
		.offset = slot->request.offset + b * size,
		.version = slot->versions[b],
		.seed = w->opt->seed,
		.queue = w->index,
	};

	perf_block_fill(w->scratch, size, &id);
	perf_pieces_copy(slot->iov, slot->request.iovcnt, b * size, w->scratch, size, true);
}

/* A write, of data or zeros, or a discard: all are new versions. */
static void
make_change(struct perf_worker *w, struct perf_slot *slot, enum fido_blk_op op)
{
	struct perf_run *run = w->run;
	bool fua = w->opt->fua || (run->can_fua && perf_random_below(&w->random, FUA_ONE_OF) == 0);

	slot->request.op = op;
	if (op != FIDO_BLK_DISCARD && fua)
		slot->request.flags = FIDO_BLK_FUA;
	if (op == FIDO_BLK_WRITE)
		perf_worker_set_iov(w, slot);
	for (uint64_t b = 0; b < slot->block_count; b++) {
		slot->versions[b] =
			perf_state_submit(&run->state, slot->first_block + b, op != FIDO_BLK_WRITE);
		if (op == FIDO_BLK_WRITE)
			fill_block(w, slot, b);
	}
	w->writes++;
}

/*
 * The next run of blocks that are all written, or all not.
 * @return false: the pass is over, once all is answered
 */
static bool
next_of_pass(struct perf_worker *w, struct perf_slot *slot)
{
	const struct perf_state *state = &w->run->state;
	uint64_t most = w->opt->bs_max / w->run->block_size, n = 0;
	bool write, claimed;

	for (;; w->cursor++) {
		if (w->cursor == w->block_count)
			return false;
		write = !perf_state_is_written(state, w->first_block + w->cursor);
		if (!write || (w->stage == PERF_STAGE_FIRST && w->opt->read_percent != 100))
			break;
	}
	while (n < most && w->cursor + n < w->block_count &&
		perf_state_is_written(state, w->first_block + w->cursor + n) == !write)
		n++;
	/* A pass begins when nothing is in flight, and comes by each block once. */
	claimed = claim(w, slot, w->cursor, n);
	assert(claimed);
	(void)claimed;
	w->cursor += n;
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
	struct perf_slot *kept = NULL;

	for (uint32_t i = 0; i < w->kept_count && kept == NULL; i++)
		if (w->kept[i]->lend == PERF_LEND_WANTED)
			kept = w->kept[i];
	if (kept == NULL || !claim(w, slot, kept->first_block - w->first_block, kept->block_count))
		return false;
	kept->lend = PERF_LEND_WRITING;
	slot->overwrites = kept;
	make_change(w, slot, FIDO_BLK_WRITE);
	return true;
}

/* A kind of request, as the options' percentages say. */
static enum fido_blk_op
pick(struct perf_worker *w)
{
	const struct perf_options *opt = w->opt;
	uint64_t kind;

	if (perf_random_percent(&w->random, (unsigned int)opt->read_percent))
		return FIDO_BLK_READ;
	kind = perf_random_below(&w->random, 100);
	if (kind < opt->zeroes_percent)
		return FIDO_BLK_WRITE_ZEROES;
	return kind < opt->zeroes_percent + opt->discard_percent ? FIDO_BLK_DISCARD
								 : FIDO_BLK_WRITE;
}

/* A place of a length that the options allow, on which nothing is in flight. */
static bool
find_place(struct perf_worker *w, struct perf_slot *slot)
{
	uint64_t min = w->opt->bs_min, unit = min / w->run->block_size;

	for (unsigned int i = 0; i < TRIES; i++) {
		uint64_t n = unit * (1 + perf_random_below(&w->random, w->opt->bs_max / min));
		uint64_t places = (w->block_count - n) / unit + 1;

		if (claim(w, slot, unit * perf_random_below(&w->random, places), n))
			return true;
	}
	return false;
}

static bool
next_at_random(struct perf_worker *w, struct perf_slot *slot)
{
	enum fido_blk_op op;

	if (w->opt->flush_every != 0 && w->writes >= w->opt->flush_every) {
		w->writes = 0;
		slot->covered = perf_state_flush_begin(&w->run->state);
		slot->request.op = FIDO_BLK_FLUSH;
		return true;
	}
	if (next_overwrite(w, slot))
		return true;
	op = pick(w);
	if (!find_place(w, slot))
		return false;
	if (op == FIDO_BLK_READ)
		make_read(w, slot);
	else
		make_change(w, slot, op);
	return true;
}

/* Look at kept memory again, and give it back. */
static void
give_back(struct perf_worker *w, uint32_t i)
{
	struct perf_slot *kept = w->kept[i];

	w->kept[i] = w->kept[--w->kept_count];
	perf_check_again(w, kept);
	perf_worker_release(w, kept);
}

void
perf_verify_give_back(struct perf_worker *w)
{

	for (uint32_t i = w->kept_count; i-- > 0;)
		if (w->kept[i]->lend != PERF_LEND_WRITING)
			give_back(w, i);
}

/* Nothing that was made has not been answered. */
static bool
is_quiet(const struct perf_worker *w)
{
	return w->counters.inflight == 0 && w->pending_count == 0;
}

bool
perf_verify_next(struct perf_worker *w, struct perf_slot *slot)
{
	bool made;

	if (w->stage != PERF_STAGE_RUN && next_of_pass(w, slot))
		return true;
	if (w->stage == PERF_STAGE_RUN && w->budget != 0 && perf_run_phase(w->run) == PERF_GO) {
		made = next_at_random(w, slot);
		w->budget -= made;
		return made;
	}
	/* The stage is over, once all of it is answered; its kept lends go with it. */
	perf_verify_give_back(w);
	if (!is_quiet(w))
		return false;
	if (w->stage == PERF_STAGE_FIRST)
		__atomic_fetch_add(&w->run->ready, 1, __ATOMIC_RELEASE);
	w->ended = w->stage == PERF_STAGE_LAST || w->opt->verify_only;
	if (w->ended)
		return false;
	w->stage++;
	w->cursor = 0;
	return perf_verify_next(w, slot);
}

/* ---- completions ---- */

static void
read_done(struct perf_worker *w, struct perf_slot *slot)
{
	bool keep = slot->lent != NULL && w->stage == PERF_STAGE_RUN && !w->stopped &&
		w->kept_count < w->opt->depth / 2 && perf_random_percent(&w->random, KEEP_PERCENT);

	if (!perf_check_read(w, slot, keep) || !keep) {
		perf_worker_release(w, slot);
		return;
	}
	if (w->opt->read_percent != 100 && perf_random_percent(&w->random, OVERWRITE_PERCENT))
		slot->lend = PERF_LEND_WANTED;
	w->kept[w->kept_count++] = slot;
}

static void
change_done(struct perf_run *run, const struct perf_slot *slot)
{
	bool durable = !run->can_flush || (slot->request.flags & FIDO_BLK_FUA) != 0;

	for (uint64_t b = 0; b < slot->block_count; b++) {
		perf_state_acknowledge(&run->state, slot->first_block + b, slot->versions[b]);
		if (durable)
			perf_state_flush(&run->state, slot->first_block + b, slot->versions[b]);
	}
}

static void
overwrite_done(struct perf_worker *w, const struct perf_slot *kept)
{
	uint32_t i = 0;

	while (w->kept[i] != kept)
		i++;
	give_back(w, i);
}

/* Some are kept for long, some not, and seldom in the order in which they came. */
static void
give_back_some(struct perf_worker *w)
{
	uint32_t i;

	if (w->kept_count == 0 ||
		(w->kept_count < w->opt->depth / 2 && !perf_random_percent(&w->random, 50)))
		return;
	i = (uint32_t)perf_random_below(&w->random, w->kept_count);
	if (w->kept[i]->lend == PERF_LEND_PLAIN)
		give_back(w, i);
}

void
perf_verify_done(struct perf_worker *w, struct perf_slot *slot, int error)
{
	enum fido_blk_op op = slot->request.op;

	if (op == FIDO_BLK_FLUSH) {
		perf_state_flush_end(&w->run->state, slot->covered, error == 0);
		slot->covered = NULL;
	}
	unclaim(w, slot);
	if (error == 0 && (op == FIDO_BLK_WRITE || op == FIDO_BLK_WRITE_ZEROES))
		change_done(w->run, slot);
	if (slot->overwrites != NULL)
		overwrite_done(w, slot->overwrites);
	if (op == FIDO_BLK_READ && error == 0)
		read_done(w, slot);
	else
		perf_worker_release(w, slot);
	give_back_some(w);
}
