/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: percentiles are within 1.6 % of the true ones at every size, and merging loses nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "histogram.h"
#include "random.h"

static struct perf_histogram h, other, both;

static int
clear(void **state)
{
	memset(&h, 0, sizeof(h));
	memset(&other, 0, sizeof(other));
	memset(&both, 0, sizeof(both));
	return 0;
}

static void
nothing_has_no_percentiles(void **state)
{
	assert_int_equal(perf_histogram_percentile(&h, 50), 0);
	assert_true(perf_histogram_mean(&h) == 0);
	perf_histogram_merge(&h, &other);
	assert_int_equal(h.count, 0);
}

static void
one_value_is_all_percentiles(void **state)
{
	static const uint64_t values[] = {0, 1, 63, 64, 127, 128, 1000, 4096, 123456789,
		UINT64_C(1) << 40, UINT64_MAX - 1, UINT64_MAX};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		clear(state);
		perf_histogram_add(&h, values[i]);
		assert_int_equal(perf_histogram_percentile(&h, 0), values[i]);
		assert_int_equal(perf_histogram_percentile(&h, 50), values[i]);
		assert_int_equal(perf_histogram_percentile(&h, 100), values[i]);
		assert_int_equal(h.min, values[i]);
		assert_int_equal(h.max, values[i]);
	}
}

/*
 * Each power of two, and what is beside it, falls into a bucket that is there, and comes out near.
 */
static void
every_size_has_its_bucket(void **state)
{
	for (unsigned int bit = 0; bit < 64; bit++)
		for (int64_t d = -1; d <= 1; d++) {
			uint64_t value = (UINT64_C(1) << bit) + (uint64_t)d, got;

			clear(state);
			perf_histogram_add(&h, value);
			perf_histogram_add(&h, UINT64_MAX);
			got = perf_histogram_percentile(&h, 50);
			assert_true(got >= value);
			assert_true((double)(got - value) <= (double)value / 64);
		}
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
percentiles_are_near_the_true_ones(void **state)
{
	static const double percents[] = {1, 10, 50, 90, 99, 99.9, 100};
	static uint64_t values[100000];
	struct perf_random random = {.state = 7};
	size_t n = sizeof(values) / sizeof(values[0]);

	for (size_t i = 0; i < n; i++) {
		values[i] = perf_random_next(&random) >> (20 + perf_random_below(&random, 40));
		perf_histogram_add(&h, values[i]);
	}
	qsort(values, n, sizeof(values[0]), compare);
	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		uint64_t want = values[(size_t)(percents[i] / 100 * (double)n + 0.5) - 1];
		uint64_t got = perf_histogram_percentile(&h, percents[i]);

		assert_true(got >= want);
		assert_true((double)(got - want) <= (double)want / 64 + 1);
	}
	assert_int_equal(perf_histogram_percentile(&h, 100), values[n - 1]);
}

static void
merging_is_adding_all(void **state)
{
	struct perf_random random = {.state = 3};

	for (unsigned int i = 0; i < 5000; i++) {
		uint64_t value = perf_random_next(&random) >> perf_random_below(&random, 64);

		perf_histogram_add(i % 3 == 0 ? &h : &other, value);
		perf_histogram_add(&both, value);
	}
	perf_histogram_merge(&h, &other);
	assert_memory_equal(&h, &both, sizeof(h));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_has_no_percentiles, clear),
		cmocka_unit_test_setup(one_value_is_all_percentiles, clear),
		cmocka_unit_test_setup(every_size_has_its_bucket, clear),
		cmocka_unit_test_setup(percentiles_are_near_the_true_ones, clear),
		cmocka_unit_test_setup(merging_is_adding_all, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
