/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_CSUM_H
#define MMNET_CSUM_H

/** @file Checksums and packet types of received packets. */

#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

struct mmnet_rxq;

/**
 * Set the packets' types and those of their RX_IP_CKSUM and, if the queue checks them, RX_L4_CKSUM
 * flags that are not set yet. Unknown (0): IP_CKSUM of packets that are not IPv4, L4_CKSUM of those
 * that are not UDP or TCP, or are fragments.
 */
void mmnet_csum_check(const struct mmnet_rxq *rxq, struct rte_mbuf **pkts, uint16_t n);

/** @return the *n types that mmnet_csum_check() tells apart, followed by RTE_PTYPE_UNKNOWN */
const uint32_t *mmnet_csum_types(size_t *n);

#endif
