/* SPDX-License-Identifier: BSD-3-Clause */
/* fido-blk-perf: check a block volume across kills. See doc/fido-blk-perf.md. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <fido/blk.h>
#include <fido/domain.h>
#include <fido/log.h>

#include "options.h"
#include "output.h"
#include "team.h"

#define EXIT_USAGE 2
/* fido_blk_open() cannot be interrupted: so long at a time, signals are looked at in between. */
#define OPEN_SLICE_MS 1000
/* A volume that a killed one had for itself is free when its last write is done: asked so often. */
#define BUSY_US 20000

/* While it is tried again and again, only the last message is of interest. */
static bool mute_errors;

static void
on_message(enum fido_log_level level, const char *message)
{
	if (level > FIDO_LOG_WARNING || (level == FIDO_LOG_ERROR && mute_errors))
		return;
	fputs("fido-blk-perf: ", stderr);
	/* What others wrote may be in it. */
	for (; *message != '\0'; message++)
		fputc(*message >= ' ' && *message <= '~' ? *message : '?', stderr);
	fputc('\n', stderr);
}

/* Those that ask to end. */
static volatile sig_atomic_t signals;

static void
on_signal(int number)
{
	signals++;
}

/* libfido says what to do about its part; what to do with our options is added. */
static void
explain_open(const struct perf_options *opt, int err)
{
	fprintf(stderr, "fido-blk-perf: %s\n", fido_last_error());
	if (err == -ETIMEDOUT)
		fprintf(stderr,
			"fido-blk-perf: tried for %.1f s in all; --connect-timeout waits longer\n",
			opt->connect_timeout_s);
	else if (err == -EBUSY)
		fprintf(stderr,
			"fido-blk-perf: end the other client, or leave --exclusive out in both\n");
	else if (err == -EROFS)
		fprintf(stderr, "fido-blk-perf: give --read-only and --verify-only\n");
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* @return 0, -EINTR (a signal came), -errno; a message was written */
static int
open_volume(const struct perf_options *opt, struct fido_domain *domain, struct fido_blk **blk)
{
	struct fido_blk_config config = {
		.backend = opt->backend,
		.volume = opt->volume,
		.queues = (uint16_t)opt->queues,
		.depth = (uint32_t)opt->depth,
		.read_only = opt->read_only,
		.exclusive = opt->exclusive,
	};
	uint64_t start = now_ms();
	double left_ms;
	bool busy;
	int ret;

	mute_errors = true;
	do {
		left_ms = opt->connect_timeout_s * 1000 - (double)(now_ms() - start);
		config.timeout_ms = OPEN_SLICE_MS;
		if (left_ms < OPEN_SLICE_MS)
			config.timeout_ms = left_ms < 1 ? 1 : (int)left_ms;
		ret = fido_blk_open(domain, &config, blk);
		if (signals != 0) {
			if (ret == 0)
				fido_blk_close(*blk);
			ret = -EINTR;
		}
		busy = ret == -EBUSY && opt->exclusive;
		if (busy)
			usleep(BUSY_US);
	} while ((ret == -ETIMEDOUT && left_ms > OPEN_SLICE_MS) || (busy && left_ms > 0));
	mute_errors = false;
	if (ret == -EINTR)
		fprintf(stderr, "fido-blk-perf: ended before volume %s was open\n", opt->volume);
	else if (ret != 0)
		explain_open(opt, ret);
	return ret;
}

/* Tell what came of it. @return the exit status */
static int
report(const struct perf_options *opt, const struct perf_result *r)
{
	perf_result_print(stdout, opt, r);
	if (app_output_flush() != 0)
		return EXIT_FAILURE;
	if (r->unanswered != 0)
		fprintf(stderr,
			"fido-blk-perf: %" PRIu64
			" requests were not answered: is the backend gone? "
			"Start it again, or wait longer (--stop-timeout)\n",
			r->unanswered);
	if (r->failures != 0)
		fprintf(stderr, "fido-blk-perf: %" PRIu64 " errors or wrong blocks\n", r->failures);
	return r->unanswered != 0 || r->failures != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Open the volume, run, report. @return the exit status */
static int
use_volume(struct perf_options *opt, struct fido_domain *domain, struct perf_team *team)
{
	struct perf_result result = {0};
	struct fido_blk *blk;
	int ret = open_volume(opt, domain, &blk);
	int status = EXIT_FAILURE;

	if (ret != 0)
		return EXIT_FAILURE;
	ret = perf_team_open(team, opt, blk);
	if (ret == 0)
		ret = perf_team_run(team, &signals, &result);
	if (ret == 0)
		status = report(opt, &result);
	fido_blk_close(blk);
	return status;
}

static int
run(struct perf_options *opt)
{
	struct fido_domain_config config = {
		.group = opt->group,
		.name = opt->domain,
		.no_hugepages = opt->no_hugepages,
	};
	struct fido_domain *domain;
	struct perf_team team;
	int ret = fido_domain_join(&domain, &config), status = EXIT_FAILURE;

	if (ret == -EEXIST)
		fprintf(stderr, "fido-blk-perf: give another --domain than %s\n", opt->domain);
	if (ret != 0)
		return status;
	if (perf_team_create(&team, opt, domain) == 0) {
		status = use_volume(opt, domain, &team);
		perf_team_destroy(&team);
	}
	fido_domain_leave(domain);
	return status;
}

int
main(int argc, char **argv)
{
	struct perf_options opt;
	const struct sigaction action = {.sa_handler = on_signal};
	int ret;

	app_output_begin("fido-blk-perf");
	ret = perf_options_parse(&opt, argc, argv);
	if (ret < 0)
		return EXIT_USAGE;
	if (ret > 0)
		return app_output_end() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	fido_log_set(on_message);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	ret = run(&opt);
	return app_output_end() == 0 ? ret : EXIT_FAILURE;
}
