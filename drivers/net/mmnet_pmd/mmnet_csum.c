/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checksums and types of received packets, in software: a memory link has no hardware that could
 * check them. Applications that leave checksums to the port need this; DPDK's examples do not start
 * on a port without it. Others pay nothing: their burst functions do not call it.
 */

#include <netinet/in.h>
#include <stddef.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "pmd_bytes.h"
#include "mmnet_csum.h"
#include "mmnet_rxq.h"

#define IPV4_FRAGMENT (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)

/* Bytes to examine: up to the longest IPv4 header. */
#define LOOK_MAX (RTE_ETHER_HDR_LEN + 60)

/*
 * A packet may be divided into segments anywhere. In zero-copy modes it lies in the peer's memory
 * and may change, so the headers are copied, and only the copy is used. A change of other bytes
 * affects only the result.
 */

/* ---- checksums ---- */

static unsigned int
ipv4_header_len(const struct rte_ipv4_hdr *ip)
{
	return (ip->version_ihl & RTE_IPV4_HDR_IHL_MASK) * RTE_IPV4_IHL_MULTIPLIER;
}

/* @param left the packet's bytes from the IP header on */
static uint64_t
ipv4_flags(const struct rte_ipv4_hdr *ip, unsigned int len, uint32_t left)
{
	if (len < sizeof(*ip) || len > left)
		return RTE_MBUF_F_RX_IP_CKSUM_BAD;
	return rte_raw_cksum(ip, len) == 0xffff ? RTE_MBUF_F_RX_IP_CKSUM_GOOD
						: RTE_MBUF_F_RX_IP_CKSUM_BAD;
}

/* Check `len` bytes of UDP or TCP at `off`. @return flags; 0 for other protocols: unknown */
static uint64_t
l4_flags(const struct rte_mbuf *m, const uint8_t *ip, bool ipv6, uint8_t proto, uint32_t off,
	uint32_t len)
{
	bool udp = proto == IPPROTO_UDP;
	struct pmd_sum sum = {0};
	rte_be16_t csum;

	if (!udp && proto != IPPROTO_TCP)
		return 0;
	if (len < (udp ? sizeof(struct rte_udp_hdr) : sizeof(struct rte_tcp_hdr)))
		return RTE_MBUF_F_RX_L4_CKSUM_BAD;
	if (udp &&
		pmd_bytes_read(m, off + offsetof(struct rte_udp_hdr, dgram_cksum), sizeof(csum),
			&csum) &&
		csum == 0)
		return 0; /* The sender made no checksum. */
	pmd_sum_add_pseudo(&sum, ip, ipv6, proto, len);
	return pmd_sum_add_packet(&sum, m, off, len) && pmd_sum_fold(&sum) == 0xffff
		? RTE_MBUF_F_RX_L4_CKSUM_GOOD
		: RTE_MBUF_F_RX_L4_CKSUM_BAD;
}

static uint64_t
ipv4_l4_flags(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, unsigned int len)
{
	uint32_t total = rte_be_to_cpu_16(ip->total_length);

	if (len < sizeof(*ip) || (ip->fragment_offset & rte_cpu_to_be_16(IPV4_FRAGMENT)) != 0)
		return 0;
	return l4_flags(m, (const uint8_t *)ip, false, ip->next_proto_id, RTE_ETHER_HDR_LEN + len,
		total > len ? total - len : 0);
}

static uint64_t
ipv6_l4_flags(const struct rte_mbuf *m, const struct rte_ipv6_hdr *ip)
{
	return l4_flags(m, (const uint8_t *)ip, true, ip->proto, RTE_ETHER_HDR_LEN + sizeof(*ip),
		rte_be_to_cpu_16(ip->payload_len));
}

/* ---- packet types ---- */

static uint32_t
l4_type(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_UDP:
		return RTE_PTYPE_L4_UDP;
	case IPPROTO_TCP:
		return RTE_PTYPE_L4_TCP;
	default:
		return 0;
	}
}

static uint32_t
ipv4_type(const struct rte_ipv4_hdr *ip, unsigned int len)
{
	if ((ip->fragment_offset & rte_cpu_to_be_16(IPV4_FRAGMENT)) != 0)
		return RTE_PTYPE_L3_IPV4_EXT_UNKNOWN | RTE_PTYPE_L4_FRAG;
	return (len == sizeof(*ip) ? RTE_PTYPE_L3_IPV4 : RTE_PTYPE_L3_IPV4_EXT) |
		l4_type(ip->next_proto_id);
}

static const uint32_t types[] = {RTE_PTYPE_L2_ETHER, RTE_PTYPE_L3_IPV4, RTE_PTYPE_L3_IPV4_EXT,
	RTE_PTYPE_L3_IPV4_EXT_UNKNOWN, RTE_PTYPE_L3_IPV6_EXT_UNKNOWN, RTE_PTYPE_L4_UDP,
	RTE_PTYPE_L4_TCP, RTE_PTYPE_L4_FRAG, RTE_PTYPE_UNKNOWN};

const uint32_t *
mmnet_csum_types(size_t *n)
{
	*n = RTE_DIM(types) - 1;
	return types;
}

/* ---- both ---- */

/*
 * Checksums that the sender left to this end are not checked, and such a packet keeps the type that
 * its sender gave it.
 */
static void
look(struct rte_mbuf *m, bool l4)
{
	bool unfinished =
		(m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
	uint32_t given = unfinished ? m->packet_type : 0;
	bool ip_known = (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) != 0;
	union {
		uint8_t bytes[LOOK_MAX];
		struct rte_ether_hdr eth;
	} head;
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(&head.eth + 1);
	const struct rte_ipv6_hdr *ip6 = (const struct rte_ipv6_hdr *)(&head.eth + 1);
	uint32_t len = RTE_MIN(m->pkt_len, (uint32_t)LOOK_MAX);

	l4 = l4 && (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == 0;
	m->packet_type = RTE_PTYPE_L2_ETHER;
	if (len < sizeof(head.eth) + sizeof(*ip) || !pmd_bytes_read(m, 0, len, head.bytes))
		len = 0;
	if (len != 0 && head.eth.ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)) {
		unsigned int ip_len = ipv4_header_len(ip);

		m->packet_type |= ipv4_type(ip, ip_len);
		m->ol_flags |= (ip_known ? 0 : ipv4_flags(ip, ip_len, len - sizeof(head.eth))) |
			(l4 ? ipv4_l4_flags(m, ip, ip_len) : 0);
	} else if (len >= sizeof(head.eth) + sizeof(*ip6) &&
		head.eth.ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)) {
		m->packet_type |= RTE_PTYPE_L3_IPV6_EXT_UNKNOWN | l4_type(ip6->proto);
		m->ol_flags |= l4 ? ipv6_l4_flags(m, ip6) : 0;
	}
	if (given != 0)
		m->packet_type = given;
}

void
mmnet_csum_check(const struct mmnet_rxq *rxq, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		look(pkts[i], rxq->l4_csum);
}
