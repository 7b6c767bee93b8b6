/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <fido/atomic.h>

#include "load.h"
#include "output.h"
#include "team.h"

#define NS_PER_S UINT64_C(1000000000)

/* What the main thread watches. */
struct watch {
	struct perf_team *team;
	struct perf_totals start;
	struct perf_totals last; /* of the last status line */
	uint64_t line_ns; /* the next one; UINT64_MAX: none */
	uint64_t end_ns; /* --time is over; UINT64_MAX: not known yet, or never */
	uint64_t answers; /* how many had come ... */
	uint64_t answers_ns; /* ... when it was looked at last and there were new ones */
};

static int
create_worker(struct perf_team *team, struct fido_domain *domain, uint16_t i)
{
	struct perf_worker *w = &team->workers[i];
	const struct perf_options *opt = team->opt;
	int ret;

	w->opt = opt;
	w->run = &team->run;
	w->index = i;
	w->budget = opt->count == 0 ? UINT64_MAX
				    : opt->count / team->count + (i < opt->count % team->count);
	w->random.state = opt->seed + i;
	ret = perf_slots_create(&w->slots, opt, domain);
	if (ret != 0)
		fprintf(stderr,
			"fido-blk-perf: no memory for %" PRIu32 " requests of %" PRIu32
			" bytes: %s: give a smaller --depth or --bs\n",
			opt->depth, opt->bs_max, strerror(-ret));
	return ret;
}

int
perf_team_create(struct perf_team *team, const struct perf_options *opt, struct fido_domain *domain)
{
	int ret;

	*team = (struct perf_team){.opt = opt, .count = opt->queues};
	ret = perf_run_create(&team->run, team->count);
	if (ret != 0) {
		fprintf(stderr,
			"fido-blk-perf: no eventfd: %s: may this process have more files (ulimit -n)?\n",
			strerror(-ret));
		return ret;
	}
	team->workers = calloc(team->count, sizeof(team->workers[0]));
	if (team->workers == NULL) {
		fprintf(stderr, "fido-blk-perf: no memory for %u queues\n", team->count);
		perf_run_destroy(&team->run);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < team->count && ret == 0; i++)
		ret = create_worker(team, domain, (uint16_t)i);
	if (ret != 0)
		perf_team_destroy(team);
	return ret;
}

static int
open_worker(struct perf_team *team, const struct perf_volume_range *range, uint16_t i)
{
	struct perf_worker *w = &team->workers[i];
	struct perf_volume_range stripe = perf_volume_stripe(team->opt, range, i);
	int ret;

	w->q = fido_blk_queue(team->blk, i);
	w->stripe_offset = stripe.offset;
	w->stripe_length = stripe.length;
	w->ops = team->verifies ? &perf_verify_ops : &perf_load_ops;
	ret = team->verifies ? perf_verify_create(w, &team->verify) : perf_load_create(w);
	if (ret != 0)
		fprintf(stderr, "fido-blk-perf: no memory for queue %u\n", i);
	return ret;
}

int
perf_team_open(struct perf_team *team, struct fido_blk *blk, const struct perf_volume_range *range)
{
	int ret = 0;

	team->blk = blk;
	if (team->opt->verify) {
		ret = perf_verify_open(&team->verify, team->opt, fido_blk_info(blk), range->offset,
			range->length);
		team->verifies = ret == 0;
	}
	for (unsigned int i = 0; i < team->count && ret == 0; i++)
		ret = open_worker(team, range, (uint16_t)i);
	return ret;
}

void
perf_team_destroy(struct perf_team *team)
{
	for (unsigned int i = 0; i < team->count; i++) {
		struct perf_worker *w = &team->workers[i];

		if (team->verifies)
			perf_verify_destroy(w);
		else
			perf_load_destroy(w);
		perf_slots_destroy(&w->slots);
	}
	if (team->verifies)
		perf_verify_close(&team->verify);
	free(team->workers);
	perf_run_destroy(&team->run);
}

static int
start_threads(struct perf_team *team)
{
	for (unsigned int i = 0; i < team->count; i++) {
		struct perf_worker *w = &team->workers[i];
		int err = pthread_create(&w->thread, NULL, perf_worker_main, w);

		w->started = err == 0;
		if (err == 0)
			continue;
		fprintf(stderr, "fido-blk-perf: cannot start a thread: %s\n", strerror(err));
		for (; i < team->count; i++)
			perf_run_ended(&team->run);
		perf_run_advance(&team->run, PERF_STOP);
		return -err;
	}
	return 0;
}

static void
on_signal(struct perf_team *team, int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return;
	/* Who asks twice does not want to wait. */
	perf_run_advance(&team->run,
		perf_run_phase(&team->run) >= PERF_STOP ? PERF_ABANDON : PERF_STOP);
}

static void
watch_time(struct watch *w, uint64_t now)
{
	struct perf_team *team = w->team;
	bool ready = fido_load_acquire(&team->run.ready) == team->count;

	if (w->end_ns == UINT64_MAX && ready && team->opt->time_s > 0)
		w->end_ns = now + (uint64_t)(team->opt->time_s * 1e9);
	if (now >= w->end_ns)
		perf_run_advance(&team->run, PERF_FINISH);
}

/* At the end: is anything still coming? A backend that is away must not keep us for ever. */
static void
watch_answers(struct watch *w, const struct perf_totals *now)
{
	struct perf_team *team = w->team;
	uint64_t answers = now->errors;

	for (unsigned int op = 0; op < 8; op++)
		answers += now->requests[op];
	if (answers != w->answers || perf_run_phase(&team->run) < PERF_FINISH) {
		w->answers = answers;
		w->answers_ns = now->time_ns;
		return;
	}
	if (now->time_ns - w->answers_ns >= (uint64_t)(team->opt->stop_timeout_s * 1e9))
		perf_run_advance(&team->run, PERF_ABANDON);
}

static void
watch_line(struct watch *w, const struct perf_totals *now)
{
	if (now->time_ns < w->line_ns)
		return;
	perf_result_print_line(stdout, &w->start, &w->last, now,
		fido_blk_is_connected(w->team->blk));
	app_output_flush();
	w->last = *now;
	/* A line that came late (the machine was busy) does not make others come early. */
	while (w->line_ns <= now->time_ns)
		w->line_ns += NS_PER_S;
}

static int
timeout_ms(const struct watch *w, uint64_t now)
{
	uint64_t next = w->line_ns < w->end_ns ? w->line_ns : w->end_ns;

	/* In the end phases end_ns is past, and answers are to be watched. */
	if (perf_run_phase(&w->team->run) >= PERF_FINISH || next == UINT64_MAX)
		return 100;
	return next <= now
		? 0
		: (int)((next - now) / 1000000 < 1000 ? (next - now) / 1000000 + 1 : 1000);
}

static void
watch_until_end(struct watch *w, int signals)
{
	struct perf_team *team = w->team;
	struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
		{.fd = team->run.news, .events = POLLIN}};
	struct perf_totals now = w->start;

	while (fido_load_acquire(&team->run.running) != 0) {
		poll(fds, 2, timeout_ms(w, now.time_ns));
		if (fds[0].revents != 0)
			on_signal(team, signals);
		perf_run_heard(team->run.news);
		now = perf_result_now(team->workers, team->count);
		watch_time(w, now.time_ns);
		watch_line(w, &now);
		watch_answers(w, &now);
	}
}

int
perf_team_run(struct perf_team *team, int signals, struct perf_result *result)
{
	struct watch watch = {.team = team, .end_ns = UINT64_MAX, .line_ns = UINT64_MAX};
	int ret;

	watch.start = perf_result_now(team->workers, team->count);
	watch.last = watch.start;
	watch.answers_ns = watch.start.time_ns;
	if (!team->opt->quiet && !team->opt->json)
		watch.line_ns = watch.start.time_ns + NS_PER_S;
	ret = start_threads(team);
	watch_until_end(&watch, signals);
	for (unsigned int i = 0; i < team->count; i++)
		if (team->workers[i].started)
			pthread_join(team->workers[i].thread, NULL);
	result->info = *fido_blk_info(team->blk);
	perf_result_collect(result, team->opt, team->workers, team->count, &watch.start);
	result->failures = fido_load_relaxed(&team->run.failures);
	return ret;
}
