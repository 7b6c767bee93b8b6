/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DOCTOR_REPORT_H
#define DOCTOR_REPORT_H

/** @file Findings, printed one a line, or as JSON at the end. */

#include "finding.h"
#include "writer.h"

struct doctor_report {
	bool json;
	unsigned int notes;
	unsigned int fails;
	struct ctl_writer writer; /**< JSON */
	cJSON *root;
	cJSON *checks;
};

/** @param group --group; NULL: none */
void doctor_report_begin(struct doctor_report *r, const char *group, bool json);
/**
 * Add a finding.
 * @param scope a group whose check it is; NULL: the machine's
 */
void doctor_report_add(struct doctor_report *r, const char *scope, const char *check,
	const struct doctor_finding *f);
/** @return 0, -ENOMEM */
int doctor_report_end(struct doctor_report *r);

#endif
