/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_H
#define MMNET_RX_H

/** @file Receive: the burst functions. mmnet_rx_mode.c assigns them to the modes. */

#include <stdint.h>

#include <rte_mbuf.h>

struct mmnet_rxq;

uint16_t mmnet_rx_burst_copy(void *queue, struct rte_mbuf **pkts, uint16_t n);
uint16_t mmnet_rx_burst_header(void *queue, struct rte_mbuf **pkts, uint16_t n);
uint16_t mmnet_rx_burst_zero(void *queue, struct rte_mbuf **pkts, uint16_t n);

/* The same with metadata and Rx offloads. */
uint16_t mmnet_rx_burst_copy_offload(void *queue, struct rte_mbuf **pkts, uint16_t n);
uint16_t mmnet_rx_burst_header_offload(void *queue, struct rte_mbuf **pkts, uint16_t n);
uint16_t mmnet_rx_burst_zero_offload(void *queue, struct rte_mbuf **pkts, uint16_t n);

/** Drop an unfinished message, free mbufs allocated ahead. The port is stopped. */
void mmnet_rx_reset(struct mmnet_rxq *rxq);

/** Free mbufs allocated ahead. The port is stopped, or the queue's lock is held. */
void mmnet_rx_free_fresh(struct mmnet_rxq *rxq);

/**
 * Take an mbuf of the application's pool, first one that is reserved. The queue's lock is held.
 * @return NULL: there is none
 */
struct rte_mbuf *mmnet_rx_take(struct mmnet_rxq *rxq);

#endif
