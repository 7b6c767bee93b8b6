/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Measure the round trip of a cache line between two CPUs: the lower bound of everything that two
 * domains do to each other, and a measure of the machine's present state (on a virtual machine:
 * which host threads its CPUs happen to be).
 *
 * Two threads answer each other's numbers, each in a line of its own. Prints the median over some
 * blocks of round trips, in nanoseconds.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCKS 25
#define ROUND_TRIPS 4000u

static _Alignas(128) _Atomic uint64_t ping;
static _Alignas(128) _Atomic uint64_t pong;

static int
pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : -errno;
}

static void *
answer(void *arg)
{
	if (pin(*(int *)arg) != 0)
		return arg;
	for (uint64_t i = 1; i <= BLOCKS * ROUND_TRIPS; i++) {
		while (atomic_load_explicit(&ping, memory_order_acquire) < i)
			;
		atomic_store_explicit(&pong, i, memory_order_release);
	}
	return NULL;
}

static double
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* @return mean nanoseconds of a round trip, over a block that begins after number first */
static double
block(uint64_t first)
{
	double start = now_ns();

	for (uint64_t i = first + 1; i <= first + ROUND_TRIPS; i++) {
		atomic_store_explicit(&ping, i, memory_order_release);
		while (atomic_load_explicit(&pong, memory_order_acquire) < i)
			;
	}
	return (now_ns() - start) / ROUND_TRIPS;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* @return 0; -EINVAL: not the number of a CPU */
static int
parse_cpu(const char *text, int *cpu)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 0 || n >= CPU_SETSIZE)
		return -EINVAL;
	*cpu = (int)n;
	return pin(*cpu);
}

int
main(int argc, char **argv)
{
	double ns[BLOCKS];
	pthread_t thread;
	int cpu[2] = {0, 0};
	int ret;

	for (int i = 0; i < 2 && argc == 3; i++) {
		ret = parse_cpu(argv[2 - i], &cpu[1 - i]);
		if (ret != 0) {
			fprintf(stderr, "bench-cacheline: cannot run on CPU '%s': %s\n",
				argv[2 - i], strerror(-ret));
			return 2;
		}
	}
	if (argc != 3 || cpu[0] == cpu[1]) {
		fprintf(stderr, "usage: bench-cacheline CPU OTHER_CPU (two different ones)\n");
		return 2;
	}
	ret = pthread_create(&thread, NULL, answer, &cpu[1]);
	if (ret != 0) {
		fprintf(stderr, "bench-cacheline: cannot start a thread: %s\n", strerror(ret));
		return 1;
	}
	for (unsigned int i = 0; i < BLOCKS; i++)
		ns[i] = block((uint64_t)i * ROUND_TRIPS);
	pthread_join(thread, NULL);
	qsort(ns, BLOCKS, sizeof(ns[0]), by_size);
	printf("%.1f\n", ns[BLOCKS / 2]);
	return 0;
}
