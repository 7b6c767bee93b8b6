/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_CLAIMS_H
#define PERF_CLAIMS_H

/**
 * @file Which blocks of a queue's stripe have a request in flight: at most one each. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct perf_claims {
	uint64_t *bits;
	uint64_t count;
};

/** @param count of blocks, numbered from 0 @return 0, -ENOMEM */
int perf_claims_create(struct perf_claims *claims, uint64_t count);
void perf_claims_destroy(struct perf_claims *claims);
/**
 * Claim n blocks from `first` on.
 * @return true; false: one of them has a request, none was claimed
 */
bool perf_claims_take(struct perf_claims *claims, uint64_t first, uint64_t n);
/** Their request is done. */
void perf_claims_drop(struct perf_claims *claims, uint64_t first, uint64_t n);

#endif
