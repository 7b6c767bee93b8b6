/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "pieces.h"
#include "verify.h"

static uint64_t
offset_of(const struct perf_verify *v, const struct perf_slot *slot, uint64_t b)
{
	return v->range_offset + (slot->first_block + b) * v->block_size;
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
	switch (verdict) {
	case PERF_STATE_LOST:
		return version < b->flushed ? "a flushed write is lost"
					    : "an acknowledged write is lost";
	case PERF_STATE_FUTURE:
		return "this was never written";
	default:
		return "this cannot be";
	}
}

static void
tell_wrong(struct perf_worker *w, const struct perf_slot *slot, uint64_t b, const void *block,
	enum perf_state_verdict verdict)
{
	struct perf_verify_queue *vq = w->job;
	struct perf_verify *v = vq->verify;
	const struct perf_state_block *s = &v->state.blocks[slot->first_block + b];
	uint64_t version;
	enum perf_block_kind kind =
		perf_block_check(block, v->block_size, v->volume, offset_of(v, slot, b), &version);

	begin_message(w, slot, offset_of(v, slot, b));
	fprintf(stderr, "found %s", perf_block_kind_name(kind));
	if (kind == PERF_BLOCK_GOOD)
		fprintf(stderr, ", version %" PRIu64, version);
	fprintf(stderr,
		"; right are versions %" PRIu64 " to %" PRIu64
		" (acknowledged, submitted; flushed %" PRIu64 "; last change to zeros %" PRIu64
		"): %s\n",
		s->acknowledged, s->submitted, s->flushed, s->zeroed, meaning(verdict, s, version));
	perf_block_describe(stderr, block, v->block_size);
	funlockfile(stderr);
}

/* What was to be lent must have been, all of it. */
static bool
check_length(struct perf_worker *w, const struct perf_slot *slot)
{
	struct perf_verify_queue *vq = w->job;
	size_t length =
		slot->lent != NULL ? perf_pieces_length(slot->lent_iov, slot->lent_iovcnt) : 0;

	if ((slot->request.flags & FIDO_BLK_LEND) == 0 || length == slot->request.length)
		return true;
	vq->counts.wrong++;
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
	struct perf_verify_queue *vq = w->job;
	struct perf_verify *v = vq->verify;
	const struct iovec *iov = slot->lent != NULL ? slot->lent_iov : slot->iov;
	unsigned int n = slot->lent != NULL ? slot->lent_iovcnt : slot->request.iovcnt;
	/* Later on, no power has been lost: what was acknowledged in this run must be there. */
	bool power_lost = w->opt->power_lost && vq->stage == PERF_VERIFY_FIRST;
	bool right = check_length(w, slot);

	for (uint64_t b = 0; right && b < slot->block_count; b++) {
		const void *block =
			perf_pieces_at(iov, n, b * v->block_size, v->block_size, vq->scratch);
		uint64_t version;
		enum perf_block_kind kind = perf_block_check(block, v->block_size, v->volume,
			offset_of(v, slot, b), &version);
		enum perf_state_verdict verdict = perf_state_judge(&v->state, slot->first_block + b,
			kind, version, power_lost);

		vq->counts.blocks++;
		if (keep)
			slot->sums[b] = perf_block_sum(block, v->block_size);
		if (verdict == PERF_STATE_RIGHT)
			continue;
		right = false;
		vq->counts.wrong++;
		if (perf_worker_failed(w))
			tell_wrong(w, slot, b, block, verdict);
	}
	return right;
}

void
perf_check_again(struct perf_worker *w, struct perf_slot *slot)
{
	struct perf_verify_queue *vq = w->job;
	struct perf_verify *v = vq->verify;
	bool overwritten = slot->lend == PERF_LEND_WRITING;

	for (uint64_t b = 0; b < slot->block_count; b++) {
		const void *block = perf_pieces_at(slot->lent_iov, slot->lent_iovcnt,
			b * v->block_size, v->block_size, vq->scratch);

		vq->counts.again++;
		vq->counts.overwritten += overwritten;
		if (perf_block_sum(block, v->block_size) == slot->sums[b])
			continue;
		vq->counts.wrong++;
		if (perf_worker_failed(w)) {
			begin_message(w, slot, offset_of(v, slot, b));
			fprintf(stderr,
				"it has changed while it was lent (checksum %08" PRIx32
				", was %08" PRIx32 ")%s; now it is:\n",
				perf_block_sum(block, v->block_size), slot->sums[b],
				overwritten ? ", the block was written in the meantime" : "");
			perf_block_describe(stderr, block, v->block_size);
			funlockfile(stderr);
		}
		return;
	}
}
