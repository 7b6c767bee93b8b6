/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_LOG_H
#define MMNET_LOG_H

/** @file The driver's messages: the log type is pmd.net.mmnet. */

#include <rte_log.h>

extern int mmnet_logtype;
#define MMNET_LOG(level, fmt, ...) \
	rte_log(RTE_LOG_##level, mmnet_logtype, "mmnet: " fmt "\n", ##__VA_ARGS__)

#endif
