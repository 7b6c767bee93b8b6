/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <string.h>

#include <xenstore.h>

#include "chain-report.h"

/* In data/chain of the domain, which dom0 reads without starting a program in it. */
void
chain_report_publish(const char *line)
{
	static struct xs_handle *xs;

	if (xs == NULL)
		xs = xs_open(0);
	if (xs != NULL)
		xs_write(xs, XBT_NULL, "data/chain", line, (unsigned int)strlen(line));
}
