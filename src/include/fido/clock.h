/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_CLOCK_H
#define FIDO_CLOCK_H

/**
 * @file
 * A clock that all domains of one machine share, for the question "which came first": a message was posted here, another
 * was read there. It is asked only after a death (src/core/recall.c); the answers must be on record by then.
 *
 * fido_clock_before() is not later than anything that the caller publishes afterwards; fido_clock_after() is not earlier
 * than anything that it has read before. So a message is always posted before it is read, and what is read in one burst
 * is read before what the same thread posts in a later one.
 */

#include <stdint.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <time.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__x86_64__)

/** @return the time now, or a little earlier; in ticks. Any thread; does not block. */
static inline uint64_t
fido_clock_before(void)
{
	/* A store is seen by others only after all that comes before it, this too, has been done. */
	return __builtin_ia32_rdtsc();
}

/** @return the time now, after all that was read. Any thread; does not block. */
static inline uint64_t
fido_clock_after(void)
{
	unsigned int processor;
	/* Waits for what comes before it, which rdtsc alone does not; and unlike an lfence keeps nothing back that comes later. */
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

/** @return 0; -ENOTSUP: this processor does not have what the two need (message written). Any thread; does not block. */
int fido_clock_check(void);

/** @return monotonic time, for limits and pauses within a process. Peers' times are compared by the clock above. */
uint64_t fido_now_ns(void);
uint64_t fido_now_ms(void);

#ifdef __cplusplus
}
#endif

#endif
