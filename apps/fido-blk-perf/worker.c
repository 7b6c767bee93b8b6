/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <fido/atomic.h>
#include <fido/log.h>

#include "worker.h"

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static const char *
op_name(enum fido_blk_op op)
{
	static const char *const names[] = {"?", "read", "write", "flush", "discard",
		"write of zeroes"};

	return names[op];
}

bool
perf_worker_failed(struct perf_worker *w)
{
	bool say = perf_run_failed(w->run);

	if (!w->opt->continue_on_error)
		perf_run_advance(w->run, PERF_STOP);
	return say;
}

static const char *
advice(int error)
{
	switch (error) {
	case -ESTALE:
		return ": what the backend has now is not the volume that was opened (another size, or it has lost its contents): start again";
	case -EPROTO:
		return ": the backend and this program do not understand each other: are both of the same version?";
	default:
		return ": the backend's messages say more";
	}
}

static void
report_error(struct perf_worker *w, const struct perf_slot *slot, int error)
{
	const struct fido_blk_request *r = &slot->request;

	if (perf_worker_failed(w))
		fprintf(stderr,
			"fido-blk-perf: queue %u: %s of %" PRIu64 " bytes at %" PRIu64 ": %s%s\n",
			w->index, op_name(r->op), r->length, r->offset, strerror(-error),
			advice(error));
	/* All others will fail the same way, as fast as they are made. */
	if (error == -ESTALE)
		perf_run_advance(w->run, PERF_STOP);
}

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
		slot->lent = NULL;
	}
	perf_slots_give(&w->slots, slot);
}

static void
complete(struct perf_worker *w, const struct fido_blk_completion *c, uint64_t now)
{
	struct perf_slot *slot = c->cookie;
	enum fido_blk_op op = slot->request.op;

	slot->lent = c->lent;
	slot->lent_iov = c->iov;
	slot->lent_iovcnt = c->iovcnt;
	fido_store_relaxed(&w->counters.inflight, w->counters.inflight - 1);
	if (c->error == 0) {
		perf_histogram_add(&w->latency[op], now - slot->start_ns);
		fido_counter_add(&w->counters.requests[op], 1);
		fido_counter_add(&w->counters.bytes[op], slot->request.length);
	} else {
		fido_counter_add(&w->counters.errors, 1);
		report_error(w, slot, c->error);
	}
	w->ops->done(w, slot, c->error);
}

/* Half of the depth at a time: while one half is looked at here, the backend has the other one to do. */
static unsigned int
poll_completions(struct perf_worker *w)
{
	struct fido_blk_completion completions[PERF_BURST];
	unsigned int half = (w->opt->depth + 1) / 2;
	unsigned int n = fido_blk_poll(w->q, completions, half < PERF_BURST ? half : PERF_BURST);
	uint64_t now;

	if (n == 0)
		return 0;
	now = now_ns();
	for (unsigned int i = 0; i < n; i++)
		complete(w, &completions[i], now);
	return n;
}

static void
make_requests(struct perf_worker *w)
{
	struct perf_slot *slot;

	while (!w->ended && w->pending_count < PERF_BURST &&
		(slot = perf_slots_take(&w->slots)) != NULL) {
		enum perf_next next = w->ops->next(w, slot);

		if (next == PERF_NEXT_REQUEST) {
			w->pending[w->pending_count++] = slot->request;
			continue;
		}
		perf_slots_give(&w->slots, slot);
		w->ended = next == PERF_NEXT_END;
		return;
	}
}

static unsigned int
submit(struct perf_worker *w)
{
	unsigned int accepted;
	uint64_t now;
	int ret;

	make_requests(w);
	if (w->pending_count == 0)
		return 0;
	now = now_ns();
	ret = fido_blk_submit(w->q, w->pending, w->pending_count);
	if (ret < 0) {
		report_error(w, w->pending[0].cookie, ret);
		perf_run_advance(w->run, PERF_STOP);
		return 0;
	}
	accepted = (unsigned int)ret;
	for (unsigned int i = 0; i < accepted; i++)
		((struct perf_slot *)w->pending[i].cookie)->start_ns = now;
	w->pending_count -= accepted;
	memmove(w->pending, &w->pending[accepted], w->pending_count * sizeof(w->pending[0]));
	fido_store_relaxed(&w->counters.inflight, w->counters.inflight + accepted);
	return accepted;
}

/* Without a time limit: a wake-up that is lost must show, as a run that stands still. */
static void
sleep_until_woken(struct perf_worker *w)
{
	struct pollfd fds[] = {
		{.fd = fido_blk_fd(w->q), .events = POLLIN},
		{.fd = w->run->wake[w->index], .events = POLLIN},
	};

	if (!fido_blk_arm(w->q))
		poll(fds, 2, -1);
	fido_blk_disarm(w->q);
	if (fds[1].revents != 0)
		perf_run_heard(fds[1].fd);
}

static void
stop(struct perf_worker *w)
{
	w->stopped = true;
	w->ended = true;
	/* What was not handed over never happens; its slots are of no more use. */
	w->pending_count = 0;
	w->ops->stop(w);
}

/* One turn. @return true: there will be another */
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
	flush_releases(w);
	if (!w->stopped)
		work += submit(w);
	if (w->ended && w->pending_count == 0 && w->counters.inflight == 0) {
		if (!w->stopped)
			stop(w);
		flush_releases(w);
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

static void
pin(const struct perf_worker *w)
{
	cpu_set_t set;
	unsigned int cpu;
	int err;

	if (w->opt->cpu_count == 0)
		return;
	cpu = w->opt->cpus[w->index % w->opt->cpu_count];
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	err = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (err != 0)
		fprintf(stderr,
			"fido-blk-perf: warning: queue %u cannot run on processor %u: %s: it runs anywhere\n",
			w->index, cpu, strerror(err));
}

void *
perf_worker_main(void *arg)
{
	struct perf_worker *w = arg;

	pin(w);
	while (turn(w))
		;
	w->unanswered = w->counters.inflight;
	fido_blk_queue_stats(w->q, &w->stats);
	perf_run_ended(w->run);
	return NULL;
}
