/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VTAP_LOG_H
#define VTAP_LOG_H

/** @file The driver's messages: the log type is pmd.net.vtap. */

#include <rte_log.h>

extern int vtap_logtype;
#define VTAP_LOG(level, fmt, ...) \
	rte_log(RTE_LOG_##level, vtap_logtype, "vtap: " fmt "\n", ##__VA_ARGS__)

#endif
