/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sums of whole blocks. With wide vectors a block takes few instructions, so out-of-order execution
 * reaches, and fetches, several packets ahead. With narrow ones --mode touch is bound by
 * instructions, not by memory.
 */

#include "sum.h"

#include <rte_common.h>

static uint64_t
sum_plain(const uint8_t *p, size_t len)
{
	uint64_t a = 0, b = 0, c = 0, d = 0;

	for (const uint8_t *end = p + len; p < end; p += 32) {
		a += fwd_sum_load(p);
		b += fwd_sum_load(p + 8);
		c += fwd_sum_load(p + 16);
		d += fwd_sum_load(p + 24);
	}
	return a + b + c + d;
}

uint64_t (*fwd_sum_blocks)(const uint8_t *p, size_t len) = sum_plain;

#ifdef RTE_ARCH_X86_64

typedef uint64_t words __attribute__((vector_size(32), aligned(1), may_alias));

__attribute__((target("avx2"))) static uint64_t
sum_avx2(const uint8_t *p, size_t len)
{
	words a = {0}, b = {0}, c = {0}, d = {0};

	for (const uint8_t *end = p + len; p < end; p += FWD_SUM_BLOCK) {
		a += *(const words *)p;
		b += *(const words *)(p + 32);
		c += *(const words *)(p + 64);
		d += *(const words *)(p + 96);
	}
	a += b + c + d;
	return a[0] + a[1] + a[2] + a[3];
}

RTE_INIT(choose)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		fwd_sum_blocks = sum_avx2;
}

#endif
