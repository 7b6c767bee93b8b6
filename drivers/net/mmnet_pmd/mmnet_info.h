/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_INFO_H
#define MMNET_INFO_H

/** @file What ethdev reports of a port: limits, capabilities, burst modes. */

#include <stdint.h>

#include <ethdev_driver.h>

int mmnet_infos_get(struct rte_eth_dev *dev, struct rte_eth_dev_info *info);
int mmnet_rx_burst_mode_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_burst_mode *mode);
int mmnet_tx_burst_mode_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_burst_mode *mode);

#endif
