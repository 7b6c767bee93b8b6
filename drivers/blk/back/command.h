/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_COMMAND_H
#define FIDO_BLK_BACK_COMMAND_H

/** @file Commands of a front-end: read once and checked. */

#include "request.h"

/**
 * Read commands from a ring into free requests. The rxq's lock is held.
 * @return number of requests in burst
 */
unsigned int back_command_poll(struct back_queue *q, struct fido_receiver *rx,
	struct back_request **burst, unsigned int max);
/** Check a command against the limits and features of the volume. @return 0 or -errno */
int back_command_check(const struct fido_blk_info *info, const struct back_request *r);

#endif
