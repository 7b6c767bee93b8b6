/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_CHAIN_H
#define MMNET_CHAIN_H

/**
 * @file
 * Transmit of packets of several segments, with metadata, or in memory that the peer cannot read.
 */

#include <stdint.h>

#include <rte_mbuf.h>

#include <fido/txq.h>

#include "mmnet_meta.h"

struct mmnet_txq;

/**
 * Put a packet of any number of segments; copy those that the peer cannot read. The queue's lock is
 * held.
 * @param meta its metadata; NULL: none
 * @return 1: put, 0: no room now, -1: it can never be sent with this metadata
 */
int mmnet_chain_put(struct mmnet_txq *txq, struct rte_mbuf *m, const struct mmnet_meta *meta,
	struct fido_tx_burst *b);

/**
 * Allocate memory to plan packets for rings of this size. The port is stopped.
 * @return 0, -ENOMEM
 */
int mmnet_chain_start(struct mmnet_txq *txq, uint32_t ring_size);

#endif
