/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_MTU_H
#define MMNET_MTU_H

/** @file MTU: the longest packet. */

#include <stdbool.h>
#include <stdint.h>

#include <ethdev_driver.h>

struct mmnet_port;
struct mmnet_rxq;

/** The longest packet, without an MTU. */
#define MMNET_MAX_FRAME 65535u

/** Apply the MTU that the application has configured, unless it is ethdev's default. */
void mmnet_mtu_configure(struct rte_eth_dev *dev);

/** @return true when some packets are too long to be sent */
bool mmnet_mtu_limits(const struct mmnet_port *port);

/** Limit a receive queue to the MTU of its port. */
void mmnet_rx_limit(struct mmnet_rxq *rxq);

int mmnet_mtu_set(struct rte_eth_dev *dev, uint16_t mtu);

#endif
