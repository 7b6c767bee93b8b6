/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VTAP_START_H
#define VTAP_START_H

/** @file Configure, start, stop and close a port; its MTU. */

#include <stdint.h>

#include <ethdev_driver.h>

int vtap_configure(struct rte_eth_dev *dev);
int vtap_start(struct rte_eth_dev *dev);
int vtap_stop(struct rte_eth_dev *dev);
int vtap_close(struct rte_eth_dev *dev);
int vtap_mtu_set(struct rte_eth_dev *dev, uint16_t mtu);

#endif
