/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CHAIN_REPORT_H
#define CHAIN_REPORT_H

/* Put a member's report where the scenario reads it. Each bed has its own. */
void chain_report_publish(const char *line);

#endif
