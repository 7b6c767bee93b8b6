/* SPDX-License-Identifier: BSD-3-Clause */
/* The log type. */

#include "vtap_log.h"

RTE_LOG_REGISTER(vtap_logtype, pmd.net.vtap, NOTICE);
