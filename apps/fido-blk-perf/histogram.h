/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_HISTOGRAM_H
#define PERF_HISTOGRAM_H

/**
 * @file
 * A histogram of latencies whose buckets grow with the value: 64 of equal width for each power of
 * two, so that a percentile is off by less than 1.6 %, whatever its size. (HdrHistogram is the same
 * thing, but Debian 12 has no package of it for C, and this is all that is needed of it.) Each
 * thread fills its own; they are merged when the threads have ended.
 */

#include <stdint.h>

#define PERF_HISTOGRAM_BITS 6
#define PERF_HISTOGRAM_BUCKETS ((64 - PERF_HISTOGRAM_BITS + 1) << PERF_HISTOGRAM_BITS)

/** Zero-initialize. */
struct perf_histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t min; /**< of no meaning while count is 0 */
	uint64_t max;
	uint64_t bucket[PERF_HISTOGRAM_BUCKETS];
};

/** Add one value. */
void perf_histogram_add(struct perf_histogram *h, uint64_t value);
/** Add all that is in `from`. */
void perf_histogram_merge(struct perf_histogram *h, const struct perf_histogram *from);
/**
 * @param percent 0 to 100
 * @return a value that so many of a hundred do not exceed; 0 when there are none.
 */
uint64_t perf_histogram_percentile(const struct perf_histogram *h, double percent);
/** @return the mean; 0 when there are none. */
double perf_histogram_mean(const struct perf_histogram *h);

#endif
