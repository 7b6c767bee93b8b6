/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VTAP_TX_H
#define VTAP_TX_H

/** @file Transmit: packets to the kernel, written from where they are. */

#include <stdint.h>

#include <ethdev_driver.h>
#include <rte_mbuf.h>

#include "vtap_port.h"

/**
 * Write packets to the interface from where they are: an mbuf may be another domain's memory. A
 * packet that the kernel refuses, or whose headers contradict its flags, is freed and counted.
 */
uint16_t vtap_tx_burst(void *queue, struct rte_mbuf **pkts, uint16_t n);

/** Find the first packet that vtap_tx_burst() would drop. @return its index (rte_errno), or n */
uint16_t vtap_tx_prepare(void *queue, struct rte_mbuf **pkts, uint16_t n);

int vtap_tx_queue_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned int socket,
	const struct rte_eth_txconf *conf);
void vtap_tx_queue_release(struct rte_eth_dev *dev, uint16_t i);

/** Set the longest frame of all queues, by the MTU. The queues may change meanwhile. */
void vtap_tx_limit(struct vtap_port *port);

#endif
