/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VTAP_LINK_H
#define VTAP_LINK_H

/**
 * @file
 * The state of the interface: up or down, MTU, address. A netlink socket reports changes that
 * others make, to EAL's interrupt thread.
 */

#include <ethdev_driver.h>

#include "vtap_port.h"

/** Begin to watch the interface. @return 0, -errno */
int vtap_link_watch(struct vtap_port *port);

/** Stop watching it; waits for a handler that runs. Not for EAL's interrupt thread. */
void vtap_link_unwatch(struct vtap_port *port);

/** Adopt the interface's MTU and address, and its state as vtap_link_update(). */
void vtap_link_adopt(struct vtap_port *port);

int vtap_link_update(struct rte_eth_dev *dev, int wait);
int vtap_link_set_up(struct rte_eth_dev *dev);
int vtap_link_set_down(struct rte_eth_dev *dev);

#endif
