/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: numbers are read as people write them, nothing else is taken for one, and they are
 * printed with three digits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "number.h"

static void
bytes_have_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0", 0},
		{"512", 512},
		{"4k", 4096},
		{"4K", 4096},
		{"1m", 1 << 20},
		{"3g", UINT64_C(3) << 30},
		{"2T", UINT64_C(2) << 40},
		{"18446744073709551615", UINT64_MAX},
	};
	static const char *const bad[] = {"", "k", "-1", " 1", "+1", "1.5k", "1kk", "1x", "0x10",
		"18446744073709551616", "17179869184g", "1 k"};
	uint64_t value;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(perf_number_bytes(good[i].text, NULL, &value), 0);
		assert_int_equal(value, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_not_equal(perf_number_bytes(bad[i], NULL, &value), 0);
}

static void
what_follows_is_told(void **state)
{
	const char *end;
	uint64_t value;

	assert_int_equal(perf_number_bytes("4k-64k", &end, &value), 0);
	assert_int_equal(value, 4096);
	assert_string_equal(end, "-64k");
}

static void
whole_numbers_have_limits(void **state)
{
	uint64_t value;

	assert_int_equal(perf_number_whole("7", 1, 7, &value), 0);
	assert_int_equal(value, 7);
	assert_int_not_equal(perf_number_whole("8", 1, 7, &value), 0);
	assert_int_not_equal(perf_number_whole("0", 1, 7, &value), 0);
	assert_int_not_equal(perf_number_whole("7k", 1, 7, &value), 0);
	assert_int_not_equal(perf_number_whole("-1", 0, UINT64_MAX, &value), 0);
	assert_int_not_equal(perf_number_whole("", 0, 7, &value), 0);
}

static void
seconds_may_be_fractions(void **state)
{
	double s;

	assert_int_equal(perf_number_seconds("0.25", &s), 0);
	assert_true(s == 0.25);
	assert_int_not_equal(perf_number_seconds("-1", &s), 0);
	assert_int_not_equal(perf_number_seconds("inf", &s), 0);
	assert_int_not_equal(perf_number_seconds("nan", &s), 0);
	assert_int_not_equal(perf_number_seconds("1s", &s), 0);
	assert_int_not_equal(perf_number_seconds("", &s), 0);
}

static void
three_digits_are_enough(void **state)
{
	assert_string_equal(perf_number_of_bytes(512).s, "512 B");
	assert_string_equal(perf_number_of_bytes(4096).s, "4.00 KiB");
	assert_string_equal(perf_number_of_bytes(UINT64_C(1023) << 20).s, "1023 MiB");
	assert_string_equal(perf_number_of_rate(812).s, "812");
	assert_string_equal(perf_number_of_rate(12345).s, "12.3k");
	assert_string_equal(perf_number_of_rate(999999).s, "1.00M");
	assert_string_equal(perf_number_of_ns(812).s, "812 ns");
	assert_string_equal(perf_number_of_ns(12345).s, "12.3 us");
	assert_string_equal(perf_number_of_ns(3e9).s, "3.00 s");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_have_units),
		cmocka_unit_test(what_follows_is_told),
		cmocka_unit_test(whole_numbers_have_limits),
		cmocka_unit_test(seconds_may_be_fractions),
		cmocka_unit_test(three_digits_are_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
