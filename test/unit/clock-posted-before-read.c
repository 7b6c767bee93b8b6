/* SPDX-License-Identifier: BSD-3-Clause */
/* A message's read time is never before its post time, whichever cores the two domains run on. */
#include "test.h"

#include <pthread.h>
#include <sched.h>

#include <fido/atomic.h>
#include <fido/clock.h>

#define ROUNDS 1000000
#define LIMIT_MS 3000
#define SPINS 20000 /* then yield: the other thread may need this core */

static uint64_t posted __attribute__((aligned(64)));
static uint64_t turn __attribute__((aligned(64)));

/* Wait a little, each time differently. */
static void
wait_some(unsigned int *seed, unsigned int most)
{
	*seed = *seed * 1103515245 + 12345;
	for (unsigned int i = (*seed >> 16) % most; i > 0; i--)
		__asm__ volatile("" : : : "memory");
}

static void *
poster(void *arg)
{
	unsigned int seed = 1;

	for (uint64_t i = 1;; i++) {
		uint64_t t;

		for (unsigned int spins = 0; (t = fido_load_acquire(&turn)) < i; spins++)
			if (spins > SPINS)
				sched_yield();
		if (t == UINT64_MAX)
			return NULL;
		wait_some(&seed, 64);
		fido_store_release(&posted, fido_clock_before());
	}
}

static void
not_later(void **state)
{
	uint64_t until = test_now_ms() + LIMIT_MS, last = 0, early = 0;
	unsigned int seed = 7;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, poster, NULL), 0);
	for (uint64_t i = 1; i <= ROUNDS && early == 0 && (i % 1024 != 0 || test_now_ms() < until);
		i++) {
		uint64_t at, read_at;
		unsigned int spins = 0;

		fido_store_release(&turn, i);
		wait_some(&seed, 128);
		do {
			at = fido_load_acquire(&posted);
			/*
			 * Read the clock at once: the processor may not wait for the load of `at`.
			 */
			read_at = fido_clock_after();
			if (++spins > SPINS)
				sched_yield();
		} while (at == last);
		last = at;
		if (read_at < at)
			early = at - read_at;
	}
	fido_store_release(&turn, UINT64_MAX);
	pthread_join(thread, NULL);
	if (early != 0)
		fail_msg("read %llu ticks before it was posted", (unsigned long long)early);
}

TEST_MAIN_ONE(not_later)
