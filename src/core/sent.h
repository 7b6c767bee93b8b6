/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_SENT_H
#define FIDO_SENT_H

/**
 * @file
 * What each reader of our memory has been sent. A transport sends extents in the order of epoch and address, and goes on
 * from here after a failure. The domain's lock is held.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain_private.h"

/** How much of our memory a reader has been sent: all up to here, in the order of epoch and address. Zero: nothing. */
struct fido_sent {
	uint32_t epoch;
	uint64_t gaddr; /**< the last one of that epoch; UINT64_MAX: all */
	int error;      /**< -errno: what comes next could not be sent, and is tried again later */
	bool told;      /**< it is in the log */
};

/** @return true when there is something that the reader has not been sent, or not been told of. */
bool fido_unsent(const struct fido_domain *d, const struct fido_sent *sent);
/**
 * Find what a reader is to be sent next.
 * @param max   places in `out`; FIDO_UNSENT_MAX at most
 * @param after how much it has when these have been sent
 * @return number of extents; 0: all has been sent
 */
#define FIDO_UNSENT_MAX 32
size_t fido_unsent_next(const struct fido_domain *d, const struct fido_sent *sent,
	struct fido_extent *out, size_t max, struct fido_sent *after);
/** @return the epoch up to which nothing is missing */
uint32_t fido_sent_epoch(const struct fido_sent *sent);
/** A withdrawal made a new epoch, and the reader has been told. */
void fido_sent_withdrawal(struct fido_sent *sent, uint32_t epoch);
/** What comes next could not be sent to that reader. Told once; retry() is called in a while. */
void fido_sent_failed(struct fido_domain *d, struct fido_sent *sent, const char *reader, int error);
/** All has been sent. */
void fido_sent_all(struct fido_domain *d, struct fido_sent *sent, const char *reader);

#endif
