/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checksums, for applications that leave them to the port (DPDK's examples do: they start on no port that cannot), and
 * with those of received packets their types. A memory link has no hardware that did it on the way, so it is done here,
 * with the header in the cache for whoever asked anyway. Who did not ask pays nothing for received packets: their
 * burst functions are others.
 */

#include <netinet/in.h>

#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "mmnet.h"

#define IPV4_FRAGMENT (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)

/*
 * In zero-copy modes what is checked is the peer's memory, and may change. So each length is read once; what else
 * changes makes no difference but to the answer.
 */

/* ---- checksums ---- */

static unsigned int
ipv4_header_len(const struct rte_ipv4_hdr *ip)
{
	return (((const volatile struct rte_ipv4_hdr *)ip)->version_ihl & RTE_IPV4_HDR_IHL_MASK) * RTE_IPV4_IHL_MULTIPLIER;
}

static uint64_t
ipv4_flags(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, unsigned int len)
{
	if (len < sizeof(*ip))
		return RTE_MBUF_F_RX_IP_CKSUM_BAD;
	/* A header with options that does not lie in one piece: nothing is known of it. */
	if (m->data_len < sizeof(struct rte_ether_hdr) + len)
		return 0;
	return rte_raw_cksum(ip, len) == 0xffff ? RTE_MBUF_F_RX_IP_CKSUM_GOOD : RTE_MBUF_F_RX_IP_CKSUM_BAD;
}

/* Of the `len` bytes of UDP or TCP at `off`; `sum`: that of the IP addresses. Not known (0) of other protocols. */
static uint64_t
l4_flags(const struct rte_mbuf *m, uint32_t off, uint32_t len, uint8_t proto, uint32_t sum)
{
	bool udp = proto == IPPROTO_UDP;
	struct rte_udp_hdr buf;
	const struct rte_udp_hdr *head;
	uint16_t data;

	if (!udp && proto != IPPROTO_TCP)
		return 0;
	if (len < (udp ? sizeof(struct rte_udp_hdr) : sizeof(struct rte_tcp_hdr)))
		return RTE_MBUF_F_RX_L4_CKSUM_BAD;
	head = rte_pktmbuf_read(m, off, sizeof(buf), &buf);
	if (head == NULL || rte_raw_cksum_mbuf(m, off, len, &data) != 0)
		return RTE_MBUF_F_RX_L4_CKSUM_BAD;
	if (udp && head->dgram_cksum == 0)
		return 0; /* Its sender made none. */
	sum += rte_cpu_to_be_16((uint16_t)len) + (uint32_t)rte_cpu_to_be_16(proto) + data;
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return sum == 0xffff ? RTE_MBUF_F_RX_L4_CKSUM_GOOD : RTE_MBUF_F_RX_L4_CKSUM_BAD;
}

static uint64_t
ipv4_l4_flags(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, unsigned int len)
{
	uint32_t total = rte_be_to_cpu_16(((const volatile struct rte_ipv4_hdr *)ip)->total_length);

	if (len < sizeof(*ip) || (ip->fragment_offset & rte_cpu_to_be_16(IPV4_FRAGMENT)) != 0)
		return 0;
	return l4_flags(m, sizeof(struct rte_ether_hdr) + len, total > len ? total - len : 0, ip->next_proto_id,
			rte_raw_cksum(&ip->src_addr, sizeof(ip->src_addr) + sizeof(ip->dst_addr)));
}

static uint64_t
ipv6_l4_flags(const struct rte_mbuf *m, const struct rte_ipv6_hdr *ip)
{
	uint32_t len = rte_be_to_cpu_16(((const volatile struct rte_ipv6_hdr *)ip)->payload_len);

	return l4_flags(m, sizeof(struct rte_ether_hdr) + sizeof(*ip), len, ip->proto,
			rte_raw_cksum(&ip->src_addr, sizeof(ip->src_addr) + sizeof(ip->dst_addr)));
}

/* ---- packet types ---- */

static uint32_t
l4_type(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_UDP: return RTE_PTYPE_L4_UDP;
	case IPPROTO_TCP: return RTE_PTYPE_L4_TCP;
	default: return 0;
	}
}

static uint32_t
ipv4_type(const struct rte_ipv4_hdr *ip, unsigned int len)
{
	if ((ip->fragment_offset & rte_cpu_to_be_16(IPV4_FRAGMENT)) != 0)
		return RTE_PTYPE_L3_IPV4_EXT_UNKNOWN | RTE_PTYPE_L4_FRAG;
	return (len == sizeof(*ip) ? RTE_PTYPE_L3_IPV4 : RTE_PTYPE_L3_IPV4_EXT) | l4_type(ip->next_proto_id);
}

static const uint32_t types[] = {RTE_PTYPE_L2_ETHER, RTE_PTYPE_L3_IPV4, RTE_PTYPE_L3_IPV4_EXT,
	RTE_PTYPE_L3_IPV4_EXT_UNKNOWN, RTE_PTYPE_L3_IPV6_EXT_UNKNOWN, RTE_PTYPE_L4_UDP, RTE_PTYPE_L4_TCP,
	RTE_PTYPE_L4_FRAG, RTE_PTYPE_UNKNOWN};

const uint32_t *
mmnet_csum_types(size_t *n)
{
	*n = RTE_DIM(types) - 1;
	return types;
}

/* ---- both ---- */

/* A packet that is not finished has been marked so: what it lacks is not looked for, and what it is its sender has said. */
static void
look(struct rte_mbuf *m, bool l4)
{
	bool unfinished = (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
	uint32_t given = unfinished ? m->packet_type : 0;
	bool ip_known = (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) != 0;
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);
	const struct rte_ipv6_hdr *ip6 = (const struct rte_ipv6_hdr *)(eth + 1);

	l4 = l4 && (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == 0;
	m->packet_type = RTE_PTYPE_L2_ETHER;
	if (m->data_len >= sizeof(*eth) + sizeof(*ip) && eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)) {
		unsigned int len = ipv4_header_len(ip);

		m->packet_type |= ipv4_type(ip, len);
		m->ol_flags |= (ip_known ? 0 : ipv4_flags(m, ip, len)) | (l4 ? ipv4_l4_flags(m, ip, len) : 0);
	} else if (m->data_len >= sizeof(*eth) + sizeof(*ip6) &&
			eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)) {
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

void
mmnet_csum_fill(char *data, uint32_t len, uint32_t l2_len)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(data + l2_len);

	if (len < l2_len + sizeof(*ip) || ip->version_ihl >> 4 != IPVERSION ||
			ipv4_header_len(ip) < sizeof(*ip) || len < l2_len + ipv4_header_len(ip))
		return;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}
