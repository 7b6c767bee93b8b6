/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_EVENT_H
#define FIDO_EVENT_H

/**
 * @file
 * Signal an eventfd that another process also holds, and clear it, without ever blocking.
 *
 * O_NONBLOCK is a flag of the open file, which all holders of an eventfd share. So a hostile holder
 * can clear it, fill or empty the counter, and make our write(2) or read(2) hang. These functions
 * use calls that ignore the flag: the completion of an asynchronous request signals an eventfd
 * (IOCB_FLAG_RESFD) whatever its counter, and preadv2(2) with RWF_NOWAIT does not wait. Where the
 * kernel has neither, they use plain write() and read().
 */

/**
 * Prepare for fido_event_signal(); counted. Blocks for an allocation.
 * @return 0, -errno (no descriptor, no memory)
 * @see fido_event_unuse
 */
int fido_event_use(void);
/** Undo one fido_event_use(). */
void fido_event_unuse(void);

/**
 * Make the eventfd readable. Between fido_event_use() and fido_event_unuse(). Any thread; does not
 * block.
 */
void fido_event_signal(int fd);
/** Make the eventfd unreadable until the next signal. Any thread; does not block. */
void fido_event_take(int fd);

#endif
