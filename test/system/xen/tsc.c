/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Report this domain's time stamp counter: `tsc` prints the counter now, its rate in Hz as measured
 * with CLOCK_MONOTONIC over 0.2 s, and the cost of reading it in ns (tens: the processor answers;
 * thousands: the hypervisor does).
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define READS 1000
#define PAIRS 20
#define RATES 15

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

/* Of several tries, the one interrupted least. */
static uint64_t
read_cost_ns(void)
{
	uint64_t least = UINT64_MAX;
	int i, try;

	for (try = 0; try < PAIRS; try++) {
		uint64_t start = now_ns(), cost;

		for (i = 0; i < READS; i++)
			__rdtsc();
		cost = (now_ns() - start) / READS;
		if (cost < least)
			least = cost;
	}
	return least;
}

/*
 * Both clocks at one moment: of several tries the one in which the least time passed, since any may
 * be interrupted.
 */
static void
read_both(uint64_t *tsc, uint64_t *ns)
{
	uint64_t least = UINT64_MAX;
	int i;

	for (i = 0; i < PAIRS; i++) {
		uint64_t before = __rdtsc(), t = now_ns(), took = __rdtsc() - before;

		if (took >= least)
			continue;
		least = took;
		*tsc = before + took / 2;
		*ns = t;
	}
}

static uint64_t
rate_once(void)
{
	const struct timespec wait = {.tv_nsec = 200 * 1000 * 1000};
	uint64_t tsc[2] = {0}, ns[2] = {0};

	read_both(&tsc[0], &ns[0]);
	nanosleep(&wait, NULL);
	read_both(&tsc[1], &ns[1]);
	return (uint64_t)((tsc[1] - tsc[0]) * 1e9 / (ns[1] - ns[0]));
}

/*
 * On a busy machine Xen, and the emulation below it, now and then correct the reference clock by
 * much: take a rate that three measurements agree on to a hundredth.
 */
static uint64_t
rate_hz(void)
{
	uint64_t rate[RATES];
	int i, j;

	for (i = 0; i < RATES; i++) {
		int agree = 0;

		rate[i] = rate_once();
		for (j = 0; j < i; j++)
			agree += rate[j] - rate[i] / 100 * 99 < rate[i] / 50;
		if (agree == 2)
			return rate[i];
	}
	return rate[RATES - 1];
}

int
main(void)
{
	uint64_t cost = read_cost_ns(), rate = rate_hz();

	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", (uint64_t)__rdtsc(), rate, cost);
	return 0;
}
