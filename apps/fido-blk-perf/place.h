/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_PLACE_H
#define PERF_PLACE_H

/** @file What the next request is, and where: shared by the jobs. */

#include "worker.h"

struct perf_place {
	uint64_t position; /**< sequential: where the next one begins, in the stripe */
	uint64_t writes; /**< since the last flush */
};

/** @return a kind of request, as the options' percentages say. */
enum fido_blk_op perf_place_op(struct perf_worker *w);
/** @return true when a flush is due now; it is taken for done. */
bool perf_place_flush_due(struct perf_worker *w, struct perf_place *place);
/**
 * Set offset and length of the slot's request. Sequential places begin anew at the stripe's end.
 */
void perf_place_next(struct perf_worker *w, struct perf_place *place, struct fido_blk_request *r);

#endif
