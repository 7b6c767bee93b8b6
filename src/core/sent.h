/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_SENT_H
#define FIDO_SENT_H

/**
 * @file
 * How much of our memory each reader has been sent. A transport sends extents in the order of
 * epoch, then address, and continues from here after a failure. The domain's lock is held.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain_private.h"

/** How much of our memory a reader has been sent: all extents up to this one. Zero: none. */
struct fido_sent {
	uint32_t epoch;
	uint64_t gaddr; /**< last extent sent of that epoch; UINT64_MAX: all of it */
	int error;      /**< -errno: the next extent could not be sent, and is tried again later */
	bool told;      /**< the error has been logged */
};

/** @return true: there is an extent or an epoch that the reader has not been sent. */
bool fido_unsent(const struct fido_domain *d, const struct fido_sent *sent);
/** Most extents of one fido_unsent_next(). */
#define FIDO_UNSENT_MAX 32
/**
 * Find the next extents to send to a reader.
 * @param out   room for max
 * @param max   at most FIDO_UNSENT_MAX
 * @param after receives the reader's state once these have been sent
 * @return number of extents; 0: all have been sent
 */
size_t fido_unsent_next(const struct fido_domain *d, const struct fido_sent *sent,
	struct fido_extent *out, size_t max, struct fido_sent *after);
/** @return the epoch up to which the reader has been sent everything */
uint32_t fido_sent_epoch(const struct fido_sent *sent);
/** A withdrawal started a new epoch, and the reader has been sent the withdrawal. */
void fido_sent_withdrawal(struct fido_sent *sent, uint32_t epoch);
/** The next extents could not be sent to that reader: log it once, and schedule a retry(). */
void fido_sent_failed(struct fido_domain *d, struct fido_sent *sent, const char *reader, int error);
/** All extents have been sent to that reader. */
void fido_sent_all(struct fido_domain *d, struct fido_sent *sent, const char *reader);

#endif
