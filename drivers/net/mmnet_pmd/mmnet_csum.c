/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv4 header checksums of received packets, for applications that asked for them (DPDK's examples do: they route
 * nothing right without). A memory link has no hardware that did it on the way, so it is done here, with the header
 * in the cache for whoever asked anyway. Who did not ask pays nothing: their burst functions are others.
 */

#include <rte_ip.h>

#include "mmnet.h"

static uint64_t
ipv4_flags(const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);
	unsigned int len;

	if (m->data_len < sizeof(*eth) + sizeof(*ip) || eth->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
		return 0;
	/* Read once: in zero-copy modes it is the peer's memory, and may change. */
	len = (*(const volatile uint8_t *)&ip->version_ihl & RTE_IPV4_HDR_IHL_MASK) * RTE_IPV4_IHL_MULTIPLIER;
	if (len < sizeof(*ip))
		return RTE_MBUF_F_RX_IP_CKSUM_BAD;
	/* A header with options that does not lie in one piece: nothing is known of it. */
	if (m->data_len < sizeof(*eth) + len)
		return 0;
	return rte_raw_cksum(ip, len) == 0xffff ? RTE_MBUF_F_RX_IP_CKSUM_GOOD : RTE_MBUF_F_RX_IP_CKSUM_BAD;
}

uint16_t
mmnet_csum_check(struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		pkts[i]->ol_flags |= ipv4_flags(pkts[i]);
	return n;
}
