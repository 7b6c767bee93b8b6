/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DOCTOR_PROGRAM_H
#define DOCTOR_PROGRAM_H

/** @file Something that may hang, in a process of its own, which is killed when its time is up. */

#include <stddef.h>

/**
 * Run fn in a child, whose standard output is `out`.
 * @param fn returns the child's exit status, 0 to 100
 * @param out receives what it prints, as far as there is room, and a terminating zero
 * @return its exit status; -ETIMEDOUT: it was killed after `ms` milliseconds; -EINTR: it died;
 *         -errno
 */
int doctor_program_run(int (*fn)(void *arg), void *arg, unsigned int ms, char *out, size_t size);

#endif
