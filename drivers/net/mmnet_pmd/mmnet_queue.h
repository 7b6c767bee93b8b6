/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_QUEUE_H
#define MMNET_QUEUE_H

/** @file Queues, one at a time: set-up, start and stop, descriptors in their rings. */

#include <stdint.h>

#include <ethdev_driver.h>

#include <fido/queue_shm.h>

#include "pmd_compat.h"

#define MMNET_DEFAULT_DESC 1024
#define MMNET_MIN_DESC 64
#define MMNET_MAX_DESC FIDO_RING_MAX
/** Stopping waits this long for the peer to take the packets that it was sent. */
#define MMNET_STOP_WAIT_MS 500

int mmnet_rx_queue_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned int socket,
	const struct rte_eth_rxconf *conf, struct rte_mempool *mp);
int mmnet_tx_queue_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned int socket,
	const struct rte_eth_txconf *conf);
void mmnet_queue_release(struct rte_eth_dev *dev, uint16_t i);

int mmnet_rx_queue_start(struct rte_eth_dev *dev, uint16_t i);
int mmnet_rx_queue_stop(struct rte_eth_dev *dev, uint16_t i);
int mmnet_tx_queue_start(struct rte_eth_dev *dev, uint16_t i);
int mmnet_tx_queue_stop(struct rte_eth_dev *dev, uint16_t i);

void mmnet_rxq_info_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_rxq_info *info);
void mmnet_txq_info_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_txq_info *info);

PMD_QUEUE_COUNT mmnet_rx_queue_count(void *queue);
int mmnet_rx_descriptor_status(void *queue, uint16_t offset);
int mmnet_tx_descriptor_status(void *queue, uint16_t offset);
int mmnet_get_monitor_addr(void *queue, struct rte_power_monitor_cond *pmc);

/**
 * @return the size of all transmit rings if the port were started now: the largest that a queue was
 * set up with
 */
uint32_t mmnet_tx_ring_size(const struct rte_eth_dev *dev);

#endif
