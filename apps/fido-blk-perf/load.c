/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "place.h"

struct load {
	struct perf_place place;
	bool ready;
	uint64_t sum; /* of what was read: so that it has to be */
};

int
perf_load_create(struct perf_worker *w)
{
	w->job = calloc(1, sizeof(struct load));
	return w->job == NULL ? -ENOMEM : 0;
}

void
perf_load_destroy(struct perf_worker *w)
{
	free(w->job);
}

/* Other contents each time, as cheap as they come. */
static void
fill(struct perf_worker *w, uint8_t *memory, size_t length)
{
	uint64_t word = perf_random_next(&w->random);

	for (size_t i = 0; i + sizeof(word) <= length; i += sizeof(word)) {
		memcpy(memory + i, &word, sizeof(word));
		word += UINT64_C(0x9e3779b97f4a7c15);
	}
}

static enum perf_next
load_next(struct perf_worker *w, struct perf_slot *slot)
{
	struct load *load = w->job;
	struct fido_blk_request *r = &slot->request;

	if (!load->ready) {
		load->ready = true;
		perf_run_ready(w->run);
	}
	if (w->budget == 0 || perf_run_phase(w->run) != PERF_GO)
		return PERF_NEXT_END;
	w->budget--;
	if (perf_place_flush_due(w, &load->place)) {
		r->op = FIDO_BLK_FLUSH;
		return PERF_NEXT_REQUEST;
	}
	r->op = perf_place_op(w);
	perf_place_next(w, &load->place, r);
	if (r->op == FIDO_BLK_READ && !w->opt->copy)
		r->flags = FIDO_BLK_LEND;
	else if (r->op == FIDO_BLK_READ || r->op == FIDO_BLK_WRITE)
		perf_slots_set_iov(&w->slots, slot, r->length);
	if (r->op == FIDO_BLK_READ)
		return PERF_NEXT_REQUEST;
	load->place.writes++;
	if (w->opt->fua && r->op != FIDO_BLK_DISCARD)
		r->flags = FIDO_BLK_FUA;
	if (w->opt->touch && r->op == FIDO_BLK_WRITE)
		fill(w, slot->memory, r->length);
	return PERF_NEXT_REQUEST;
}

static uint64_t
sum_of(const struct iovec *iov, unsigned int n)
{
	uint64_t sum = 0, word;

	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *p = iov[i].iov_base;

		for (size_t at = 0; at + sizeof(word) <= iov[i].iov_len; at += sizeof(word)) {
			memcpy(&word, p + at, sizeof(word));
			sum += word;
		}
	}
	return sum;
}

static void
load_done(struct perf_worker *w, struct perf_slot *slot, int error)
{
	struct load *load = w->job;

	if (w->opt->touch && error == 0 && slot->request.op == FIDO_BLK_READ)
		load->sum += slot->lent != NULL ? sum_of(slot->lent_iov, slot->lent_iovcnt)
						: sum_of(slot->iov, slot->request.iovcnt);
	perf_worker_release(w, slot);
}

/* Nothing is kept. */
static void
load_stop(struct perf_worker *w)
{
}

const struct perf_job_ops perf_load_ops = {
	.next = load_next,
	.done = load_done,
	.stop = load_stop,
};
