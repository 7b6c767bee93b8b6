/* SPDX-License-Identifier: BSD-3-Clause */
#include "finding.h"

#include <stdarg.h>
#include <string.h>

static struct doctor_finding
make(enum doctor_status status, const char *fmt, va_list args)
{
	struct doctor_finding f = {.status = status};

	vsnprintf(f.what, sizeof(f.what), fmt, args);
	return f;
}

struct doctor_finding
doctor_ok(const char *fmt, ...)
{
	struct doctor_finding f;
	va_list args;

	va_start(args, fmt);
	f = make(DOCTOR_OK, fmt, args);
	va_end(args);
	return f;
}

struct doctor_finding
doctor_note(const char *fmt, ...)
{
	struct doctor_finding f;
	va_list args;

	va_start(args, fmt);
	f = make(DOCTOR_NOTE, fmt, args);
	va_end(args);
	return f;
}

struct doctor_finding
doctor_fail(const char *fmt, ...)
{
	struct doctor_finding f;
	va_list args;

	va_start(args, fmt);
	f = make(DOCTOR_FAIL, fmt, args);
	va_end(args);
	return f;
}

struct doctor_finding
doctor_mend(struct doctor_finding f, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(f.command, sizeof(f.command), fmt, args);
	va_end(args);
	return f;
}

struct doctor_finding
doctor_if_needed(struct doctor_finding f, bool needed)
{
	if (f.status != DOCTOR_OK)
		f.status = needed ? DOCTOR_FAIL : DOCTOR_NOTE;
	return f;
}

void
doctor_append(char *text, size_t size, const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + len, size - len, fmt, args);
	va_end(args);
}

struct doctor_slots_text
doctor_slots(uint64_t set)
{
	struct doctor_slots_text t = {""};
	const char *before = set & (set - 1) ? "slots " : "slot ";

	for (unsigned int first = 0; first < 64; first++) {
		unsigned int last = first;

		if (!(set >> first & 1))
			continue;
		while (last + 1 < 64 && set >> (last + 1) & 1)
			last++;
		doctor_append(t.s, sizeof(t.s), "%s%u", before, first);
		before = ", ";
		if (last > first)
			doctor_append(t.s, sizeof(t.s), "-%u", last);
		first = last;
	}
	return t;
}
