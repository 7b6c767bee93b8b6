/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VTAP_INTR_H
#define VTAP_INTR_H

/** @file Rx interrupts: a queue's descriptor is readable while the kernel has packets. */

#include <stdint.h>

#include <ethdev_driver.h>

/** Give EAL the queues' descriptors, if the application asked for Rx interrupts. */
int vtap_intr_start(struct rte_eth_dev *dev);
void vtap_intr_stop(struct rte_eth_dev *dev);

int vtap_rx_intr_enable(struct rte_eth_dev *dev, uint16_t i);
int vtap_rx_intr_disable(struct rte_eth_dev *dev, uint16_t i);

#endif
