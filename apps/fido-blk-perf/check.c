/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking at what was read, and telling of what is wrong with it. */
#include <inttypes.h>
#include <stdio.h>

#include "pieces.h"
#include "worker.h"

static uint64_t
offset_of(const struct perf_worker *w, const struct perf_slot *slot, uint64_t b)
{
	return slot->request.offset + b * w->run->block_size;
}

/* Block b of what was read: in place if it can be, where the application would use it. */
static const void *
block_of(const struct perf_worker *w, const struct perf_slot *slot, uint64_t b)
{
	bool lent = slot->lent != NULL;
	size_t size = w->run->block_size;

	return perf_pieces_at(lent ? slot->lent_iov : slot->iov,
		lent ? slot->lent_iovcnt : slot->request.iovcnt, b * size, size, w->scratch);
}

/* The message's beginning, with the streams locked: lines of two queues do not mix. */
static void
begin_message(const struct perf_worker *w, const struct perf_slot *slot, uint64_t offset)
{
	flockfile(stderr);
	fprintf(stderr,
		"fido-blk-perf: WRONG DATA: queue %u, %s of %" PRIu64 " bytes at %" PRIu64
		", block at %" PRIu64 ": ",
		w->index, slot->lent != NULL ? "lent read" : "read", slot->request.length,
		slot->request.offset, offset);
}

static const char *
meaning(enum perf_state_verdict verdict, const struct perf_state_block *b, uint64_t version)
{
	if (verdict == PERF_STATE_LOST)
		return version < b->flushed ? "a flushed write is lost"
					    : "an acknowledged write is lost";
	return verdict == PERF_STATE_FUTURE ? "this was never written" : "this cannot be";
}

static void
tell_wrong(struct perf_worker *w, const struct perf_slot *slot, uint64_t b,
	enum perf_state_verdict verdict)
{
	struct perf_run *run = w->run;
	const struct perf_state_block *s = &run->state.blocks[slot->first_block + b];
	const void *block = block_of(w, slot, b);
	uint64_t offset = offset_of(w, slot, b), version;
	enum perf_block_kind kind =
		perf_block_check(block, run->block_size, run->volume, offset, &version);

	begin_message(w, slot, offset);
	fprintf(stderr, "found %s", perf_block_kind_name(kind));
	if (kind == PERF_BLOCK_GOOD)
		fprintf(stderr, ", version %" PRIu64, version);
	fprintf(stderr,
		"; right are versions %" PRIu64 " to %" PRIu64
		" (acknowledged, submitted; flushed %" PRIu64 "; last change to zeros %" PRIu64
		"): %s\n",
		s->acknowledged, s->submitted, s->flushed, s->zeroed, meaning(verdict, s, version));
	perf_block_describe(stderr, block, run->block_size);
	funlockfile(stderr);
}

/* What was to be lent must have been, all of it. */
static bool
check_length(struct perf_worker *w, const struct perf_slot *slot)
{
	size_t length = 0;

	for (unsigned int i = 0; slot->lent != NULL && i < slot->lent_iovcnt; i++)
		length += slot->lent_iov[i].iov_len;
	if ((slot->request.flags & FIDO_BLK_LEND) == 0 || length == slot->request.length)
		return true;
	w->checks.wrong++;
	if (perf_worker_failed(w)) {
		begin_message(w, slot, slot->request.offset);
		fprintf(stderr, "%zu bytes were lent\n", length);
		funlockfile(stderr);
	}
	return false;
}

bool
perf_check_read(struct perf_worker *w, struct perf_slot *slot, bool keep)
{
	struct perf_run *run = w->run;
	/* Later on, no power has been lost: what was acknowledged in this run must be there. */
	bool power_lost = w->opt->power_lost && w->stage == PERF_STAGE_FIRST;
	bool right = check_length(w, slot);

	for (uint64_t b = 0; right && b < slot->block_count; b++) {
		const void *block = block_of(w, slot, b);
		uint64_t version;
		enum perf_block_kind kind = perf_block_check(block, run->block_size, run->volume,
			offset_of(w, slot, b), &version);
		enum perf_state_verdict verdict = perf_state_judge(&run->state,
			slot->first_block + b, kind, version, power_lost);

		w->checks.blocks++;
		if (keep)
			slot->sums[b] = perf_block_sum(block, run->block_size);
		if (verdict == PERF_STATE_RIGHT)
			continue;
		right = false;
		w->checks.wrong++;
		if (perf_worker_failed(w))
			tell_wrong(w, slot, b, verdict);
	}
	return right;
}

void
perf_check_again(struct perf_worker *w, struct perf_slot *slot)
{
	struct perf_run *run = w->run;
	bool overwritten = slot->lend == PERF_LEND_WRITING;

	for (uint64_t b = 0; b < slot->block_count; b++) {
		const void *block = block_of(w, slot, b);
		uint32_t sum = perf_block_sum(block, run->block_size);

		w->checks.again++;
		w->checks.overwritten += overwritten;
		if (sum == slot->sums[b])
			continue;
		w->checks.wrong++;
		if (perf_worker_failed(w)) {
			begin_message(w, slot, offset_of(w, slot, b));
			fprintf(stderr,
				"it has changed while it was lent (checksum %08" PRIx32
				", was %08" PRIx32 ")%s; now it is:\n",
				sum, slot->sums[b],
				overwritten ? ", the block was written in the meantime" : "");
			perf_block_describe(stderr, block, run->block_size);
			funlockfile(stderr);
		}
		return;
	}
}
