/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_TELEMETRY_H
#define MMNET_TELEMETRY_H

/** @file A port's state, as text. */

#include <stdio.h>

#include <ethdev_driver.h>

/** Print the port's state for people. Primary or secondary process. */
int mmnet_priv_dump(struct rte_eth_dev *dev, FILE *file);

#endif
