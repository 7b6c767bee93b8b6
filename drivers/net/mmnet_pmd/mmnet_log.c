/* SPDX-License-Identifier: BSD-3-Clause */
/* The log type. */

#include "mmnet_log.h"

RTE_LOG_REGISTER(mmnet_logtype, pmd.net.mmnet, NOTICE);
