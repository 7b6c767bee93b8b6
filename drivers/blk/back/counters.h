/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_COUNTERS_H
#define FIDO_BLK_BACK_COUNTERS_H

/**
 * @file
 * Counters of a queue: fido-ctl shows them while the queue is open; when it closes, they are added
 * to those of the volume.
 */

#include "queue.h"

/** Show the queue to fido-ctl. server->lock is held. @see back_counters_hide */
void back_counters_show(struct back_queue *q);
/** Stop showing the queue; add its counters to the volume. server->lock is held. */
void back_counters_hide(struct back_queue *q);
/** Count returned pieces of lent memory. Worker's thread. */
void back_counters_returned(struct back_queue *q, unsigned int n);

#endif
