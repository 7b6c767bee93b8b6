/* SPDX-License-Identifier: BSD-3-Clause */
/* latency: times of single events, and which were usual and which rare. One clock for all processes. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

#define LATENCY_MAX 100000

/* Nanoseconds of a clock that all processes of this machine share. */
uint64_t latency_now(void);

/* Add one that began at `then`; after LATENCY_MAX of them, no more. */
void latency_add(uint64_t then);

/*
 * Print one line of JSON: how many, the median, the 99th percentile and the largest, in nanoseconds.
 *
 * @param slept  how often the receiver was woken
 */
void latency_print(uint64_t slept);

#endif
