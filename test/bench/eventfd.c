/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Measure how long a bare eventfd takes to wake a thread that sleeps on it with epoll, on another
 * CPU: the lower bound of any doorbell between processes. One thread writes the time, then rings;
 * the other one wakes, empties the eventfd and reads the clock.
 *
 * usage: bench-eventfd CPU OTHER_CPU COUNT GAP_US
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "latency.h"

struct receiver {
	int cpu;
	int epoll;
	int event;
	uint64_t count;
};

static _Alignas(128) _Atomic uint64_t sent_at;

static int
pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static void *
receive(void *arg)
{
	struct receiver *r = arg;
	struct epoll_event event;
	uint64_t n = 0;

	if (pin(r->cpu) != 0)
		return arg;
	/* Rings that arrive during one sleep come together, and count as one. */
	for (uint64_t rung = 0; rung < r->count; rung += n) {
		if (epoll_wait(r->epoll, &event, 1, 10000) != 1 ||
			read(r->event, &n, sizeof(n)) != (ssize_t)sizeof(n))
			return arg;
		latency_add(atomic_load_explicit(&sent_at, memory_order_acquire));
	}
	return NULL;
}

/* @return 0; -1: an eventfd is full */
static int
ring(int event, uint64_t count, uint64_t gap_ns)
{
	uint64_t next = latency_now() + gap_ns;
	uint64_t one = 1;

	for (uint64_t i = 0; i < count; i++, next += gap_ns) {
		while (latency_now() < next)
			;
		/*
		 * Late (the host took this CPU away): still give the receiver its time to fall
		 * asleep.
		 */
		next = latency_now();
		atomic_store_explicit(&sent_at, next, memory_order_release);
		if (write(event, &one, sizeof(one)) != (ssize_t)sizeof(one))
			return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct receiver r = {.epoll = epoll_create1(0), .event = eventfd(0, EFD_NONBLOCK)};
	struct epoll_event event = {.events = EPOLLIN};
	pthread_t thread;
	void *failed = &r;

	if (argc != 5) {
		fprintf(stderr, "usage: bench-eventfd CPU OTHER_CPU COUNT GAP_US\n");
		return 2;
	}
	r.cpu = atoi(argv[2]);
	r.count = strtoull(argv[3], NULL, 10);
	if (r.epoll < 0 || r.event < 0 || epoll_ctl(r.epoll, EPOLL_CTL_ADD, r.event, &event) != 0 ||
		pin(atoi(argv[1])) != 0 || pthread_create(&thread, NULL, receive, &r) != 0) {
		perror("bench-eventfd: cannot start");
		return 1;
	}
	ring(r.event, r.count, strtoull(argv[4], NULL, 10) * 1000);
	pthread_join(thread, &failed);
	if (failed != NULL) {
		fprintf(stderr, "bench-eventfd: the receiver was not woken\n");
		return 1;
	}
	latency_print(r.count);
	return 0;
}
