/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_SESSION_H
#define FIDO_BLK_BACK_SESSION_H

/** @file Sessions: which volume a queue serves. Worker's thread only. */

#include "queue.h"

/**
 * Retry a waiting OPEN.
 * @return the worker that must serve the queue from now on: q->worker, or another to pass it to
 */
struct back_worker *back_open_retry(struct back_queue *q);
/** Close the queue's volume if the client has gone away. */
void back_close_if_down(struct back_queue *q);
/** Close the queue's volume. */
void back_close(struct back_queue *q);

#endif
