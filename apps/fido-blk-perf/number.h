/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_NUMBER_H
#define PERF_NUMBER_H

/** @file Numbers as people write them. */

#include <stdint.h>

/** Read a whole number, min to max, and nothing behind it. @return 0, -EINVAL */
int perf_number_whole(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/** Read a number of seconds, 0 to 10^9, and nothing behind it. @return 0, -EINVAL */
int perf_number_seconds(const char *text, double *out);
/**
 * Read bytes: 4096, 4k, 1m, 2g, 1t.
 * @param end what follows; NULL: nothing may
 * @return 0, -EINVAL
 */
int perf_number_bytes(const char *text, const char **end, uint64_t *out);

/** A number as text; print `.s`. */
struct perf_number_text {
	char s[32];
};

/** @return "512 B", "4.0 KiB". */
struct perf_number_text perf_number_of_bytes(uint64_t bytes);
/** @return "812", "12.3k", "1.25M". */
struct perf_number_text perf_number_of_rate(double rate);
/** @return "812 ns", "12.3 us", "1.25 ms", "3.00 s". */
struct perf_number_text perf_number_of_ns(double ns);

#endif
