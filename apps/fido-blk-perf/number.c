/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

/* strtoull() takes "-1" and " 1" as well: the first character must be a digit. */
static int
read_digits(const char *text, const char **end, uint64_t *out)
{
	char *stop;

	errno = 0;
	*out = isdigit((unsigned char)text[0]) ? strtoull(text, &stop, 10) : 0;
	if (!isdigit((unsigned char)text[0]) || errno != 0)
		return -EINVAL;
	*end = stop;
	return 0;
}

int
perf_number_whole(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *end;

	if (read_digits(text, &end, out) != 0 || *end != '\0' || *out < min || *out > max)
		return -EINVAL;
	return 0;
}

int
perf_number_seconds(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	if (end == text || *end != '\0' || !isfinite(*out) || *out < 0 || *out > 1e9)
		return -EINVAL;
	return 0;
}

int
perf_number_bytes(const char *text, const char **end, uint64_t *out)
{
	static const char units[] = "kmgt";
	const char *stop, *unit;
	unsigned int shift = 0;

	if (read_digits(text, &stop, out) != 0)
		return -EINVAL;
	unit = *stop == '\0' ? NULL : strchr(units, tolower((unsigned char)*stop));
	if (unit != NULL) {
		shift = 10 * (unsigned int)(unit - units + 1);
		stop++;
	}
	if (*out > UINT64_MAX >> shift || (end == NULL && *stop != '\0'))
		return -EINVAL;
	*out <<= shift;
	if (end != NULL)
		*end = stop;
	return 0;
}

/* value with three digits, in the first of the units in which it is below `step`. */
static struct perf_number_text
scaled(double value, double step, const char *const *units, size_t count)
{
	struct perf_number_text t;
	size_t i = 0;

	while (value >= step * 0.9995 && i + 1 < count) {
		value /= step;
		i++;
	}
	snprintf(t.s, sizeof(t.s), "%.*f%s",
		i == 0 || value >= 100 ? 0
			: value >= 10  ? 1
				       : 2,
		value, units[i]);
	return t;
}

struct perf_number_text
perf_number_of_bytes(uint64_t bytes)
{
	static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};

	return scaled((double)bytes, 1024, units, sizeof(units) / sizeof(units[0]));
}

struct perf_number_text
perf_number_of_rate(double rate)
{
	static const char *const units[] = {"", "k", "M", "G"};

	return scaled(rate, 1000, units, sizeof(units) / sizeof(units[0]));
}

struct perf_number_text
perf_number_of_ns(double ns)
{
	static const char *const units[] = {" ns", " us", " ms", " s"};

	return scaled(ns, 1000, units, sizeof(units) / sizeof(units[0]));
}
