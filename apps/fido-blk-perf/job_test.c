/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves, on a front-end of the test's own (fake_blk.h): a run without faults is clean and does
 * what the options say; --verify finds each kind of fault; what a killed run has left is judged
 * rightly by the next; and a run ends whatever the backend does.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_blk.h"
#include "team.h"

#define MIB (UINT64_C(1) << 20)
#define WORDS 48

static struct perf_result result;
static struct fake_config fake;
static struct fido_blk *blk;
static char state_path[64];

static int
set_up(void **state)
{
	fake = (struct fake_config){.size = 2 * MIB};
	memset(&result, 0, sizeof(result));
	snprintf(state_path, sizeof(state_path), "job-test-%d", getpid());
	unlink(state_path);
	return 0;
}

static int
tear_down(void **state)
{
	if (blk != NULL)
		fake_blk_destroy(blk);
	blk = NULL;
	unlink(state_path);
	return 0;
}

static void
parse(struct perf_options *opt, const char *line)
{
	static char words[1024];
	char *argv[WORDS] = {"fido-blk-perf"}, *next = words, *word;
	int argc = 1;

	/* With a seed, one queue does the same each time. */
	snprintf(words, sizeof(words),
		"--group g --backend fake --volume v --memory malloc --quiet --seed 1 %s", line);
	while ((word = strsep(&next, " ")) != NULL)
		argv[argc++] = word;
	assert_int_equal(perf_options_parse(opt, argc, argv), 0);
}

/* One run with these options on blk, which is made if there is none. */
static void
run(const char *line)
{
	struct perf_volume_range range;
	struct perf_options opt;
	struct perf_team team;

	parse(&opt, line);
	fake.queues = opt.queues;
	if (blk == NULL)
		blk = fake_blk_create(&fake);
	memset(&result, 0, sizeof(result));
	assert_int_equal(perf_volume_settle(&opt, fido_blk_info(blk), &range), 0);
	assert_int_equal(perf_team_create(&team, &opt, NULL), 0);
	assert_int_equal(perf_team_open(&team, blk, &range), 0);
	assert_int_equal(perf_team_run(&team, -1, &result), 0);
	perf_team_destroy(&team);
}

static void
assert_clean(void)
{
	assert_int_equal(result.failures, 0);
	assert_int_equal(result.checks.wrong, 0);
	assert_int_equal(result.unanswered, 0);
	assert_int_equal(result.total.errors, 0);
	assert_int_equal(fake_blk_lends(blk), 0);
}

/* ---- load ---- */

static void
a_load_is_what_the_options_say(void **state)
{
	const struct fake_seen *seen;

	run("--rw mix --read-percent 70 --count 10000 --depth 8 --bs 4k-16k --flush-every 10 --zeroes-percent 20 --discard-percent 10 --touch");
	seen = fake_blk_seen(blk, 0);
	assert_clean();
	assert_int_equal(seen->ops[FIDO_BLK_READ] + seen->ops[FIDO_BLK_WRITE] +
			seen->ops[FIDO_BLK_FLUSH] + seen->ops[FIDO_BLK_DISCARD] +
			seen->ops[FIDO_BLK_WRITE_ZEROES],
		10000);
	assert_in_range(seen->ops[FIDO_BLK_READ], 6500, 7200);
	assert_in_range(seen->ops[FIDO_BLK_WRITE], 1900, 2300);
	assert_in_range(seen->ops[FIDO_BLK_WRITE_ZEROES], 480, 720);
	assert_in_range(seen->ops[FIDO_BLK_DISCARD], 200, 400);
	assert_in_range(seen->ops[FIDO_BLK_FLUSH], 270, 330);
	assert_int_equal(seen->min_length, 4096);
	assert_int_equal(seen->max_length, 16384);
	assert_true(seen->min_offset < 64 * 1024);
	assert_true(seen->max_end > 2 * MIB - 64 * 1024);
	assert_int_equal(seen->most_inflight, 8);
	assert_int_equal(seen->fua, 0);
	assert_int_equal(result.latency[FIDO_BLK_READ].count, seen->ops[FIDO_BLK_READ]);
	assert_int_equal(result.total.requests[FIDO_BLK_WRITE], seen->ops[FIDO_BLK_WRITE]);
}

static void
sequential_is_sequential_in_its_part(void **state)
{
	run("--rw write --pattern seq --count 301 --queues 3 --range 256k+1m --bs 8k --fua --segments 3");
	assert_clean();
	for (uint16_t i = 0; i < 3; i++) {
		const struct fake_seen *seen = fake_blk_seen(blk, i);

		/*
		 * It begins anew when it comes to the end: 42 requests fit into a third of a MiB.
		 */
		assert_int_equal(seen->ops[FIDO_BLK_WRITE], i == 0 ? 101 : 100);
		assert_int_equal(seen->not_sequential, 3);
		assert_int_equal(seen->fua, seen->ops[FIDO_BLK_WRITE]);
		assert_int_equal(seen->min_offset, 256 * 1024 + i * 42 * 8192);
		assert_true(seen->max_end <=
			256 * 1024 + (i == 2 ? MIB : (i + UINT64_C(1)) * 42 * 8192));
	}
}

static void
time_ends_it(void **state)
{
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	run("--time 0.3 --idle sleep --queues 2");
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_clean();
	assert_true(result.total.requests[FIDO_BLK_READ] > 100);
	assert_true(result.seconds >= 0.3);
	assert_true(after.tv_sec - before.tv_sec < 10);
}

/* The library takes fewer requests than there are slots. */
static void
fewer_are_taken_than_are_made(void **state)
{
	fake.depth = 3;
	run("--count 1000 --depth 64 --copy");
	assert_clean();
	assert_int_equal(result.total.requests[FIDO_BLK_READ], 1000);
	assert_int_equal(fake_blk_seen(blk, 0)->most_inflight, 3);
}

/* ---- verify, nothing wrong ---- */

static void
verified_runs_are_clean(void **state)
{
	static const char *const lines[] = {
		"--verify --count 5000",
		"--verify --count 5000 --copy",
		"--verify --count 5000 --segments 7 --bs 4k-64k",
		"--verify --count 5000 --segments 256 --bs 8k --copy",
		"--verify --count 5000 --depth 1",
		"--verify --count 5000 --depth 2 --idle sleep",
		"--verify --count 20000 --queues 4 --bs 4k-32k --zeroes-percent 10 --discard-percent 10",
		"--verify --count 5000 --pattern seq --bs 4k-32k",
		"--verify --count 5000 --verify-block 512 --bs 512-8k",
		"--verify --count 5000 --rw write --fua",
		"--verify --count 5000 --range 64k+256k --depth 200",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		print_message("%s\n", lines[i]);
		run(lines[i]);
		assert_clean();
		assert_true(result.checks.blocks > 64);
		if (strstr(lines[i], "copy") == NULL && strstr(lines[i], "write") == NULL &&
			strstr(lines[i], "depth 1") == NULL) {
			assert_true(result.checks.again > 100);
			assert_true(result.checks.overwritten > 10);
			assert_true(result.checks.overwritten < result.checks.again);
		}
		tear_down(state);
	}
}

/* All is written at first, all is read at the end. */
static void
every_block_is_written_and_read(void **state)
{
	run("--verify --count 1 --rw write --bs 64k");
	assert_clean();
	assert_int_equal(fake_blk_seen(blk, 0)->min_offset, 0);
	assert_int_equal(fake_blk_seen(blk, 0)->max_end, 2 * MIB);
	assert_true(result.total.bytes[FIDO_BLK_WRITE] >= 2 * MIB);
	assert_int_equal(result.checks.blocks, 2 * MIB / 4096);
}

static void
without_features_they_are_not_used(void **state)
{
	fake.features = FIDO_BLK_CAN_WRITE;
	run("--verify --count 2000");
	assert_clean();
	assert_int_equal(fake_blk_seen(blk, 0)->ops[FIDO_BLK_FLUSH], 0);
	assert_int_equal(fake_blk_seen(blk, 0)->fua, 0);
}

static void
what_the_volume_cannot_do_is_refused(void **state)
{
	static const char *const lines[] = {"--rw write --fua", "--rw write --flush-every 3",
		"--rw write --zeroes-percent 1", "--rw write --discard-percent 1", "--bs 2m",
		"--bs 512", "--range 1m+2m", "--range 4m+", "--range 100+", "--queues 32 --bs 128k",
		"--verify --verify-block 512 --bs 4k"};
	struct perf_volume_range range;
	struct perf_options opt;

	fake.features = FIDO_BLK_CAN_WRITE;
	fake.block_size = 4096;
	blk = fake_blk_create(&fake);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		parse(&opt, lines[i]);
		if (perf_volume_settle(&opt, fido_blk_info(blk), &range) != -22)
			fail_msg("taken: %s", lines[i]);
	}
}

/* ---- verify, something wrong ---- */

static void
faults_are_found(void **state)
{
	static const struct {
		enum fake_fault fault;
		const char *line;
	} cases[] = {
		{FAKE_WRITE_LOST, "--verify --count 3000"},
		{FAKE_WRITE_LOST, "--verify --count 3000 --rw write"},
		{FAKE_WRITE_TORN, "--verify --count 3000"},
		{FAKE_WRITE_MISPLACED, "--verify --count 3000"},
		{FAKE_ZEROES_LOST, "--verify --count 3000 --zeroes-percent 30"},
		{FAKE_READ_FLIPPED, "--verify --count 3000"},
		{FAKE_READ_FLIPPED, "--verify --count 3000 --copy --segments 5"},
		{FAKE_READ_MISPLACED, "--verify --count 3000"},
		{FAKE_LEND_LIVE, "--verify --count 3000"},
		{FAKE_LEND_SHORT, "--verify --count 3000"},
		{FAKE_LEND_NOTHING, "--verify --count 3000"},
		{FAKE_ERROR, "--verify --count 3000"},
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
	fake.after = 10;
	run("--count 100000 --depth 4");
	assert_true(result.total.requests[FIDO_BLK_READ] < 1000);
	tear_down(state);
	run("--count 6010 --depth 4 --continue-on-error");
	assert_int_equal(result.total.requests[FIDO_BLK_READ], 5710);
	assert_int_equal(result.total.errors, 300);
	assert_int_equal(result.failures, 300);
}

/* ---- ends ---- */

static void
a_backend_without_answers_does_not_keep_us(void **state)
{
	static const char *const lines[] = {"--time 1 --depth 8 --stop-timeout 0.3",
		"--time 1 --depth 8 --stop-timeout 0.3 --verify",
		"--time 1 --depth 8 --stop-timeout 0.3 --verify --idle sleep"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		fake.fault = FAKE_NO_ANSWER;
		fake.after = 1000;
		run(lines[i]);
		/* Some of the slots may have been kept lends. */
		assert_in_range(result.unanswered, i == 0 ? 8 : 4, 8);
		assert_true(result.seconds < 10);
		tear_down(state);
	}
}

/* ---- killed ---- */

/* Run and be killed in the middle, with a volume that outlives it. */
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
	/* And not before, by itself. */
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
what_a_killed_run_leaves_is_right(void **state)
{
	char killed[200], next[200];

	fake.file = memfd_create("job-test", MFD_CLOEXEC);
	assert_true(fake.file > 0);
	assert_int_equal(ftruncate(fake.file, (off_t)(2 * fake.size)), 0);
	/* All is written once before: a block that never was may hold anything. */
	snprintf(killed, sizeof(killed), "--verify --rw write --count 1 --state %s", state_path);
	run(killed);
	assert_clean();
	fake_blk_destroy(blk);
	blk = NULL;
	for (unsigned int i = 0; i < 20; i++) {
		snprintf(killed, sizeof(killed),
			"--verify --time 100 --queues %u --bs 4k-64k --state %s --zeroes-percent 5 --seed %u",
			1 + i % 3, state_path, i);
		run_and_be_killed(killed, 2000 + 4000 * i);
	}
	snprintf(next, sizeof(next), "--verify-only --state %s", state_path);
	run(next);
	assert_clean();
	assert_int_equal(result.checks.blocks, 2 * MIB / 4096);
	/* The same is found wrong when one byte of it is. */
	assert_int_equal(pwrite(fake.file, "x", 1, 4096 * 100 + 777), 1);
	run(next);
	assert_int_equal(result.checks.wrong, 1);
	close(fake.file);
}

/* Version 1 of an earlier history is not version 1 of this one. */
static void
another_history_is_not_this_one(void **state)
{
	uint8_t old[4096], new[4096];
	char line[200];

	fake.file = memfd_create("job-test", MFD_CLOEXEC);
	assert_true(fake.file > 0);
	assert_int_equal(ftruncate(fake.file, (off_t)(2 * fake.size)), 0);
	snprintf(line, sizeof(line), "--verify --rw write --count 1 --range +1m --state %s",
		state_path);
	run(line);
	assert_int_equal(pread(fake.file, old, sizeof(old), 0), sizeof(old));
	unlink(state_path);
	run(line);
	assert_clean();
	assert_int_equal(pread(fake.file, new, sizeof(new), 0), sizeof(new));
	assert_memory_not_equal(old, new, sizeof(old));
	assert_int_equal(pwrite(fake.file, old, sizeof(old), 0), sizeof(old));
	snprintf(line, sizeof(line), "--verify-only --range +1m --state %s", state_path);
	run(line);
	assert_int_equal(result.checks.wrong, 1);
	close(fake.file);
}

static void
what_power_takes_is_judged_by_flushes(void **state)
{
	char first[200], check[200];

	snprintf(first, sizeof(first),
		"--verify --count 3000 --flush-every 500 --state %s --bs 4k-16k --queues 2",
		state_path);
	snprintf(check, sizeof(check), "--verify-only --queues 2 --state %s", state_path);
	run(first);
	assert_clean();
	fake_blk_lose_power(blk);
	/* Something that was not flushed is always lost: a run does not end with a flush. */
	run(check);
	assert_true(result.checks.wrong > 0);
	snprintf(check, sizeof(check), "--verify-only --queues 2 --after-power-loss --state %s",
		state_path);
	run(check);
	assert_clean();
	/* From here on all that was found is what must be there. */
	snprintf(check, sizeof(check), "--verify-only --queues 2 --state %s", state_path);
	run(check);
	assert_clean();
}

static void
a_flush_that_does_nothing_is_found(void **state)
{
	char line[200];

	fake.fault = FAKE_FLUSH_NOTHING;
	fake.after = 1;
	snprintf(line, sizeof(line), "--verify --count 3000 --flush-every 100 --state %s",
		state_path);
	run(line);
	assert_clean();
	fake_blk_lose_power(blk);
	snprintf(line, sizeof(line),
		"--verify-only --after-power-loss --continue-on-error --state %s", state_path);
	run(line);
	assert_true(result.checks.wrong > 0);
}

static void
other_contents_are_not_judged(void **state)
{
	struct perf_volume_range range = {.length = MIB};
	struct perf_options opt;
	struct perf_team team;
	char line[200];

	snprintf(line, sizeof(line), "--verify --count 10 --state %s", state_path);
	run(line);
	assert_clean();
	parse(&opt, line);
	assert_int_equal(perf_team_create(&team, &opt, NULL), 0);
	assert_true(perf_team_open(&team, blk, &range) < 0);
	perf_team_destroy(&team);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_load_is_what_the_options_say),
		TEST(sequential_is_sequential_in_its_part),
		TEST(time_ends_it),
		TEST(fewer_are_taken_than_are_made),
		TEST(verified_runs_are_clean),
		TEST(every_block_is_written_and_read),
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
