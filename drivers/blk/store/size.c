/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes in the arguments of stores. */

#include "size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t
blk_size_parse(const char *text)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || end == text || text[0] == '-')
		return 0;
	if (*end != '\0') {
		unit = strchr(units, *end);
		if (unit == NULL || end[1] != '\0' || n > UINT64_MAX >> (10 * (unit - units + 1)))
			return 0;
		n <<= 10 * (unit - units + 1);
	}
	return n;
}
