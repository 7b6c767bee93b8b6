/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_CLOCK_H
#define FIDO_CLOCK_H

/**
 * @file
 * A clock that all domains of one machine share. It tells which came first, a message that one
 * domain posted or one that another domain read. libfido compares these times only after a death
 * (src/core/recall.c), but must record them before.
 *
 * fido_clock_before() is not later than anything that the caller publishes afterwards.
 * fido_clock_after() is not earlier than anything that the caller has read before. So every message
 * has a time of posting before its time of reading, and a thread reads one burst before it posts a
 * later one. Times are in ticks of the processor's counter (elsewhere: ns).
 */

#include <stdint.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <time.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__x86_64__)

/** @return the time now or a little earlier, in ticks. Any thread; does not block. */
static inline uint64_t
fido_clock_before(void)
{
	/* Others see a later store only after this instruction has executed. */
	return __builtin_ia32_rdtsc();
}

/** @return the time now, after all earlier reads, in ticks. Any thread; does not block. */
static inline uint64_t
fido_clock_after(void)
{
	unsigned int processor;
	/* Waits for earlier loads, which rdtsc does not; unlike lfence, delays nothing later. */
	uint64_t t = __builtin_ia32_rdtscp(&processor);

	__asm__ volatile("" : : : "memory");
	return t;
}

#elif defined(__aarch64__)

static inline uint64_t
fido_clock_before(void)
{
	uint64_t t;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(t) : : "memory");
	return t;
}

static inline uint64_t
fido_clock_after(void)
{
	__asm__ volatile("dmb ishld" : : : "memory");
	return fido_clock_before();
}

#else

static inline uint64_t
fido_clock_before(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static inline uint64_t
fido_clock_after(void)
{
	return fido_clock_before();
}

#endif

/**
 * Check that this processor has the instructions that the clock needs. Any thread; does not block.
 * @return 0, -ENOTSUP (message logged)
 */
int fido_clock_check(void);

/**
 * @return CLOCK_MONOTONIC in ns, for timeouts and pauses within a process. To compare times of
 *         different domains use the clock above. Any thread; does not block.
 */
uint64_t fido_now_ns(void);
/** @return fido_now_ns() in ms. Any thread; does not block. */
uint64_t fido_now_ms(void);

#ifdef __cplusplus
}
#endif

#endif
