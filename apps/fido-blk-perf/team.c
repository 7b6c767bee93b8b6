/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <fido/atomic.h>

#include "team.h"

/* So often the main thread looks whether it is time, or all have ended. */
#define WATCH_US 10000

/* What the volume cannot do is refused; its range becomes one of whole blocks. */
static int
settle(struct perf_options *opt, const struct fido_blk_info *info)
{
	uint64_t unit = opt->verify_block, offset = opt->range_offset;
	bool writes = opt->read_percent != 100, flush = info->features & FIDO_BLK_CAN_FLUSH;
	bool beyond = offset > info->size || opt->range_length > info->size - offset;
	uint64_t length = opt->range_length != 0 ? opt->range_length : info->size - offset;
	const struct {
		bool wrong;
		const char *what;
		uint64_t number;
	} rules[] = {
		{unit % info->block_size != 0, "--verify-block must be a multiple of its blocks",
			info->block_size},
		{opt->bs_max > info->max_transfer, "--bs must not be more than a request can have",
			info->max_transfer},
		{writes && opt->segments > info->max_segments,
			"--segments must not be more than the pieces that a write can have",
			info->max_segments},
		{writes && opt->fua && (info->features & FIDO_BLK_CAN_FUA) == 0,
			"it has no FUA: leave --fua out", 0},
		{writes && opt->zeroes_percent != 0 &&
				(info->features & FIDO_BLK_CAN_WRITE_ZEROES) == 0,
			"it has no write of zeroes: leave --zeroes-percent out", 0},
		{writes && opt->discard_percent != 0 &&
				(info->features & FIDO_BLK_CAN_DISCARD) == 0,
			"it has no discard: leave --discard-percent out", 0},
		{beyond, "--range goes beyond that", info->size},
		{offset % unit != 0 || opt->range_length % unit != 0,
			"--range must be made of multiples of --verify-block", unit},
		{!beyond && length / opt->queues / opt->bs_min * opt->bs_min < opt->bs_max,
			"the part of a queue is too little for --bs: give fewer --queues, or a larger "
			"--range",
			length / opt->queues},
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!rules[i].wrong)
			continue;
		fprintf(stderr, "fido-blk-perf: volume %s of %s: %s", opt->volume, opt->backend,
			rules[i].what);
		if (rules[i].number != 0)
			fprintf(stderr, " (%" PRIu64 " bytes)", rules[i].number);
		fputc('\n', stderr);
		return -EINVAL;
	}
	opt->range_length = length / unit * unit;
	if (!writes || !flush)
		opt->flush_every = 0;
	return 0;
}

/* ---- making ---- */

int
perf_team_create(struct perf_team *team, const struct perf_options *opt, struct fido_domain *domain)
{
	unsigned int n = (unsigned int)opt->queues;
	int ret = 0;

	*team = (struct perf_team){.opt = opt, .count = n, .run = {.opt = opt, .running = n}};
	team->run.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (team->run.wake < 0) {
		ret = -errno;
		fprintf(stderr,
			"fido-blk-perf: no eventfd: %s: may this process have more files (ulimit -n)?\n",
			strerror(-ret));
		return ret;
	}
	team->workers = calloc(n, sizeof(team->workers[0]));
	for (unsigned int i = 0; team->workers != NULL && i < n; i++)
		team->workers[i] = (struct perf_worker){.opt = opt,
			.run = &team->run,
			.index = (uint16_t)i,
			.random.state = opt->seed + i,
			.budget = opt->count == 0 ? UINT64_MAX
						  : opt->count / n + (i < opt->count % n)};
	for (unsigned int i = 0; team->workers != NULL && i < n && ret == 0; i++)
		ret = perf_worker_create(&team->workers[i], domain);
	if (team->workers != NULL && ret == 0)
		return 0;
	ret = ret != 0 ? ret : -ENOMEM;
	fprintf(stderr,
		"fido-blk-perf: no memory for %" PRIu64 " requests of %" PRIu64
		" bytes: %s: give a smaller --depth or --bs\n",
		opt->depth, opt->bs_max, strerror(-ret));
	perf_team_destroy(team);
	return ret;
}

static int
open_state(struct perf_run *run, const struct fido_blk_info *info)
{
	const struct perf_options *opt = run->opt;
	struct perf_state_config config = {
		.volume = perf_block_sum(opt->volume, strlen(opt->volume)),
		.identity = info->identity,
		.volume_size = info->size,
		.offset = opt->range_offset,
		.length = opt->range_length,
		.block_size = opt->verify_block,
	};
	int ret = perf_state_open(&run->state, opt->state, &config);

	run->volume = config.volume ^ run->state.history;
	run->block_size = (uint32_t)config.block_size;
	run->can_flush = info->features & FIDO_BLK_CAN_FLUSH;
	run->can_fua = info->features & FIDO_BLK_CAN_FUA;
	return ret;
}

int
perf_team_open(struct perf_team *team, struct perf_options *opt, struct fido_blk *blk)
{
	const struct fido_blk_info *info = fido_blk_info(blk);
	int ret = settle(opt, info);
	uint64_t all = opt->range_length / opt->verify_block,
		 unit = opt->bs_min / opt->verify_block;
	uint64_t each = all / opt->queues / unit * unit;

	if (ret == 0)
		ret = open_state(&team->run, info);
	team->has_state = ret == 0;
	for (unsigned int i = 0; i < team->count && ret == 0; i++) {
		ret = perf_worker_open(&team->workers[i], blk, i * each,
			i + 1 < team->count ? each : all - i * each);
		if (ret != 0)
			fprintf(stderr, "fido-blk-perf: no memory for queue %u\n", i);
	}
	return ret;
}

void
perf_team_destroy(struct perf_team *team)
{
	for (unsigned int i = 0; team->workers != NULL && i < team->count; i++)
		perf_worker_destroy(&team->workers[i]);
	if (team->has_state)
		perf_state_close(&team->run.state);
	free(team->workers);
	close(team->run.wake);
}

/* ---- results ---- */

/* All of these are numbers of 64 bits. */
static void
add(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size / sizeof(uint64_t); i++)
		((uint64_t *)to)[i] += fido_load_relaxed(&((const uint64_t *)from)[i]);
}

/* While they run, too. */
static void
add_counters(struct perf_counters *total, const struct perf_team *team)
{
	for (unsigned int i = 0; i < team->count; i++)
		add(total, &team->workers[i].counters, sizeof(*total));
}

/* After they have ended. */
static void
collect(struct perf_result *r, const struct perf_team *team)
{
	add_counters(&r->total, team);
	for (const struct perf_worker *w = team->workers; w < team->workers + team->count; w++) {
		add(&r->stats, &w->stats, sizeof(r->stats));
		add(&r->checks, &w->checks, sizeof(r->checks));
		add(&r->unanswered, &w->unanswered, sizeof(r->unanswered));
	}
	r->failures = fido_load_relaxed(&team->run.failures);
}

void
perf_result_print(FILE *out, const struct perf_options *opt, const struct perf_result *r)
{
	const struct fido_blk_stats *s = &r->stats;
	const struct perf_checks *c = &r->checks;
	static const char *const names[] = {"read", "write", "flush", "discard", "zeroes"};
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {{"lent", s->lent}, {"copied_reads", s->copied_reads},
		{"copied_writes", s->copied_writes}, {"resent", s->resent},
		{"sessions", s->sessions}, {"errors", r->total.errors},
		{"unanswered", r->unanswered}, {"failures", r->failures}};

	fprintf(out, "{\"app\":\"fido-blk-perf\",\"queues\":%" PRIu64 ",\"seed\":%" PRIu64,
		opt->queues, opt->seed);
	fprintf(out, ",\"seconds\":%.3f", r->seconds);
	for (unsigned int op = FIDO_BLK_READ; op <= FIDO_BLK_WRITE_ZEROES; op++)
		fprintf(out, ",\"%s\":{\"requests\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
			names[op - 1], r->total.requests[op], r->total.bytes[op]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		fprintf(out, ",\"%s\":%" PRIu64, numbers[i].key, numbers[i].value);
	fprintf(out,
		",\"verify\":{\"blocks\":%" PRIu64 ",\"lent_again\":%" PRIu64
		",\"overwritten\":%" PRIu64 ",\"wrong\":%" PRIu64 "}}\n",
		c->blocks, c->again, c->overwritten, c->wrong);
}

/* ---- running ---- */

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
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
		__atomic_fetch_sub(&team->run.running, team->count - i, __ATOMIC_RELEASE);
		perf_run_advance(&team->run, PERF_STOP);
		return -err;
	}
	return 0;
}

/* At the end: is anything still coming? A backend that is away must not keep us for ever. */
static void
watch_answers(struct perf_team *team, uint64_t *answers, double *since, double now)
{
	struct perf_counters total = {0};
	uint64_t have;

	add_counters(&total, team);
	have = total.errors;
	for (unsigned int op = 0; op < 8; op++)
		have += total.requests[op];
	if (have != *answers || perf_run_phase(&team->run) < PERF_FINISH) {
		*answers = have;
		*since = now;
	} else if (now - *since >= team->opt->stop_timeout_s) {
		perf_run_advance(&team->run, PERF_ABANDON);
	}
}

static void
watch_until_end(struct perf_team *team, const volatile sig_atomic_t *signals)
{
	double since = now_s(), end = 0;
	uint64_t answers = 0;

	while (fido_load_acquire(&team->run.running) != 0) {
		double now;

		usleep(WATCH_US);
		if (*signals != 0)
			perf_run_advance(&team->run, *signals > 1 ? PERF_ABANDON : PERF_STOP);
		now = now_s();
		if (end == 0 && team->opt->time_s > 0 &&
			fido_load_acquire(&team->run.ready) == team->count)
			end = now + team->opt->time_s;
		if (end != 0 && now >= end)
			perf_run_advance(&team->run, PERF_FINISH);
		watch_answers(team, &answers, &since, now);
	}
}

int
perf_team_run(struct perf_team *team, const volatile sig_atomic_t *signals,
	struct perf_result *result)
{
	double start = now_s();
	int ret = start_threads(team);

	watch_until_end(team, signals);
	for (unsigned int i = 0; i < team->count; i++)
		if (team->workers[i].started)
			pthread_join(team->workers[i].thread, NULL);
	result->seconds = now_s() - start;
	collect(result, team);
	return ret;
}
