/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_LINK_H
#define MMNET_LINK_H

/** @file Link status. */

#include <ethdev_driver.h>

#include <fido/link.h>

int mmnet_link_update(struct rte_eth_dev *dev, int wait);
int mmnet_link_set_up(struct rte_eth_dev *dev);

/**
 * Ask the peer to post no more. What is in the rings can still be received, and this end may still
 * send.
 */
int mmnet_link_set_down(struct rte_eth_dev *dev);

/**
 * Report a change of the link. Called by libfido's control thread, which holds none of its locks.
 * @param arg the port
 */
void mmnet_link_event(void *arg, enum fido_link_event event);

#endif
