/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fido/atomic.h>
#include <fido/log.h>

#include "worker.h"

#define ALIGNMENT 4096u
/* What goes wrong goes wrong many times: the first ones say it all. */
#define MESSAGES_MAX 10

/* ---- the run ---- */

enum perf_phase
perf_run_phase(const struct perf_run *run)
{
	return (enum perf_phase)fido_load_acquire(&run->phase);
}

void
perf_run_advance(struct perf_run *run, enum perf_phase phase)
{
	uint64_t one = 1;
	uint32_t was = fido_load_relaxed(&run->phase);

	while (was < (uint32_t)phase)
		if (__atomic_compare_exchange_n(&run->phase, &was, (uint32_t)phase, true,
			    __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
			/* Fails only on a full counter, and then it is readable already. */
			ssize_t n __attribute__((unused)) = write(run->wake, &one, sizeof(one));

			return;
		}
}

/* ---- slots ---- */

static void
give(struct perf_worker *w, struct perf_slot *slot)
{
	slot->next = w->free;
	w->free = slot;
}

/* @return a free slot with an empty request, or NULL */
static struct perf_slot *
take(struct perf_worker *w)
{
	struct perf_slot *slot = w->free;

	if (slot == NULL)
		return NULL;
	w->free = slot->next;
	slot->request = (struct fido_blk_request){.cookie = slot};
	slot->lent = NULL;
	slot->block_count = 0;
	slot->covered = NULL;
	slot->overwrites = NULL;
	slot->lend = PERF_LEND_PLAIN;
	return slot;
}

/* Reads that are lent need no memory of ours. */
static int
create_memory(struct perf_worker *w, struct fido_domain *domain)
{
	const struct perf_options *opt = w->opt;
	size_t each = (opt->bs_max + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	if (!opt->copy && opt->read_percent == 100)
		return 0;
	if (opt->memory != PERF_MALLOC) {
		int ret = fido_arena_create(domain, each * opt->depth, &w->arena);

		if (ret != 0)
			return ret;
	}
	if (opt->memory != PERF_ARENA) {
		w->heap = aligned_alloc(ALIGNMENT, each * opt->depth);
		if (w->heap == NULL)
			return -ENOMEM;
	}
	for (uint64_t i = 0; i < opt->depth; i++) {
		bool in_arena = w->heap == NULL || (w->arena != NULL && i % 2 == 0);

		w->slots[i].memory = (in_arena ? (uint8_t *)w->arena->va : w->heap) + i * each;
	}
	return 0;
}

int
perf_worker_create(struct perf_worker *w, struct fido_domain *domain)
{
	const struct perf_options *opt = w->opt;
	size_t blocks = opt->bs_max / opt->verify_block;
	int ret = -ENOMEM;

	w->slots = calloc(opt->depth, sizeof(w->slots[0]));
	w->iovs = calloc(opt->depth * opt->segments, sizeof(w->iovs[0]));
	w->versions = calloc(opt->depth * blocks, sizeof(w->versions[0]));
	w->sums = calloc(opt->depth * blocks, sizeof(w->sums[0]));
	w->kept = calloc(opt->depth, sizeof(w->kept[0]));
	w->scratch = malloc(opt->verify_block);
	if (w->slots != NULL && w->iovs != NULL && w->versions != NULL && w->sums != NULL &&
		w->kept != NULL && w->scratch != NULL)
		ret = create_memory(w, domain);
	if (ret != 0) {
		perf_worker_destroy(w);
		return ret;
	}
	for (uint64_t i = opt->depth; i-- > 0;) {
		w->slots[i].iov = w->iovs + i * opt->segments;
		w->slots[i].versions = w->versions + i * blocks;
		w->slots[i].sums = w->sums + i * blocks;
		give(w, &w->slots[i]);
	}
	return 0;
}

int
perf_worker_open(struct perf_worker *w, struct fido_blk *blk, uint64_t first, uint64_t count)
{
	w->q = fido_blk_queue(blk, w->index);
	w->first_block = first;
	w->block_count = count;
	w->busy = calloc(count, sizeof(w->busy[0]));
	return w->busy != NULL ? 0 : -ENOMEM;
}

void
perf_worker_destroy(struct perf_worker *w)
{
	for (uint64_t i = 0; w->slots != NULL && i < w->opt->depth; i++)
		free(w->slots[i].covered);
	fido_region_destroy(w->arena);
	free(w->heap);
	free(w->slots);
	free(w->iovs);
	free(w->versions);
	free(w->sums);
	free(w->kept);
	free(w->busy);
	free(w->scratch);
	w->slots = NULL;
}

/*
 * The pieces stand in the memory in reverse, so that neighbours are never one piece in disguise.
 * Their lengths are what comes of it, odd ones too: memory may begin anywhere.
 */
void
perf_worker_set_iov(const struct perf_worker *w, struct perf_slot *slot)
{
	unsigned int n = (unsigned int)w->opt->segments;
	size_t end = slot->request.length, piece = end / n;

	for (unsigned int i = 0; i < n; i++) {
		size_t len = i + 1 < n ? piece : end;

		end -= len;
		slot->iov[i] = (struct iovec){.iov_base = slot->memory + end, .iov_len = len};
	}
	slot->request.iov = slot->iov;
	slot->request.iovcnt = n;
}

/* ---- failures ---- */

bool
perf_worker_failed(struct perf_worker *w)
{
	if (!w->opt->continue_on_error)
		perf_run_advance(w->run, PERF_STOP);
	return __atomic_fetch_add(&w->run->failures, 1, __ATOMIC_RELAXED) < MESSAGES_MAX;
}

static const char *
advice(int error)
{
	switch (error) {
	case -ESTALE:
		return ": what the backend has now is not the volume that was opened (another size, or "
		       "it has lost its contents): start again";
	case -EPROTO:
		return ": the backend and this program do not understand each other: are both of the "
		       "same version?";
	default:
		return ": the backend's messages say more";
	}
}

static void
report_error(struct perf_worker *w, const struct perf_slot *slot, int error)
{
	static const char *const names[] = {"?", "read", "write", "flush", "discard",
		"write of zeroes"};
	const struct fido_blk_request *r = &slot->request;

	if (perf_worker_failed(w))
		fprintf(stderr,
			"fido-blk-perf: queue %u: %s of %" PRIu64 " bytes at %" PRIu64 ": %s%s\n",
			w->index, names[r->op], r->length, r->offset, strerror(-error),
			advice(error));
	/* All others will fail the same way, as fast as they are made. */
	if (error == -ESTALE)
		perf_run_advance(w->run, PERF_STOP);
}

/* ---- one turn ---- */

static void
flush_releases(struct perf_worker *w)
{
	if (w->release_count != 0)
		fido_blk_release(w->q, w->release, w->release_count);
	w->release_count = 0;
}

void
perf_worker_release(struct perf_worker *w, struct perf_slot *slot)
{
	if (slot->lent != NULL) {
		if (w->release_count == PERF_BURST)
			flush_releases(w);
		w->release[w->release_count++] = slot->lent;
	}
	give(w, slot);
}

static void
complete(struct perf_worker *w, const struct fido_blk_completion *c)
{
	struct perf_slot *slot = c->cookie;
	enum fido_blk_op op = slot->request.op;

	slot->lent = c->lent;
	slot->lent_iov = c->iov;
	slot->lent_iovcnt = c->iovcnt;
	fido_store_relaxed(&w->counters.inflight, w->counters.inflight - 1);
	if (c->error == 0) {
		fido_counter_add(&w->counters.requests[op], 1);
		fido_counter_add(&w->counters.bytes[op], slot->request.length);
	} else {
		fido_counter_add(&w->counters.errors, 1);
		report_error(w, slot, c->error);
	}
	perf_verify_done(w, slot, c->error);
}

/* Half of the depth at a time: while that is looked at here, the backend has the rest to do. */
static unsigned int
poll_completions(struct perf_worker *w)
{
	struct fido_blk_completion completions[PERF_BURST];
	unsigned int half = ((unsigned int)w->opt->depth + 1) / 2;
	unsigned int n = fido_blk_poll(w->q, completions, half < PERF_BURST ? half : PERF_BURST);

	for (unsigned int i = 0; i < n; i++)
		complete(w, &completions[i]);
	flush_releases(w);
	return n;
}

static void
make_requests(struct perf_worker *w)
{
	struct perf_slot *slot;

	while (!w->ended && w->pending_count < PERF_BURST && (slot = take(w)) != NULL) {
		if (!perf_verify_next(w, slot)) {
			give(w, slot);
			return;
		}
		w->pending[w->pending_count++] = slot->request;
	}
}

static unsigned int
submit(struct perf_worker *w)
{
	unsigned int n;
	int ret;

	make_requests(w);
	if (w->pending_count == 0)
		return 0;
	ret = fido_blk_submit(w->q, w->pending, w->pending_count);
	if (ret < 0) {
		report_error(w, w->pending[0].cookie, ret);
		perf_run_advance(w->run, PERF_STOP);
		return 0;
	}
	n = (unsigned int)ret;
	w->pending_count -= n;
	memmove(w->pending, &w->pending[n], w->pending_count * sizeof(w->pending[0]));
	fido_store_relaxed(&w->counters.inflight, w->counters.inflight + n);
	return n;
}

/* Without a time limit: a wake-up that is lost must show, as a run that stands still. */
static void
sleep_until_woken(struct perf_worker *w)
{
	struct pollfd fds[] = {
		{.fd = fido_blk_fd(w->q), .events = POLLIN},
		{.fd = w->run->wake, .events = POLLIN},
	};

	if (!fido_blk_arm(w->q))
		poll(fds, 2, -1);
	fido_blk_disarm(w->q);
}

static void
stop(struct perf_worker *w)
{
	w->stopped = true;
	w->ended = true;
	/* What was not handed over never happens; its slots are of no more use. */
	w->pending_count = 0;
	perf_verify_give_back(w);
	flush_releases(w);
}

/* @return true: there will be another */
static bool
turn(struct perf_worker *w)
{
	enum perf_phase phase = perf_run_phase(w->run);
	unsigned int work;

	if (phase == PERF_ABANDON)
		return false;
	if (phase >= PERF_STOP && !w->stopped)
		stop(w);
	work = poll_completions(w);
	if (!w->stopped)
		work += submit(w);
	if (w->ended && w->pending_count == 0 && w->counters.inflight == 0) {
		if (!w->stopped)
			stop(w);
		return false;
	}
	if (work != 0)
		return true;
	if (w->opt->sleeps)
		sleep_until_woken(w);
	else
		fido_pause();
	return true;
}

void *
perf_worker_main(void *arg)
{
	struct perf_worker *w = arg;

	while (turn(w))
		;
	w->unanswered = w->counters.inflight;
	fido_blk_queue_stats(w->q, &w->stats);
	__atomic_fetch_sub(&w->run->running, 1, __ATOMIC_RELEASE);
	return NULL;
}
