/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RTE_PMD_UDP_LRO_H
#define RTE_PMD_UDP_LRO_H

/**
 * @file
 * UDP datagrams that are still to be cut, from ports of net_mmnet and net_vtap.
 *
 * DPDK has an Rx flag for TCP packets to be cut (RTE_MBUF_F_RX_LRO), and none for UDP. An
 * application that can pass such datagrams on, with RTE_MBUF_F_TX_UDP_SEG, registers a dynamic flag
 * before it starts its ports. Ports with the Rx offload TCP_LRO then accept them and mark them by
 * that flag; tso_segsz is the payload of each datagram, l2_len, l3_len and l4_len are set. Without
 * the flag the sender cuts them.
 */

#include <rte_mbuf_dyn.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Name of the dynamic mbuf flag. */
#define RTE_PMD_UDP_LRO_NAME "rte_pmd_udp_lro"

/**
 * Register the flag. Call it before the ports are started.
 * @return the flag's bit number; -1: no bit is free (rte_errno)
 */
static inline int
rte_pmd_udp_lro_register(void)
{
	static const struct rte_mbuf_dynflag flag = {RTE_PMD_UDP_LRO_NAME, 0};

	return rte_mbuf_dynflag_register(&flag);
}

/** @return the flag as a mask of ol_flags; 0: the application has not registered it */
static inline uint64_t
rte_pmd_udp_lro_mask(void)
{
	int bit = rte_mbuf_dynflag_lookup(RTE_PMD_UDP_LRO_NAME, NULL);

	return bit < 0 ? 0 : UINT64_C(1) << bit;
}

#ifdef __cplusplus
}
#endif

#endif
