/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

/**
 * @file
 * fido-ctl doctor: say what this machine has and lacks for Fido, what that means, and the command
 * that mends it. It changes nothing, needs no root, and ends within seconds.
 *
 *   doctor.c     which checks run
 *   machine.h    what the machine is; the tables of checks: process.c, memory.c, folder.c,
 *                vm_tools.c, vm_host.c, vm_guest.c, xen.c; members.c looks at --group
 *   tree.h       all reading of /proc, /sys, /dev, /run
 *   finding.h    what a check has found; report.h prints it
 */

#include <stdbool.h>

/**
 * Run the checks and print what they find.
 * @param group --group; NULL: all that is on this machine
 * @return number of needed things that are missing, -ENOMEM
 */
int doctor_run(const char *group, bool json);

#endif
