/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_USAGE_H
#define PERF_USAGE_H

/** @file What --help says. */

/** Print it. */
void perf_usage_print(void);

#endif
