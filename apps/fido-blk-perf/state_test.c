/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: what may be read of a block is judged by invariants I1 to I5 of state.h, also after this
 * process was killed, and a state file is not used for what it was not made for.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "state.h"

#define BLOCKS 100

static const struct perf_state_config config = {.volume = 7,
	.identity = 8,
	.volume_size = 1 << 20,
	.offset = 4096,
	.length = BLOCKS * 4096,
	.block_size = 4096};
static struct perf_state s;
static char path[64];

static int
open_new(void **state)
{
	snprintf(path, sizeof(path), "state-test-%d", getpid());
	unlink(path);
	return perf_state_open(&s, path, &config);
}

static int
close_it(void **state)
{
	perf_state_close(&s);
	unlink(path);
	return 0;
}

static enum perf_state_verdict
read_version(uint64_t i, uint64_t version)
{
	return perf_state_judge(&s, i, PERF_BLOCK_GOOD, version, false);
}

static enum perf_state_verdict
read_zeros(uint64_t i)
{
	return perf_state_judge(&s, i, PERF_BLOCK_ZEROS, 0, false);
}

static uint64_t
write_block(uint64_t i)
{
	uint64_t version = perf_state_submit(&s, i, false);

	perf_state_acknowledge(&s, i, version);
	return version;
}

static void
what_was_never_written_may_be_anything(void **state)
{
	assert_false(perf_state_is_written(&s, 1));
	assert_int_equal(read_zeros(1), PERF_STATE_RIGHT);
	assert_int_equal(read_version(1, 1000), PERF_STATE_RIGHT);
	assert_int_equal(perf_state_judge(&s, 1, PERF_BLOCK_OTHER, 0, false), PERF_STATE_RIGHT);
	assert_int_equal(perf_state_judge(&s, 1, PERF_BLOCK_MOVED, 0, false), PERF_STATE_RIGHT);
	assert_int_equal(perf_state_judge(&s, 1, PERF_BLOCK_TORN, 0, false), PERF_STATE_WRONG);
	/* A version that somebody else wrote is not one of ours. */
	assert_int_equal(s.blocks[1].acknowledged, 0);
}

static void
what_was_acknowledged_must_be_there(void **state)
{
	assert_int_equal(write_block(1), 1);
	assert_int_equal(write_block(1), 2);
	assert_int_equal(write_block(1), 3);
	assert_int_equal(read_version(1, 3), PERF_STATE_RIGHT);
	assert_int_equal(read_version(1, 2), PERF_STATE_LOST);
	assert_int_equal(read_version(1, 4), PERF_STATE_FUTURE);
	assert_int_equal(read_zeros(1), PERF_STATE_LOST);
	assert_int_equal(perf_state_judge(&s, 1, PERF_BLOCK_OTHER, 0, false), PERF_STATE_WRONG);
	assert_int_equal(perf_state_judge(&s, 1, PERF_BLOCK_MOVED, 0, false), PERF_STATE_WRONG);
	assert_int_equal(perf_state_judge(&s, 1, PERF_BLOCK_TORN, 0, false), PERF_STATE_WRONG);
}

static void
what_was_submitted_may_be_there(void **state)
{
	write_block(1);
	perf_state_submit(&s, 1, false);
	assert_int_equal(read_version(1, 1), PERF_STATE_RIGHT);
	assert_int_equal(read_version(1, 2), PERF_STATE_RIGHT);
	/* Once it has been seen it must not go away (I5). */
	assert_int_equal(read_version(1, 1), PERF_STATE_LOST);
	assert_int_equal(read_version(1, 3), PERF_STATE_FUTURE);
}

static void
power_takes_what_was_not_flushed(void **state)
{
	write_block(1);
	perf_state_flush(&s, 1, 1);
	write_block(1);
	write_block(1);
	assert_int_equal(perf_state_judge(&s, 1, PERF_BLOCK_GOOD, 2, true), PERF_STATE_RIGHT);
	/* Now this is what is there. */
	assert_int_equal(read_version(1, 2), PERF_STATE_RIGHT);
	assert_int_equal(read_version(1, 1), PERF_STATE_LOST);
	assert_int_equal(perf_state_judge(&s, 1, PERF_BLOCK_GOOD, 1, true), PERF_STATE_RIGHT);
	assert_int_equal(perf_state_judge(&s, 1, PERF_BLOCK_GOOD, 0, true), PERF_STATE_LOST);
	assert_int_equal(perf_state_judge(&s, 1, PERF_BLOCK_ZEROS, 0, true), PERF_STATE_LOST);
	/* Never flushed: whatever was there before. */
	write_block(2);
	assert_int_equal(perf_state_judge(&s, 2, PERF_BLOCK_OTHER, 0, true), PERF_STATE_RIGHT);
	assert_int_equal(perf_state_judge(&s, 2, PERF_BLOCK_OTHER, 0, false), PERF_STATE_RIGHT);
	assert_int_equal(perf_state_judge(&s, 2, PERF_BLOCK_TORN, 0, true), PERF_STATE_WRONG);
}

static void
an_older_flush_takes_nothing_back(void **state)
{
	write_block(1);
	write_block(1);
	perf_state_flush(&s, 1, 2);
	perf_state_flush(&s, 1, 1);
	assert_int_equal(s.blocks[1].flushed, 2);
}

static void
zeros_are_a_version_too(void **state)
{
	write_block(1);
	assert_int_equal(perf_state_submit(&s, 1, true), 2);
	assert_int_equal(read_version(1, 1), PERF_STATE_RIGHT);
	assert_int_equal(read_zeros(1), PERF_STATE_RIGHT);
	perf_state_acknowledge(&s, 1, 2);
	assert_int_equal(read_zeros(1), PERF_STATE_RIGHT);
	assert_int_equal(read_version(1, 1), PERF_STATE_LOST);
	write_block(1);
	assert_int_equal(read_zeros(1), PERF_STATE_LOST);
	assert_int_equal(read_version(1, 3), PERF_STATE_RIGHT);
}

/* A discard is never acknowledged: what was there stays as right as zeros. */
static void
discarded_blocks_may_stay(void **state)
{
	write_block(1);
	perf_state_submit(&s, 1, true);
	assert_int_equal(read_zeros(1), PERF_STATE_RIGHT);
	assert_int_equal(read_version(1, 1), PERF_STATE_RIGHT);
	assert_int_equal(read_zeros(1), PERF_STATE_RIGHT);
}

static void
zeros_after_power_loss_stay_right(void **state)
{
	perf_state_submit(&s, 1, true);
	perf_state_acknowledge(&s, 1, 1);
	perf_state_flush(&s, 1, 1);
	write_block(1);
	assert_int_equal(perf_state_judge(&s, 1, PERF_BLOCK_ZEROS, 0, true), PERF_STATE_RIGHT);
	assert_int_equal(read_zeros(1), PERF_STATE_RIGHT);
}

static void
it_goes_on_where_it_ended(void **state)
{
	write_block(5);
	perf_state_flush(&s, 5, 1);
	perf_state_submit(&s, 5, false);
	perf_state_submit(&s, 99, true);
	perf_state_close(&s);
	assert_int_equal(perf_state_open(&s, path, &config), 0);
	assert_int_equal(s.blocks[5].submitted, 2);
	assert_int_equal(s.blocks[5].acknowledged, 1);
	assert_int_equal(s.blocks[5].flushed, 1);
	assert_int_equal(s.blocks[99].zeroed, 1);
}

static void
it_survives_sigkill(void **state)
{
	pid_t pid;

	perf_state_close(&s);
	pid = fork();
	if (pid == 0) {
		if (perf_state_open(&s, path, &config) != 0)
			_exit(1);
		for (uint64_t i = 0; i < BLOCKS; i++)
			write_block(i);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	assert_int_equal(perf_state_open(&s, path, &config), 0);
	for (uint64_t i = 0; i < BLOCKS; i++)
		assert_int_equal(s.blocks[i].acknowledged, 1);
}

static void
other_uses_are_refused(void **state)
{
	struct perf_state_config wrong;
	struct perf_state other;

	assert_int_equal(perf_state_open(&other, path, &config), -EBUSY);
	perf_state_close(&s);
	wrong = config;
	wrong.volume = 9;
	assert_int_equal(perf_state_open(&other, path, &wrong), -ESTALE);
	wrong = config;
	wrong.identity = 9;
	assert_int_equal(perf_state_open(&other, path, &wrong), -ESTALE);
	wrong = config;
	wrong.offset = 0;
	assert_int_equal(perf_state_open(&other, path, &wrong), -ESTALE);
	wrong = config;
	wrong.length -= 4096;
	assert_int_equal(perf_state_open(&other, path, &wrong), -ESTALE);
	assert_int_equal(perf_state_open(&other, "/nowhere/at-all", &config), -ENOENT);
	assert_int_equal(perf_state_open(&s, path, &config), 0);
	*(uint64_t *)s.map = 12345;
	perf_state_close(&s);
	assert_int_equal(perf_state_open(&other, path, &config), -EINVAL);
	unlink(path);
	assert_int_equal(perf_state_open(&s, path, &config), 0);
}

/* ---- flushes ---- */

static void
a_flush_covers_what_was_acknowledged_before(void **state)
{
	uint64_t *first, *second;

	for (uint64_t i = 0; i < BLOCKS; i++)
		write_block(i);
	first = perf_state_flush_begin(&s);
	write_block(3);
	second = perf_state_flush_begin(&s);
	write_block(4);
	perf_state_flush_end(&s, second, true);
	assert_int_equal(s.blocks[3].flushed, 2);
	assert_int_equal(s.blocks[4].flushed, 1);
	/* An earlier one that ends later takes nothing back. */
	perf_state_flush_end(&s, first, true);
	assert_int_equal(s.blocks[3].flushed, 2);
	assert_int_equal(s.blocks[99].flushed, 1);
}

static void
a_flush_that_fails_covers_nothing(void **state)
{
	write_block(70);
	perf_state_flush_end(&s, perf_state_flush_begin(&s), false);
	assert_int_equal(s.blocks[70].flushed, 0);
	perf_state_flush_end(&s, perf_state_flush_begin(&s), true);
	assert_int_equal(s.blocks[70].flushed, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_new, close_it)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_never_written_may_be_anything),
		TEST(what_was_acknowledged_must_be_there),
		TEST(what_was_submitted_may_be_there),
		TEST(power_takes_what_was_not_flushed),
		TEST(an_older_flush_takes_nothing_back),
		TEST(zeros_are_a_version_too),
		TEST(discarded_blocks_may_stay),
		TEST(zeros_after_power_loss_stay_right),
		TEST(it_goes_on_where_it_ended),
		TEST(it_survives_sigkill),
		TEST(other_uses_are_refused),
		TEST(a_flush_covers_what_was_acknowledged_before),
		TEST(a_flush_that_fails_covers_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
