/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_RANDOM_H
#define PERF_RANDOM_H

/**
 * @file
 * Repeatable random numbers: splitmix64. Neighbouring seeds give unrelated sequences, so each queue
 * can use the seed plus its index. Not for secrets.
 */

#include <stdbool.h>
#include <stdint.h>

struct perf_random {
	uint64_t state;
};

/** @return 64 random bits. */
static inline uint64_t
perf_random_next(struct perf_random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/** @return a number from 0 to n - 1; n is not 0. */
static inline uint64_t
perf_random_below(struct perf_random *r, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)perf_random_next(r) * n) >> 64);
}

/** @return true with this probability, in percent. */
static inline bool
perf_random_percent(struct perf_random *r, unsigned int percent)
{
	return percent != 0 && perf_random_below(r, 100) < percent;
}

#endif
