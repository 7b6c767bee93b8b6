/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DOCTOR_MEMBERS_H
#define DOCTOR_MEMBERS_H

/** @file Whether a group is there, and who is in it, as fido-ctl list sees it. */

#include "machine.h"

/** @param group with its transport, as --group had it */
struct doctor_finding doctor_members_look(const struct doctor_machine *m, const char *group);

#endif
