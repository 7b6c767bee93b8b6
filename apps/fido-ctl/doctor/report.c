/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <stdio.h>

static const char *const status_names[] = {"ok", "note", "fail"};

void
doctor_report_begin(struct doctor_report *r, const char *group, bool json)
{
	*r = (struct doctor_report){.json = json};
	if (!json)
		return;
	r->root = ctl_writer_keep(&r->writer, cJSON_CreateObject());
	ctl_writer_string(&r->writer, r->root, "command", "doctor");
	if (group != NULL)
		ctl_writer_string(&r->writer, r->root, "group", group);
	else
		ctl_writer_keep(&r->writer, cJSON_AddNullToObject(r->root, "group"));
	r->checks = ctl_writer_keep(&r->writer, cJSON_AddArrayToObject(r->root, "checks"));
}

/* Names of files, and what others say, may have any characters. */
static void
make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static void
add_json(struct doctor_report *r, const char *scope, const char *check,
	const struct doctor_finding *f)
{
	cJSON *o = ctl_writer_object(&r->writer, r->checks);

	if (scope != NULL)
		ctl_writer_string(&r->writer, o, "scope", scope);
	else
		ctl_writer_keep(&r->writer, cJSON_AddNullToObject(o, "scope"));
	ctl_writer_string(&r->writer, o, "check", check);
	ctl_writer_string(&r->writer, o, "status", status_names[f->status]);
	ctl_writer_string(&r->writer, o, "what", f->what);
	if (f->command[0] != '\0')
		ctl_writer_string(&r->writer, o, "command", f->command);
	else
		ctl_writer_keep(&r->writer, cJSON_AddNullToObject(o, "command"));
}

void
doctor_report_add(struct doctor_report *r, const char *scope, const char *check,
	const struct doctor_finding *f)
{
	struct doctor_finding copy = *f;

	r->notes += f->status == DOCTOR_NOTE;
	r->fails += f->status == DOCTOR_FAIL;
	make_printable(copy.what);
	make_printable(copy.command);
	if (r->json) {
		add_json(r, scope, check, &copy);
		return;
	}
	printf("%-5s %s%s%s: %s%s%s\n", status_names[copy.status], scope != NULL ? scope : "",
		scope != NULL ? " " : "", check, copy.what, copy.command[0] != '\0' ? " -> " : "",
		copy.command);
}

int
doctor_report_end(struct doctor_report *r)
{
	if (!r->json)
		return 0;
	ctl_writer_u64(&r->writer, r->root, "notes", r->notes);
	ctl_writer_u64(&r->writer, r->root, "failures", r->fails);
	return ctl_writer_finish(&r->writer, r->root, stdout, false);
}
