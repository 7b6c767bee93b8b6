/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages for people. */

#include <stdarg.h>
#include <stdio.h>

#include <fido/atomic.h>
#include <fido/log.h>

static fido_log_fn log_fn;
static _Thread_local char last_error[FIDO_LOG_MAX];

void
fido_log_set(fido_log_fn fn)
{
	fido_store_relaxed(&log_fn, fn);
}

const char *
fido_last_error(void)
{
	return last_error;
}

void
fido_log(enum fido_log_level level, const char *fmt, ...)
{
	char line[FIDO_LOG_MAX];
	fido_log_fn fn = fido_load_relaxed(&log_fn);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (level == FIDO_LOG_ERROR)
		snprintf(last_error, sizeof(last_error), "%s", line);
	if (fn != NULL)
		fn(level, line);
	else if (level <= FIDO_LOG_WARNING)
		fprintf(stderr, "fido: %s\n", line);
}
