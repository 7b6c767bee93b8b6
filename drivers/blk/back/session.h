/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_SESSION_H
#define FIDO_BLK_BACK_SESSION_H

/** @file Sessions: which volume a queue serves. The worker's thread. */

#include "queue.h"

/** Go on with an OPEN that waits. @return the worker that is to have the queue from now on: its own, or another */
struct back_worker *back_open_retry(struct back_queue *q);
/** Close the queue's volume, if it is open and the client has gone away. */
void back_close_if_down(struct back_queue *q);
/** Close the queue's volume. */
void back_close(struct back_queue *q);

#endif
