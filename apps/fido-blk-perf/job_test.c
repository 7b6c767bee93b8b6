/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves, on a fake front-end (fake_blk.h): a run without faults is clean and does what the options
 * say; each kind of fault is found; a run judges correctly what a killed run left; and a run ends
 * whatever the backend does.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_blk.h"
#include "team.h"

#define MIB (UINT64_C(1) << 20)

static struct perf_options opt;
static struct perf_result result;
static struct fake_config fake;
static struct fido_blk *blk;
static char path[64];
static const volatile sig_atomic_t no_signal;

static int
set_up(void **state)
{
	fake = (struct fake_config){.size = 2 * MIB};
	snprintf(path, sizeof(path), "job-test-%d", getpid());
	unlink(path);
	return 0;
}

static int
tear_down(void **state)
{
	if (blk != NULL)
		fake_blk_destroy(blk);
	blk = NULL;
	unlink(path);
	return 0;
}

/* The fixed seed makes one queue repeatable. A final "--state " gets the test's file appended. */
static void
parse(const char *line)
{
	static char words[1024];
	char *argv[48] = {"fido-blk-perf"}, *next = words, *word;
	int argc = 1;

	snprintf(words, sizeof(words),
		"--group g --backend fake --volume v --memory malloc --seed 1 %s%s", line,
		strstr(line, "--state") != NULL ? path : "");
	while ((word = strsep(&next, " ")) != NULL)
		argv[argc++] = word;
	assert_int_equal(perf_options_parse(&opt, argc, argv), 0);
	fake.queues = (uint16_t)opt.queues;
}

/* Run with the options in opt. @return the value of perf_team_open() */
static int
run_parsed(void)
{
	struct perf_team team;
	int ret;

	result = (struct perf_result){0};
	assert_int_equal(perf_team_create(&team, &opt, NULL), 0);
	ret = perf_team_open(&team, &opt, blk);
	if (ret == 0)
		assert_int_equal(perf_team_run(&team, &no_signal, &result), 0);
	perf_team_destroy(&team);
	return ret;
}

/* Run with these options on blk; create blk first if there is none. */
static void
run(const char *line)
{
	parse(line);
	if (blk == NULL)
		blk = fake_blk_create(&fake);
	assert_int_equal(run_parsed(), 0);
}

static void
run_clean(const char *line)
{
	run(line);
	assert_int_equal(result.failures, 0);
	assert_int_equal(result.checks.wrong, 0);
	assert_int_equal(result.unanswered, 0);
	assert_int_equal(result.total.errors, 0);
	assert_int_equal(fake_blk_lends(blk), 0);
}

static void
use_file(void)
{
	fake.file = memfd_create("job-test", MFD_CLOEXEC);
	assert_true(fake.file > 0);
	assert_int_equal(ftruncate(fake.file, (off_t)(2 * fake.size)), 0);
}

/* ---- nothing wrong ---- */

static void
runs_are_clean(void **state)
{
	static const char *const lines[] = {
		"--count 5000",
		"--count 5000 --copy",
		"--count 5000 --segments 7 --bs 4k-64k",
		"--count 5000 --segments 256 --bs 8k --copy",
		"--count 5000 --depth 1",
		"--count 5000 --depth 2 --idle sleep",
		"--count 20000 --queues 4 --bs 4k-32k --zeroes-percent 10 --discard-percent 10",
		"--count 5000 --verify-block 512 --bs 512-8k",
		"--count 5000 --read-percent 0 --fua",
		"--count 5000 --range 64k+256k --depth 200",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		print_message("%s\n", lines[i]);
		run_clean(lines[i]);
		assert_true(result.checks.blocks > 64);
		if (strstr(lines[i], "copy") == NULL && strstr(lines[i], "percent 0") == NULL &&
			strstr(lines[i], "depth 1") == NULL) {
			assert_true(result.checks.again > 100);
			assert_true(result.checks.overwritten > 10);
			assert_true(result.checks.overwritten < result.checks.again);
		}
		tear_down(state);
	}
}

static void
requests_are_what_the_options_say(void **state)
{
	const struct fake_seen *seen;

	fake.size = 16 * MIB;
	run_clean("--range 1m+64k --read-percent 70 --count 10000 --depth 8 --bs 4k-16k "
		  "--flush-every 10 --zeroes-percent 20 --discard-percent 10 --copy");
	seen = fake_blk_seen(blk, 0);
	assert_in_range(seen->ops[FIDO_BLK_READ], 6500, 7200);
	assert_in_range(seen->ops[FIDO_BLK_WRITE], 1900, 2300);
	assert_in_range(seen->ops[FIDO_BLK_WRITE_ZEROES], 480, 720);
	assert_in_range(seen->ops[FIDO_BLK_DISCARD], 200, 400);
	assert_in_range(seen->ops[FIDO_BLK_FLUSH], 270, 330);
	assert_int_equal(seen->max_length, 16384);
	assert_int_equal(seen->min_offset, MIB);
	assert_int_equal(seen->max_end, MIB + 65536);
	assert_int_equal(seen->most_inflight, 8);
	assert_int_equal(result.total.requests[FIDO_BLK_WRITE], seen->ops[FIDO_BLK_WRITE]);
	tear_down(state);
	run_clean("--read-percent 0 --fua --count 300 --queues 3");
	seen = fake_blk_seen(blk, 2);
	assert_true(seen->ops[FIDO_BLK_WRITE] >= 100);
	assert_int_equal(seen->fua, seen->ops[FIDO_BLK_WRITE]);
	assert_true(seen->min_offset > MIB);
}

/* FIRST writes every block, LAST reads every block. */
static void
every_block_is_written_and_read(void **state)
{
	run_clean("--count 1 --read-percent 0 --bs 64k");
	assert_int_equal(fake_blk_seen(blk, 0)->min_offset, 0);
	assert_int_equal(fake_blk_seen(blk, 0)->max_end, 2 * MIB);
	assert_true(result.total.bytes[FIDO_BLK_WRITE] >= 2 * MIB);
	assert_int_equal(result.checks.blocks, 2 * MIB / 4096);
}

static void
time_ends_it(void **state)
{
	run_clean("--time 0.3 --idle sleep --queues 2");
	assert_true(result.total.requests[FIDO_BLK_READ] > 100);
	assert_true(result.seconds >= 0.3);
	assert_true(result.seconds < 10);
}

/* The front-end accepts fewer requests than there are slots. */
static void
fewer_are_taken_than_are_made(void **state)
{
	fake.depth = 3;
	run_clean("--count 1000 --depth 64 --copy");
	assert_int_equal(fake_blk_seen(blk, 0)->most_inflight, 3);
}

static void
without_features_they_are_not_used(void **state)
{
	fake.features = FIDO_BLK_CAN_WRITE;
	run_clean("--count 2000");
	assert_int_equal(fake_blk_seen(blk, 0)->ops[FIDO_BLK_FLUSH], 0);
	assert_int_equal(fake_blk_seen(blk, 0)->fua, 0);
}

static void
what_the_volume_cannot_do_is_refused(void **state)
{
	static const char *const lines[] = {"--fua", "--zeroes-percent 1", "--discard-percent 1",
		"--bs 2m", "--range 1m+2m", "--range 4m+", "--range 100+", "--queues 32 --bs 128k",
		"--verify-block 512 --bs 4k"};

	fake.features = FIDO_BLK_CAN_WRITE;
	fake.block_size = 4096;
	blk = fake_blk_create(&fake);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		parse(lines[i]);
		if (run_parsed() != -22)
			fail_msg("taken: %s", lines[i]);
	}
}

/* ---- something wrong ---- */

static void
faults_are_found(void **state)
{
	static const struct {
		enum fake_fault fault;
		const char *line;
	} cases[] = {
		{FAKE_WRITE_LOST, "--count 3000"},
		{FAKE_WRITE_LOST, "--count 3000 --read-percent 0"},
		{FAKE_WRITE_TORN, "--count 3000"},
		{FAKE_WRITE_MISPLACED, "--count 3000"},
		{FAKE_ZEROES_LOST, "--count 3000 --zeroes-percent 30"},
		{FAKE_READ_FLIPPED, "--count 3000"},
		{FAKE_READ_FLIPPED, "--count 3000 --copy --segments 5"},
		{FAKE_READ_MISPLACED, "--count 3000"},
		{FAKE_LEND_LIVE, "--count 3000"},
		{FAKE_LEND_SHORT, "--count 3000"},
		{FAKE_LEND_NOTHING, "--count 3000"},
		{FAKE_ERROR, "--count 3000"},
		{FAKE_STALE, "--count 3000 --continue-on-error"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("fault %d: %s\n", cases[i].fault, cases[i].line);
		fake.fault = cases[i].fault;
		fake.after = 300;
		run(cases[i].line);
		assert_true(fake_blk_seen(blk, 0)->faults > 0);
		assert_true(result.failures > 0);
		if (cases[i].fault != FAKE_ERROR && cases[i].fault != FAKE_STALE)
			assert_true(result.checks.wrong > 0);
		assert_int_equal(fake_blk_lends(blk), 0);
		tear_down(state);
	}
}

static void
an_error_stops_the_run_or_not(void **state)
{
	fake.fault = FAKE_ERROR;
	fake.after = 600;
	run("--count 100000 --depth 4");
	assert_true(result.total.requests[FIDO_BLK_READ] < 1000);
	tear_down(state);
	run("--count 6000 --depth 4 --continue-on-error");
	assert_in_range(result.total.errors, 250, 400);
	assert_int_equal(result.failures, result.total.errors);
}

static void
a_backend_without_answers_does_not_keep_us(void **state)
{
	static const char *const lines[] = {"--time 1 --depth 8 --stop-timeout 0.3",
		"--time 1 --depth 8 --stop-timeout 0.3 --idle sleep"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		fake.fault = FAKE_NO_ANSWER;
		fake.after = 1000;
		run(lines[i]);
		/* Kept lends may occupy some of the slots. */
		assert_in_range(result.unanswered, 4, 8);
		assert_true(result.seconds < 10);
		tear_down(state);
	}
}

/* ---- a later run continues ---- */

/* Start a run, and kill it while it runs. The volume outlives it. */
static void
run_and_be_killed(const char *line, unsigned int after_us)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		run(line);
		_exit(2);
	}
	usleep(after_us);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* The signal ended it: it did not exit by itself. */
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
what_a_killed_run_leaves_is_right(void **state)
{
	char line[200];
	uint8_t byte;

	use_file();
	/* Write every block first: one that was never written may hold anything. */
	run_clean("--read-percent 0 --count 1 --state ");
	fake_blk_destroy(blk);
	blk = NULL;
	for (unsigned int i = 0; i < 20; i++) {
		snprintf(line, sizeof(line),
			"--time 100 --queues %u --bs 4k-64k --zeroes-percent 5 --seed %u --state ",
			1 + i % 3, i);
		run_and_be_killed(line, 2000 + 4000 * i);
	}
	run_clean("--verify-only --state ");
	assert_int_equal(result.checks.blocks, 2 * MIB / 4096);
	/* One changed byte is found. */
	assert_int_equal(pread(fake.file, &byte, 1, 4096 * 100 + 777), 1);
	byte ^= 0xff;
	assert_int_equal(pwrite(fake.file, &byte, 1, 4096 * 100 + 777), 1);
	run("--verify-only --state ");
	assert_int_equal(result.checks.wrong, 1);
	close(fake.file);
}

/* Version 1 that another state file wrote is not version 1 of this one. */
static void
another_history_is_not_this_one(void **state)
{
	static const char line[] = "--read-percent 0 --count 1 --range +1m --state ";
	uint8_t old[4096], new[4096];

	use_file();
	run(line);
	assert_int_equal(pread(fake.file, old, sizeof(old), 0), sizeof(old));
	unlink(path);
	run_clean(line);
	assert_int_equal(pread(fake.file, new, sizeof(new), 0), sizeof(new));
	assert_memory_not_equal(old, new, sizeof(old));
	assert_int_equal(pwrite(fake.file, old, sizeof(old), 0), sizeof(old));
	run("--verify-only --range +1m --state ");
	assert_int_equal(result.checks.wrong, 1);
	close(fake.file);
}

static void
what_power_takes_is_judged_by_flushes(void **state)
{
	run_clean("--count 3000 --flush-every 500 --bs 4k-16k --queues 2 --state ");
	fake_blk_lose_power(blk);
	/* A run does not end with a flush, so some writes are always lost. */
	run("--verify-only --queues 2 --state ");
	assert_true(result.checks.wrong > 0);
	run_clean("--verify-only --queues 2 --after-power-loss --state ");
	/* What that run found has become what must be there. */
	run_clean("--verify-only --queues 2 --state ");
}

static void
a_flush_that_does_nothing_is_found(void **state)
{
	fake.fault = FAKE_FLUSH_NOTHING;
	fake.after = 1;
	run_clean("--count 3000 --flush-every 100 --state ");
	fake_blk_lose_power(blk);
	run("--verify-only --after-power-loss --continue-on-error --state ");
	assert_true(result.checks.wrong > 0);
}

static void
other_contents_are_not_judged(void **state)
{
	run_clean("--count 10 --state ");
	parse("--count 10 --range +1m --state ");
	assert_true(run_parsed() < 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(runs_are_clean),
		TEST(requests_are_what_the_options_say),
		TEST(every_block_is_written_and_read),
		TEST(time_ends_it),
		TEST(fewer_are_taken_than_are_made),
		TEST(without_features_they_are_not_used),
		TEST(what_the_volume_cannot_do_is_refused),
		TEST(faults_are_found),
		TEST(an_error_stops_the_run_or_not),
		TEST(a_backend_without_answers_does_not_keep_us),
		TEST(what_a_killed_run_leaves_is_right),
		TEST(another_history_is_not_this_one),
		TEST(what_power_takes_is_judged_by_flushes),
		TEST(a_flush_that_does_nothing_is_found),
		TEST(other_contents_are_not_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
