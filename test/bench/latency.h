/* SPDX-License-Identifier: BSD-3-Clause */
/* latency: times of single events, their percentiles and maximum. All processes share one clock. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

#define LATENCY_MAX 100000

/* @return nanoseconds of a clock that all processes of this machine share */
uint64_t latency_now(void);

/* Forget all samples. */
void latency_reset(void);

/* Add a sample in nanoseconds; ignored after LATENCY_MAX samples. */
void latency_add_ns(uint64_t ns);

/* Add a sample that began at `then`; ignored after LATENCY_MAX samples. */
void latency_add(uint64_t then);

/* Print number, percentiles and maximum as members of a JSON object, in nanoseconds. */
void latency_print_members(void);

/*
 * Print the same as one line of JSON.
 *
 * @param slept how often the receiver was woken
 */
void latency_print(uint64_t slept);

#endif
