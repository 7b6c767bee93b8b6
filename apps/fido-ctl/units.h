/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_UNITS_H
#define CTL_UNITS_H

/** @file Numbers with units, for people. */

#include <stdint.h>

/** A number as text; print `.s`. */
struct ctl_unit_text {
	char s[32];
};

/** @return "512 B", "8.0 MiB". */
struct ctl_unit_text ctl_unit_bytes(uint64_t bytes);
/** @return a rate: "0 pps", "1.25 Mpps" for unit "pps". */
struct ctl_unit_text ctl_unit_rate(double per_second, const char *unit);
/** @return "12 s", "3 min 05 s", "2 h 03 min", "4 d 01 h". */
struct ctl_unit_text ctl_unit_time(uint64_t seconds);

#endif
