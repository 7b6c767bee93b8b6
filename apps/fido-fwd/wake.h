/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wake: the stop event, a file descriptor that becomes readable when the process must stop, and
 * stays so. Every thread that sleeps without a timeout waits for it too. There is one per process,
 * as a signal handler has no argument.
 */
#ifndef FIDO_FWD_WAKE_H
#define FIDO_FWD_WAKE_H

/*
 * Create the descriptor. Undone by fwd_wake_destroy().
 *
 * @return
 *   - 0: done
 *   - -EMFILE, -ENFILE, -ENOMEM
 */
int fwd_wake_create(void);

void fwd_wake_destroy(void);

/* Return the descriptor, for poll() and epoll. Never read from it: it must stay readable. */
int fwd_wake_fd(void);

/* Wake all threads; from now on none sleeps. Any thread; async-signal-safe. */
void fwd_wake_all(void);

#endif
