/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VTAP_RX_H
#define VTAP_RX_H

/** @file Receive: packets of the kernel, read into mbufs. */

#include <stdbool.h>
#include <stdint.h>

#include <ethdev_driver.h>
#include <rte_mbuf.h>

#include "vtap_port.h"

/**
 * Read packets of up to 64 KiB straight into mbufs of the queue's pool, as many to a packet as it
 * needs. Without free mbufs the packets stay with the kernel.
 */
uint16_t vtap_rx_burst(void *queue, struct rte_mbuf **pkts, uint16_t n);

int vtap_rx_queue_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned int socket,
	const struct rte_eth_rxconf *conf, struct rte_mempool *pool);
void vtap_rx_queue_release(struct rte_eth_dev *dev, uint16_t i);

/**
 * Prepare a queue for packets as long as the port's configuration allows.
 * @return 0; -EINVAL: they need several mbufs, and scattered Rx is off, or too many; -ENOMEM
 */
int vtap_rx_start(struct vtap_port *port, uint16_t i);

/** @return whether the queues that are started can receive frames of that length */
bool vtap_rx_fits(const struct vtap_port *port, uint32_t frame);

/** Free the mbufs that wait for packets. */
void vtap_rx_stop(struct vtap_port *port, uint16_t i);

#endif
