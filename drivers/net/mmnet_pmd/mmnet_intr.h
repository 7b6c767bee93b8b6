/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_INTR_H
#define MMNET_INTR_H

/** @file Rx interrupts: an lcore sleeps until a doorbell rings. */

#include <stdint.h>

#include <ethdev_driver.h>

/**
 * Give EAL the doorbells of a port that starts, if the application wants interrupts.
 * @return 0, -errno
 */
int mmnet_intr_start(struct rte_eth_dev *dev);
void mmnet_intr_stop(struct rte_eth_dev *dev);

int mmnet_rx_intr_enable(struct rte_eth_dev *dev, uint16_t i);
int mmnet_rx_intr_disable(struct rte_eth_dev *dev, uint16_t i);

#endif
