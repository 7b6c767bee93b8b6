/* SPDX-License-Identifier: BSD-3-Clause */
/* Proves: what is left out has its default, what is given arrives, and nonsense is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"

#define WHO "--group g --backend disk --volume v"

static struct perf_options opt;

/* Parse what is written on one line. */
static int
parse(const char *line)
{
	static char words[1024];
	char *argv[48] = {"fido-blk-perf"}, *next = words, *word;
	int argc = 1;

	snprintf(words, sizeof(words), "%s", line);
	while ((word = strsep(&next, " ")) != NULL)
		argv[argc++] = word;
	return perf_options_parse(&opt, argc, argv);
}

static void
defaults(void **state)
{
	uint64_t seed;

	assert_int_equal(parse(WHO), 0);
	assert_string_equal(opt.group, "g");
	assert_string_equal(opt.backend, "disk");
	assert_string_equal(opt.volume, "v");
	assert_string_equal(opt.domain, "blk-perf");
	assert_int_equal(opt.read_percent, 50);
	assert_int_equal(opt.bs_min, 4096);
	assert_int_equal(opt.bs_max, 4096);
	assert_int_equal(opt.depth, 32);
	assert_int_equal(opt.queues, 1);
	assert_int_equal(opt.flush_every, 64);
	assert_true(opt.time_s == 10);
	assert_false(opt.copy);
	assert_int_equal(opt.memory, PERF_ARENA);
	/* Another one each time. */
	seed = opt.seed;
	assert_int_equal(parse(WHO), 0);
	assert_int_not_equal(opt.seed, seed);
}

static void
values(void **state)
{
	assert_int_equal(
		parse(WHO
			" --read-percent 30 --bs 4k-64k --depth 1024 --queues 32 --range 1g+64m "
			"--memory both --copy --idle sleep --seed 18446744073709551615 --count 100 "
			"--connect-timeout 0.25 --flush-every 0"),
		0);
	assert_int_equal(opt.read_percent, 30);
	assert_int_equal(opt.bs_max, 65536);
	assert_int_equal(opt.depth, 1024);
	assert_int_equal(opt.queues, 32);
	assert_int_equal(opt.range_offset, UINT64_C(1) << 30);
	assert_int_equal(opt.range_length, 64 << 20);
	assert_int_equal(opt.memory, PERF_BOTH);
	assert_true(opt.copy);
	assert_int_equal(opt.sleeps, 1);
	assert_true(opt.seed == UINT64_MAX);
	assert_int_equal(opt.flush_every, 0);
	assert_true(opt.connect_timeout_s == 0.25);
	assert_true(opt.time_s == 0);
	assert_int_equal(parse(WHO " --range +1m --count 100 --time 3"), 0);
	assert_int_equal(opt.range_offset, 0);
	assert_int_equal(opt.range_length, 1 << 20);
	assert_true(opt.time_s == 3);
	assert_int_equal(parse(WHO " --range 1m+ --verify-only --state f --read-only"), 0);
	assert_int_equal(opt.range_offset, 1 << 20);
	assert_int_equal(opt.range_length, 0);
	assert_int_equal(opt.read_percent, 100);
	assert_int_equal(parse("--help"), 1);
	assert_int_equal(parse("--version"), 1);
}

static void
bytes_have_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {{"0", 0}, {"512", 512}, {"4k", 4096}, {"4K", 4096}, {"1m", 1 << 20},
		{"3g", UINT64_C(3) << 30}, {"2T", UINT64_C(2) << 40},
		{"18446744073709551615", UINT64_MAX}};
	static const char *const bad[] = {"", "k", "-1", " 1", "+1", "1.5k", "1kk", "1x", "0x10",
		"18446744073709551616", "17179869184g", "1 k"};
	uint64_t value;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(perf_options_bytes(good[i].text, NULL, &value), 0);
		assert_int_equal(value, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_not_equal(perf_options_bytes(bad[i], NULL, &value), 0);
}

static void
nonsense_is_refused(void **state)
{
	static const char *const bad[] = {"--read-percent 101", "--read-percent -1", "--bs 0",
		"--bs 4k-2k", "--bs 4k-6k", "--bs 4k-", "--bs 4kb", "--bs 2g", "--bs 512",
		"--depth 0", "--depth 1025", "--queues 0", "--queues 33", "--time soon",
		"--time -1", "--time inf", "--time nan", "--time 1s", "--count 0", "--range 1m",
		"--range 1m+0", "--range a+1m", "--memory stack", "--memory", "--segments 0",
		"--segments 257", "--idle nap", "--seed x", "--after-power-loss", "--verify-only",
		"--verify-block 3k", "--verify-block 256", "--read-only",
		"--zeroes-percent 60 --discard-percent 50", "extra", "--colour", "--fua=1"};
	static const char *const lacking[] = {"--backend disk --volume v", "--group g --volume v",
		"--group g --backend disk"};
	char line[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), WHO " %s", bad[i]);
		if (parse(line) != -22)
			fail_msg("taken: %s", bad[i]);
	}
	for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++)
		assert_int_equal(parse(lacking[i]), -22);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(values),
		cmocka_unit_test(bytes_have_units),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
