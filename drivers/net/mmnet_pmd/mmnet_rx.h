/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_H
#define MMNET_RX_H

/** @file Receive: the burst functions. */

#include <stdbool.h>

#include <ethdev_driver.h>
#include <rte_mbuf.h>

#include "mmnet_rx_mode.h"

struct mmnet_rxq;

/** @param full with metadata, and all that mmnet_rx_offload_apply() does */
eth_rx_burst_t mmnet_rx_function(enum mmnet_rx_mode mode, bool full);

/** Drop an unfinished message, free mbufs allocated ahead. The port is stopped. */
void mmnet_rx_reset(struct mmnet_rxq *rxq);

/** Free mbufs allocated ahead. The port is stopped, or the queue's lock is held. */
void mmnet_rx_free_fresh(struct mmnet_rxq *rxq);

/** Take an mbuf of the application's pool, first one that is reserved. The queue's lock is held. @return NULL: there is none */
struct rte_mbuf *mmnet_rx_take(struct mmnet_rxq *rxq);

#endif
