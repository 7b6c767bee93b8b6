/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_COUNTERS_H
#define FIDO_BLK_BACK_COUNTERS_H

/** @file What fido-ctl shows of a queue, and where that goes when its volume is closed. */

#include "queue.h"

/** server->lock is held. From now on fido-ctl shows the queue. */
void back_counters_show(struct back_queue *q);
/** server->lock is held. What the queue has counted is kept with the volume. */
void back_counters_hide(struct back_queue *q);
/** Count pieces of memory that came back. The worker's thread. */
void back_counters_returned(struct back_queue *q, unsigned int n);

#endif
