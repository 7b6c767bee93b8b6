/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_CLOSE_H
#define MMNET_CLOSE_H

/** @file Closing a port. */

#include <ethdev_driver.h>

struct mmnet_port;

int mmnet_close(struct rte_eth_dev *dev);

/** Free a port that has no buffer out. */
void mmnet_port_free(struct mmnet_port *port);

#endif
