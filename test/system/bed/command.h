/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BED_COMMAND_H
#define BED_COMMAND_H

/*
 * What the agents of the test beds have in common: they run a command of the scenario in a guest.
 */

#include <stdint.h>
#include <sys/types.h>

/* Where a command's standard output and error go. */
#define COMMAND_OUT "/run/out"
/* Exit statuses of `agent call` that are not the command's. */
#define COMMAND_NO_ANSWER 124
#define COMMAND_GUEST_GONE 125
#define COMMAND_ERROR 126

/* Print what failed, and errno; exit with COMMAND_ERROR. */
_Noreturn void die(const char *what);
uint64_t now_ms(void);
/*
 * Start it with sh -c in a process group of its own, no signal blocked, its output in COMMAND_OUT.
 * @return the group
 */
pid_t command_start(const char *command);
/* @return its exit status; 128 + the signal that ended it; -1: it runs (with WNOHANG) */
int command_wait(pid_t pid, int options);

#endif
