/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_START_H
#define MMNET_START_H

/** @file Start, stop and reset of a port. */

#include <stdbool.h>

#include <ethdev_driver.h>

struct mmnet_port;

int mmnet_start(struct rte_eth_dev *dev);
int mmnet_stop(struct rte_eth_dev *dev);

/** Return a port to its state after probing. Buffers that are out come back as after a stop. */
int mmnet_reset(struct rte_eth_dev *dev);

/** Initialize what is not zero in a new port. */
void mmnet_initial(struct rte_eth_dev *dev);

/** Reap all of the port's transmit queues. @return true when no buffer is out any more */
bool mmnet_port_reap(struct mmnet_port *port);

/** Wait until no buffer of the port is out, for at most ms milliseconds. */
void mmnet_port_drain(struct mmnet_port *port, unsigned int ms);

#endif
