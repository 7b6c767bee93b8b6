/* SPDX-License-Identifier: BSD-3-Clause */
/* latency: times of single events, and which were usual and which rare. One clock for all processes. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

#define LATENCY_MAX 100000

/* Nanoseconds of a clock that all processes of this machine share. */
uint64_t latency_now(void);

/* Forget all that was added. */
void latency_reset(void);

/* Add one of so many nanoseconds; after LATENCY_MAX of them, no more. */
void latency_add_ns(uint64_t ns);

/* Add one that began at `then`; after LATENCY_MAX of them, no more. */
void latency_add(uint64_t then);

/* Print as members of a JSON object: how many, percentiles and the largest, in nanoseconds. */
void latency_print_members(void);

/*
 * Print the same as one line of JSON.
 *
 * @param slept  how often the receiver was woken
 */
void latency_print(uint64_t slept);

#endif
