/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FORK_GUARD_H
#define FIDO_FORK_GUARD_H

/**
 * @file
 * Descriptors that tell others that this process lives: locks and connections. They must end with the process itself. A child of
 * fork() that does not exec inherits them all, and would keep a killed domain alive for its peers; so the child closes them.
 *
 * Any thread. Covers fork(); what calls clone() itself is expected to exec, which closes them too (O_CLOEXEC).
 */

/** Have every child of fork() close fd. @return fd, also when it is negative */
int fido_fork_guard(int fd);
/** Undo fido_fork_guard() and close. Negative: nothing to do. */
void fido_fork_close(int fd);

#endif
