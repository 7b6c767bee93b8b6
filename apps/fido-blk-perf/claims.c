/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "claims.h"

int
perf_claims_create(struct perf_claims *claims, uint64_t count)
{
	claims->count = count;
	claims->bits = calloc((count + 63) / 64, sizeof(claims->bits[0]));
	return claims->bits == NULL ? -ENOMEM : 0;
}

void
perf_claims_destroy(struct perf_claims *claims)
{
	free(claims->bits);
	claims->bits = NULL;
}

static bool
is_set(const struct perf_claims *claims, uint64_t i)
{
	return (claims->bits[i / 64] >> (i % 64) & 1) != 0;
}

bool
perf_claims_take(struct perf_claims *claims, uint64_t first, uint64_t n)
{
	assert(first + n <= claims->count);
	for (uint64_t i = first; i < first + n; i++)
		if (is_set(claims, i))
			return false;
	for (uint64_t i = first; i < first + n; i++)
		claims->bits[i / 64] |= UINT64_C(1) << (i % 64);
	return true;
}

void
perf_claims_drop(struct perf_claims *claims, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++) {
		assert(is_set(claims, i));
		claims->bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
	}
}
