/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_TEST_NBDKIT_VOLUME_H
#define FIDO_TEST_NBDKIT_VOLUME_H

/**
 * @file
 * A volume for the tests of the nbdkit plugin's parts: <fido/blk.h> over plain memory, with one
 * queue. A thread answers in any order after any delay. The volume fails if two threads use the
 * queue at once, and overwrites lent memory that was released.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/blk.h>

#define VOLUME_SIZE (1u << 20)
#define VOLUME_BLOCK 512u
#define VOLUME_MAX_TRANSFER 8192u
#define VOLUME_DEPTH 6u

/** The content of the volume. */
extern uint8_t volume_contents[VOLUME_SIZE];
/** While set, requests wait and the backend is gone. */
void volume_hold(bool held);
/** @return number of requests in flight or lent */
unsigned int volume_inflight(void);

#endif
