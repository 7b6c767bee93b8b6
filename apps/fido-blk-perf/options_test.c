/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: what is left out has its default, --verify has others, and what makes no sense is refused
 * with a message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "options.h"

#define WORDS 32

static struct perf_options opt;
static char words[1024];

/* Parse what is written on one line. */
static int
parse(const char *line)
{
	char *argv[WORDS] = {"fido-blk-perf"}, *next = words, *word;
	int argc = 1;

	snprintf(words, sizeof(words), "%s", line);
	while ((word = strsep(&next, " ")) != NULL)
		argv[argc++] = word;
	return perf_options_parse(&opt, argc, argv);
}

#define WHO "--group g --backend disk --volume v"

static void
defaults(void **state)
{
	assert_int_equal(parse(WHO), 0);
	assert_string_equal(opt.group, "g");
	assert_string_equal(opt.backend, "disk");
	assert_string_equal(opt.volume, "v");
	assert_string_equal(opt.domain, "blk-perf");
	assert_int_equal(opt.read_percent, 100);
	assert_int_equal(opt.bs_min, 4096);
	assert_int_equal(opt.bs_max, 4096);
	assert_int_equal(opt.depth, 32);
	assert_int_equal(opt.queues, 1);
	assert_int_equal(opt.flush_every, 0);
	assert_true(opt.time_s == 10);
	assert_false(opt.copy);
	assert_false(opt.verify);
	assert_int_equal(opt.memory, PERF_ARENA);
}

static void
values(void **state)
{
	assert_int_equal(
		parse(WHO
			" --rw mix --read-percent 30 --bs 4k-64k --depth 1024 --queues 32 --range 1g+64m --cpu 0,3 "
			"--memory malloc --copy --idle sleep --pattern seq --seed 18446744073709551615 --connect-timeout forever"),
		0);
	assert_int_equal(opt.read_percent, 30);
	assert_int_equal(opt.bs_max, 65536);
	assert_int_equal(opt.depth, 1024);
	assert_int_equal(opt.queues, 32);
	assert_int_equal(opt.range_offset, UINT64_C(1) << 30);
	assert_int_equal(opt.range_length, 64 << 20);
	assert_int_equal(opt.cpu_count, 2);
	assert_int_equal(opt.cpus[1], 3);
	assert_int_equal(opt.memory, PERF_MALLOC);
	assert_true(opt.copy);
	assert_true(opt.sleeps);
	assert_int_equal(opt.pattern, PERF_SEQ);
	assert_true(opt.seed == UINT64_MAX);
	assert_true(opt.connect_timeout_s < 0);
	assert_int_equal(parse(WHO " --range +1m"), 0);
	assert_int_equal(opt.range_offset, 0);
	assert_int_equal(opt.range_length, 1 << 20);
	assert_int_equal(parse(WHO " --range 1m+"), 0);
	assert_int_equal(opt.range_offset, 1 << 20);
	assert_int_equal(opt.range_length, 0);
}

static void
what_depends_on_others(void **state)
{
	assert_int_equal(parse(WHO " --read-percent 40"), 0);
	assert_int_equal(opt.rw, PERF_MIX);
	assert_int_equal(opt.read_percent, 40);
	assert_int_equal(parse(WHO " --count 100"), 0);
	assert_true(opt.time_s == 0);
	assert_int_equal(parse(WHO " --count 100 --time 3"), 0);
	assert_true(opt.time_s == 3);
	assert_int_equal(parse(WHO " --rw write"), 0);
	assert_int_equal(opt.read_percent, 0);
	assert_int_equal(parse(WHO " --verify"), 0);
	assert_int_equal(opt.rw, PERF_MIX);
	assert_int_equal(opt.read_percent, 50);
	assert_true(opt.flush_every > 0);
	assert_int_equal(parse(WHO " --verify --flush-every 0"), 0);
	assert_int_equal(opt.flush_every, 0);
	assert_int_equal(parse(WHO " --verify --read-only"), 0);
	assert_int_equal(opt.read_percent, 100);
	assert_int_equal(parse(WHO " --verify-only --state f --rw write"), 0);
	assert_int_equal(opt.read_percent, 100);
	assert_true(opt.verify);
}

static void
a_seed_of_ones_own_is_another_each_time(void **state)
{
	uint64_t first;

	assert_int_equal(parse(WHO), 0);
	first = opt.seed;
	assert_int_equal(parse(WHO), 0);
	assert_int_not_equal(opt.seed, first);
	assert_int_equal(parse(WHO " --seed 0"), 0);
	assert_int_equal(opt.seed, 0);
}

static void
nonsense_is_refused(void **state)
{
	static const char *const bad[] = {
		"--backend disk --volume v",
		"--group g --volume v",
		"--group g --backend disk",
		WHO " --group a/b",
		WHO " --domain .x",
		WHO " --backend a:b",
		WHO " --volume 0123456789012345678901234567890123456789012345678901234567890123",
		WHO " --rw trim",
		WHO " --read-percent 101",
		WHO " --bs 0",
		WHO " --bs 4k-2k",
		WHO " --bs 4k-6k",
		WHO " --bs 4k-",
		WHO " --bs 4kb",
		WHO " --bs 2g",
		WHO " --depth 0",
		WHO " --depth 1025",
		WHO " --queues 0",
		WHO " --queues 33",
		WHO " --time soon",
		WHO " --count 0",
		WHO " --range 1m",
		WHO " --range 1m+0",
		WHO " --range a+1m",
		WHO " --cpu a",
		WHO " --cpu 1,",
		WHO " --memory stack",
		WHO " --segments 0",
		WHO " --segments 257",
		WHO " --idle nap",
		WHO " --seed x",
		WHO " --state f",
		WHO " --after-power-loss",
		WHO " --verify-only",
		WHO " --verify --after-power-loss",
		WHO " --verify --bs 512",
		WHO " --verify --verify-block 3k",
		WHO " --verify --verify-block 256",
		WHO " --read-only --rw write",
		WHO " --zeroes-percent 60 --discard-percent 50",
		WHO " --connect-timeout never",
		WHO " --bs 512 --segments 256 extra",
		WHO " --colour",
		WHO " --json=1",
		WHO " --depth",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i]) != -22)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(parse("--help"), 1);
	assert_int_equal(parse("--version"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(values),
		cmocka_unit_test(what_depends_on_others),
		cmocka_unit_test(a_seed_of_ones_own_is_another_each_time),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
