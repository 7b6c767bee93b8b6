/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NOW_H
#define FIDO_NOW_H

/** @file The monotonic clock, for limits; what peers compare is fido/clock.h. */

#include <stdint.h>
#include <time.h>

static inline uint64_t
fido_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static inline uint64_t
fido_now_ms(void)
{
	return fido_now_ns() / 1000000;
}

#endif
