/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_COMMAND_H
#define FIDO_BLK_BACK_COMMAND_H

/**
 * @file
 * Commands as a front-end has written them: read once, and checked.
 */

#include "request.h"

/** Begin requests with what has come by a ring. The rxq's lock is held. @return number of them, in burst */
unsigned int back_command_poll(struct back_queue *q, struct fido_receiver *rx,
	struct back_request **burst, unsigned int max);
/** Whether the volume can do what the command says. @return 0 or -errno */
int back_command_check(const struct fido_blk_info *info, const struct back_request *r);

#endif
