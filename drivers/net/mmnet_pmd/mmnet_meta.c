/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Metadata of received packets, in DPDK's terms. The packets may lie in memory that their owner
 * changes meanwhile.
 */

#include <stddef.h>

#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "mmnet_meta.h"

uint64_t mmnet_meta_udp_lro;

/*
 * @return the length that the TCP header states; 0: less than a header, or more than the segment
 * has
 */
static uint32_t
tcp_length(const struct rte_mbuf *m, uint32_t at)
{
	const volatile uint8_t *data_off = rte_pktmbuf_mtod_offset(m, const uint8_t *,
		at + offsetof(struct rte_tcp_hdr, data_off));
	uint32_t len = (uint32_t)(*data_off >> 4) * 4;

	return len < sizeof(struct rte_tcp_hdr) || at + len > m->data_len ? 0 : len;
}

/* @return false: the first segment is shorter than the headers */
static bool
apply_unfinished(const struct mmnet_meta *meta, struct rte_mbuf *m)
{
	uint32_t f = meta->flags, l4 = (uint32_t)meta->l2_len + meta->l3_len, len = 0;

	if (mmnet_meta_headers(meta) > m->data_len)
		return false;
	if ((f & MMNET_META_TCP) != 0) {
		len = tcp_length(m, l4);
		if (len == 0)
			return false;
	} else if ((f & MMNET_META_USO) != 0) {
		len = sizeof(struct rte_udp_hdr);
	}
	m->l2_len = meta->l2_len;
	m->l3_len = meta->l3_len;
	m->l4_len = len;
	m->packet_type = RTE_PTYPE_L2_ETHER |
		((f & MMNET_META_IPV6) != 0 ? RTE_PTYPE_L3_IPV6_EXT_UNKNOWN
					    : RTE_PTYPE_L3_IPV4_EXT_UNKNOWN) |
		((f & MMNET_META_TCP) != 0                  ? RTE_PTYPE_L4_TCP
				: (f & MMNET_META_UDP) != 0 ? RTE_PTYPE_L4_UDP
							    : 0u);
	if ((f & MMNET_META_IP_CSUM) != 0)
		m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_NONE;
	if ((f & (MMNET_META_TCP | MMNET_META_UDP)) != 0)
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
	if ((f & MMNET_META_UNCUT) != 0) {
		m->ol_flags |= (f & MMNET_META_TSO) != 0 ? RTE_MBUF_F_RX_LRO : mmnet_meta_udp_lro;
		m->tso_segsz = meta->segsz;
	}
	return true;
}

bool
mmnet_meta_apply(const struct mmnet_meta *meta, struct rte_mbuf *m)
{
	uint32_t f = meta->flags;

	if ((f & MMNET_META_HASH) != 0) {
		m->hash.rss = meta->hash;
		m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	}
	if ((f & MMNET_META_VLAN) != 0) {
		m->vlan_tci = meta->vlan_tci;
		m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	}
	if ((f & (MMNET_META_IP_CSUM | MMNET_META_TCP | MMNET_META_UDP)) == 0 ||
		apply_unfinished(meta, m))
		return true;
	m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_BAD;
	return false;
}
