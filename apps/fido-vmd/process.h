/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_PROCESS_H
#define FIDO_VMD_PROCESS_H

/** @file Processes by pid and start time, which name a process even after its pid has another. */

#include <stdbool.h>
#include <stdint.h>

/** @return when the process started, in ticks since boot; 0: there is none, or it has ended */
uint64_t process_start(uint64_t pid);
/** @return true: the process of that pid that started then has not ended */
bool process_lives(uint64_t pid, uint64_t start);
/**
 * Open a process, to be polled for its end.
 * @return a descriptor, -ESRCH: it has ended, other -errno
 */
int process_open(uint64_t pid, uint64_t start);
/** Find the process at the other end of a Unix socket. @return false: not visible from here */
bool process_of_socket(int fd, uint64_t *pid, uint64_t *start, unsigned int *uid);

#endif
