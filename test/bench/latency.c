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
latency_add(uint64_t then)
{
	uint64_t now = latency_now();

	if (count < LATENCY_MAX)
		ns[count++] = now - then;
}

static int
by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void
latency_print(uint64_t slept)
{
	if (count == 0)
		return;
	qsort(ns, count, sizeof(ns[0]), by_size);
	printf("{\"count\":%zu,\"p50_ns\":%" PRIu64 ",\"p99_ns\":%" PRIu64 ",\"max_ns\":%" PRIu64
	       ",\"slept\":%" PRIu64 "}\n",
		count, ns[count / 2], ns[count * 99 / 100], ns[count - 1], slept);
	fflush(stdout);
}
