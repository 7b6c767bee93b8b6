/* SPDX-License-Identifier: BSD-3-Clause */
/* The clocks: whether this processor can timestamp messages, and monotonic time. */

#include <errno.h>
#include <time.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <fido/clock.h>
#include <fido/log.h>

#define LEAF_EXTENDED_FEATURES 0x80000001u
#define EDX_RDTSCP (1u << 27)

int
fido_clock_check(void)
{
#ifdef __x86_64__
	unsigned int a, b, c, d;

	if (!__get_cpuid(LEAF_EXTENDED_FEATURES, &a, &b, &c, &d) || !(d & EDX_RDTSCP)) {
		fido_log(FIDO_LOG_ERROR,
			"this processor has no RDTSCP, needed to timestamp messages: choose a "
			"processor model with it for the virtual machine (QEMU: -cpu max or -cpu "
			"host)");
		return -ENOTSUP;
	}
#endif
	return 0;
}

uint64_t
fido_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

uint64_t
fido_now_ms(void)
{
	return fido_now_ns() / 1000000;
}
