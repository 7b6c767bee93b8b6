/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DOCTOR_FINDING_H
#define DOCTOR_FINDING_H

/** @file What a check has found, and the command that mends it. */

#include "tree.h"

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_NOTE, /**< something optional is missing */
	DOCTOR_FAIL, /**< something needed is missing */
};

struct doctor_finding {
	enum doctor_status status;
	char what[600];
	char command[400]; /**< "": none */
};

struct doctor_finding doctor_ok(const char *fmt, ...) DOCTOR_FORMAT(1, 2);
struct doctor_finding doctor_note(const char *fmt, ...) DOCTOR_FORMAT(1, 2);
struct doctor_finding doctor_fail(const char *fmt, ...) DOCTOR_FORMAT(1, 2);
/** @return the finding, with the command that mends it */
struct doctor_finding doctor_mend(struct doctor_finding f, const char *fmt, ...)
	DOCTOR_FORMAT(2, 3);
/** @return the finding as a failure if `needed`, else as a note; what is ok stays so */
struct doctor_finding doctor_if_needed(struct doctor_finding f, bool needed);

/** Append to text of that size, as far as there is room. */
void doctor_append(char *text, size_t size, const char *fmt, ...) DOCTOR_FORMAT(3, 4);

/** A set of slots as text: "slot 4", "slots 0-3, 8". */
struct doctor_slots_text {
	char s[200];
};
struct doctor_slots_text doctor_slots(uint64_t set);

#endif
