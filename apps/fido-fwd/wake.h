/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wake: a file descriptor that is readable from the moment on when it is time to stop. Whoever
 * sleeps without an end has it among what he waits for. There is one for the process: a signal
 * handler has no argument.
 */
#ifndef FIDO_FWD_WAKE_H
#define FIDO_FWD_WAKE_H

/*
 * Create the descriptor; undone by fwd_wake_destroy().
 *
 * @return
 *   - 0: done
 *   - -EMFILE, -ENFILE, -ENOMEM
 */
int fwd_wake_create(void);

void fwd_wake_destroy(void);

/* Return the descriptor, for poll() and epoll; it stays readable. */
int fwd_wake_fd(void);

/* Wake all who sleep, and let nobody sleep from now on. From any thread, and from signal handlers. */
void fwd_wake_all(void);

#endif
