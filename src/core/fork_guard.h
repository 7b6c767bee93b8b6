/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FORK_GUARD_H
#define FIDO_FORK_GUARD_H

/**
 * @file
 * Close in children the descriptors that show that this process lives: file locks and connections.
 * They must end with the process. A child of fork() that does not exec inherits them and, after its
 * parent was killed, would make the peers believe that the parent's domain lives.
 *
 * Any thread. Covers fork(). A program that calls clone() directly is expected to exec, which also
 * closes the descriptors (O_CLOEXEC).
 */

/** Have every child of fork() close fd. @return fd, unchanged; a negative fd is ignored */
int fido_fork_guard(int fd);
/** Undo fido_fork_guard(), and close fd. A negative fd is ignored. */
void fido_fork_close(int fd);

#endif
