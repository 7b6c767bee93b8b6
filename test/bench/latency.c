/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "latency.h"

static uint64_t ns[LATENCY_MAX];
static size_t count;

uint64_t
latency_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

void
latency_reset(void)
{
	count = 0;
}

void
latency_add_ns(uint64_t value)
{
	if (count < LATENCY_MAX)
		ns[count++] = value;
}

void
latency_add(uint64_t then)
{
	latency_add_ns(latency_now() - then);
}

static int
by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void
latency_print_members(void)
{
	printf("\"count\":%zu", count);
	if (count == 0)
		return;
	qsort(ns, count, sizeof(ns[0]), by_size);
	printf(",\"p50_ns\":%" PRIu64 ",\"p90_ns\":%" PRIu64 ",\"p99_ns\":%" PRIu64
	       ",\"p999_ns\":%" PRIu64 ",\"max_ns\":%" PRIu64,
		ns[count / 2], ns[count * 90 / 100], ns[count * 99 / 100], ns[count * 999 / 1000],
		ns[count - 1]);
}

void
latency_print(uint64_t slept)
{
	if (count == 0)
		return;
	printf("{");
	latency_print_members();
	printf(",\"slept\":%" PRIu64 "}\n", slept);
	fflush(stdout);
}
