/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_EVENT_H
#define FIDO_EVENT_H

/**
 * @file
 * Signal an eventfd that another process holds too, and take its signal off, without ever blocking.
 *
 * Whether write(2) and read(2) block on an eventfd is a flag of the open file, which all its holders share: one of them can
 * make it blocking and its counter full, or empty, and who writes or reads then hangs. So the kernel is asked in ways
 * that do not look at the flag: the completion of an asynchronous request signals an eventfd (IOCB_FLAG_RESFD), whatever its
 * counter; preadv2(2) with RWF_NOWAIT does not wait. Where the kernel has neither, plain write() and read() are used.
 */

/**
 * Have fido_event_signal() ready, as long as somebody uses it; counted. Blocks for an allocation.
 * @return 0, -errno (no descriptor, no memory)
 */
int fido_event_use(void);
/** Undo one fido_event_use(). */
void fido_event_unuse(void);

/** Make the eventfd readable. Between fido_event_use() and fido_event_unuse(). Any thread; does not block. */
void fido_event_signal(int fd);
/** Make the eventfd unreadable until the next signal. Any thread; does not block. */
void fido_event_take(int fd);

#endif
