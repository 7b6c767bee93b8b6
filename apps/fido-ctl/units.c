/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "units.h"

struct ctl_unit_text
ctl_unit_bytes(uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes / 1024;
	struct ctl_unit_text t;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " B", bytes);
		return t;
	}
	while (value >= 1023.95 && i + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		i++;
	}
	snprintf(t.s, sizeof(t.s), "%.1f %s", value, units[i]);
	return t;
}

struct ctl_unit_text
ctl_unit_rate(double value, const char *unit)
{
	static const char *const prefixes[] = {"k", "M", "G", "T", "P", "E"};
	struct ctl_unit_text t;
	size_t i = 0;

	if (value < 999.5) {
		snprintf(t.s, sizeof(t.s), "%.*f %s", value > 0 && value < 10 ? 1 : 0, value, unit);
		return t;
	}
	value /= 1000;
	while (value >= 999.995 && i + 1 < sizeof(prefixes) / sizeof(prefixes[0])) {
		value /= 1000;
		i++;
	}
	snprintf(t.s, sizeof(t.s), "%.2f %s%s", value, prefixes[i], unit);
	return t;
}

struct ctl_unit_text
ctl_unit_time(uint64_t s)
{
	struct ctl_unit_text t;

	if (s < 60)
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " h %02" PRIu64 " min", s / 3600,
			s / 60 % 60);
	else
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " d %02" PRIu64 " h", s / 86400,
			s / 3600 % 24);
	return t;
}
