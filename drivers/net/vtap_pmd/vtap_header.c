/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtio-net header. */

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "pmd_bytes.h"
#include "pmd_ip.h"
#include "vtap_header.h"

/* UDP segmentation, since Linux 6.2; headers may be older than the kernel that runs. */
#define GSO_UDP_L4 5
#define TCP_CSUM offsetof(struct rte_tcp_hdr, cksum)
#define UDP_CSUM offsetof(struct rte_udp_hdr, dgram_cksum)
#define IP_CSUM offsetof(struct rte_ipv4_hdr, hdr_checksum)

/* ---- receive ---- */

/*
 * Complete the checksum of any protocol: the kernel has put the sum of the pseudo-header into the
 * field, which lies in the packet. The packet is the driver's own.
 */
static void
finish(struct rte_mbuf *m, uint32_t start, uint32_t offset)
{
	struct pmd_sum sum = {0};
	uint16_t csum;

	pmd_sum_add_packet(&sum, m, start, m->pkt_len - start);
	csum = (uint16_t)~pmd_sum_fold(&sum);
	if (csum == 0 && offset == UDP_CSUM)
		csum = 0xffff;
	pmd_bytes_write(m, start + offset, sizeof(csum), &csum);
}

/* @return the offset of the IP header, behind at most two tags; 0: this is no IP packet */
static uint32_t
find_ip(const uint8_t *head, uint32_t len, bool *ipv6)
{
	uint32_t at = 2 * RTE_ETHER_ADDR_LEN;

	for (int tags = 0; at + 2 <= len; tags++, at += RTE_VLAN_HLEN) {
		uint32_t type = (uint32_t)(head[at] << 8 | head[at + 1]);

		*ipv6 = type == RTE_ETHER_TYPE_IPV6;
		if (type == RTE_ETHER_TYPE_IPV4 || *ipv6)
			return at + 2;
		if (tags == 2 || (type != RTE_ETHER_TYPE_VLAN && type != RTE_ETHER_TYPE_QINQ))
			break;
	}
	return 0;
}

/*
 * Describe by the mbuf's flags a checksum that is left to do.
 * @return the protocol; 0: no flags can describe it
 */
static int
describe(const struct virtio_net_hdr *h, struct rte_mbuf *m)
{
	uint32_t len = h->csum_start, l3;
	uint8_t head[VTAP_HEAD_MAX];
	bool ipv6;
	int proto;

	if (len > sizeof(head) || !pmd_bytes_read(m, 0, len, head))
		return 0;
	l3 = find_ip(head, len, &ipv6);
	/* Bits of the mbuf's fields. */
	if (l3 == 0 || l3 >= len || l3 > 127 || len - l3 > 511)
		return 0;
	proto = pmd_ip_proto(head + l3, ipv6, len - l3);
	if (proto == IPPROTO_TCP ? h->csum_offset != TCP_CSUM
				 : proto != IPPROTO_UDP || h->csum_offset != UDP_CSUM)
		return 0;
	m->l2_len = l3;
	m->l3_len = len - l3;
	m->l4_len = sizeof(struct rte_udp_hdr);
	m->packet_type = RTE_PTYPE_L2_ETHER |
		(ipv6 ? RTE_PTYPE_L3_IPV6_EXT_UNKNOWN : RTE_PTYPE_L3_IPV4_EXT_UNKNOWN) |
		(proto == IPPROTO_TCP ? RTE_PTYPE_L4_TCP : RTE_PTYPE_L4_UDP);
	m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
	return proto;
}

/* Set the length of the TCP header. @return false: it is not in the packet */
static bool
set_tcp_length(struct rte_mbuf *m)
{
	uint32_t l4 = (uint32_t)m->l2_len + m->l3_len, len;
	uint8_t off;

	if (!pmd_bytes_read(m, l4 + offsetof(struct rte_tcp_hdr, data_off), 1, &off))
		return false;
	len = (uint32_t)(off >> 4) * 4;
	if (len < sizeof(struct rte_tcp_hdr) || l4 + len > m->pkt_len)
		return false;
	m->l4_len = len;
	return true;
}

/* @return the protocol that a type of segmentation belongs to; 0: the driver asked for no such */
static int
gso_proto(uint8_t type)
{
	switch (type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return IPPROTO_TCP;
	case GSO_UDP_L4:
		return IPPROTO_UDP;
	default:
		return 0;
	}
}

enum vtap_header
vtap_header_read(const struct virtio_net_hdr *h, struct rte_mbuf *m, bool leave_unfinished,
	uint64_t udp_lro)
{
	bool gso = h->gso_type != VIRTIO_NET_HDR_GSO_NONE;
	int proto;

	if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0) {
		if ((h->flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0)
			m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
		/* A packet that is to be segmented has no checksum yet. */
		return gso ? VTAP_HEADER_BAD : VTAP_HEADER_PLAIN;
	}
	if ((uint32_t)h->csum_start + h->csum_offset + sizeof(uint16_t) > m->pkt_len)
		return VTAP_HEADER_BAD;
	proto = leave_unfinished ? describe(h, m) : 0;
	if (proto == 0) {
		if (gso)
			return VTAP_HEADER_BAD;
		finish(m, h->csum_start, h->csum_offset);
		return VTAP_HEADER_FINISHED;
	}
	if (proto == IPPROTO_TCP && !set_tcp_length(m))
		return VTAP_HEADER_BAD;
	if (!gso)
		return VTAP_HEADER_UNFINISHED;
	if (gso_proto(h->gso_type) != proto || h->gso_size == 0 ||
		(proto == IPPROTO_UDP && udp_lro == 0))
		return VTAP_HEADER_BAD;
	m->ol_flags |= proto == IPPROTO_TCP ? RTE_MBUF_F_RX_LRO : udp_lro;
	m->tso_segsz = h->gso_size;
	return VTAP_HEADER_UNFINISHED;
}

/* ---- transmit ---- */

/* Offloads that the driver does not have. */
#define UNABLE                                                                               \
	(RTE_MBUF_F_TX_OUTER_IP_CKSUM | RTE_MBUF_F_TX_OUTER_UDP_CKSUM | RTE_MBUF_F_TX_QINQ | \
		RTE_MBUF_F_TX_MACSEC | RTE_MBUF_F_TX_SEC_OFFLOAD)

/* The offloads that a packet asks for, and where its headers are. */
struct ask {
	uint32_t l3;
	uint32_t l4;       /* 0: no checksum of UDP or TCP */
	uint32_t l4_len;   /* of header and payload */
	uint32_t head_len; /* bytes copied to the front */
	bool ipv6;
	bool ip_csum;
	bool tcp;
	bool gso;
};

static bool
take_head(struct vtap_packet *p, struct ask *a, const struct rte_mbuf *m, uint32_t len)
{
	if (len > VTAP_HEAD_MAX - RTE_VLAN_HLEN ||
		(len > a->head_len &&
			!pmd_bytes_read(m, a->head_len, len - a->head_len, p->front + a->head_len)))
		return false;
	a->head_len = RTE_MAX(a->head_len, len);
	return true;
}

/*
 * Checksums of inner headers work if l2_len counts all that is in front of the inner IP header.
 * Segmentation would have to change the outer headers too.
 */
static bool
is_tunnel_unable(const struct rte_mbuf *m, bool gso)
{
	uint64_t csum = m->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK);

	return (m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK) != 0 &&
		(gso || (csum != 0 && m->outer_l2_len != 0));
}

/* Set what the flags ask for. @return 0, or as vtap_header_write() */
static int
read_flags(struct ask *a, const struct rte_mbuf *m, bool can_uso)
{
	uint64_t ol = m->ol_flags, l4 = ol & RTE_MBUF_F_TX_L4_MASK;

	*a = (struct ask){
		.ipv6 = (ol & RTE_MBUF_F_TX_IPV6) != 0,
		.tcp = (ol & RTE_MBUF_F_TX_TCP_SEG) != 0 || l4 == RTE_MBUF_F_TX_TCP_CKSUM,
		.gso = (ol & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)) != 0,
	};
	if (a->tcp && (ol & RTE_MBUF_F_TX_UDP_SEG) != 0)
		return -EINVAL;
	a->ip_csum = !a->ipv6 && ((ol & RTE_MBUF_F_TX_IP_CKSUM) != 0 || a->gso);
	if (l4 == RTE_MBUF_F_TX_SCTP_CKSUM || ((ol & RTE_MBUF_F_TX_UDP_SEG) != 0 && !can_uso) ||
		(ol & UNABLE) != 0 || is_tunnel_unable(m, a->gso))
		return -ENOTSUP;
	return 0;
}

/* Find the header of UDP or TCP, unless the packet is a fragment. @return false: contradiction */
static bool
find_l4(struct vtap_packet *p, struct ask *a, const struct rte_mbuf *m)
{
	uint32_t l4 = a->l3 + m->l3_len,
		 least = a->tcp ? sizeof(struct rte_tcp_hdr) : sizeof(struct rte_udp_hdr), total;
	int proto;

	if (!take_head(p, a, m, l4))
		return false;
	proto = pmd_ip_proto(p->front + a->l3, a->ipv6, m->l3_len);
	total = proto < 0 ? 0 : pmd_ip_length(p->front + a->l3, a->ipv6);
	if (total < m->l3_len || total > m->pkt_len - a->l3)
		return false;
	if (proto == PMD_IP_FRAGMENT)
		return !a->gso;
	if (proto != (a->tcp ? IPPROTO_TCP : IPPROTO_UDP) || total - m->l3_len < least ||
		!take_head(p, a, m, l4 + least))
		return false;
	a->l4 = l4;
	a->l4_len = total - m->l3_len;
	return true;
}

/* @return false: the packet's headers contradict its flags */
static bool
find_headers(struct vtap_packet *p, struct ask *a, const struct rte_mbuf *m)
{
	bool l4 = a->gso || (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) != 0;

	a->l3 = l4 || a->ip_csum ? m->l2_len : RTE_ETHER_HDR_LEN;
	if (a->l3 < RTE_ETHER_HDR_LEN || !take_head(p, a, m, a->l3))
		return false;
	if (a->ip_csum &&
		(!take_head(p, a, m, a->l3 + sizeof(struct rte_ipv4_hdr)) ||
			p->front[a->l3] >> 4 != 4 || (p->front[a->l3] & 15) < 5 ||
			!take_head(p, a, m, a->l3 + (p->front[a->l3] & 15) * 4u)))
		return false;
	return !l4 || find_l4(p, a, m);
}

/*
 * Ask the kernel for segmentation. It ignores the requests of packets that need none.
 * @return false: the packet's headers contradict its flags
 */
static bool
ask_gso(struct vtap_packet *p, const struct ask *a, const struct rte_mbuf *m)
{
	const uint8_t *l4 = p->front + a->l4;
	uint32_t len = a->tcp ? (uint32_t)(l4[offsetof(struct rte_tcp_hdr, data_off)] >> 4) * 4
			      : sizeof(struct rte_udp_hdr);

	if (m->tso_segsz == 0 || len > a->l4_len || (a->tcp && len < sizeof(struct rte_tcp_hdr)))
		return false;
	if (a->l4_len - len <= m->tso_segsz)
		return true;
	p->header.gso_type = !a->tcp ? GSO_UDP_L4
		: a->ipv6            ? VIRTIO_NET_HDR_GSO_TCPV6
				     : VIRTIO_NET_HDR_GSO_TCPV4;
	/* Only the first segment keeps the flag. */
	if (a->tcp && (l4[offsetof(struct rte_tcp_hdr, tcp_flags)] & RTE_TCP_CWR_FLAG) != 0)
		p->header.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	p->header.gso_size = m->tso_segsz;
	p->header.hdr_len = (uint16_t)(a->l4 + len);
	return true;
}

/* Put 16 bits into the front. @return true when they differ from what is there */
static bool
put16(uint8_t *at, uint16_t value)
{
	bool differ = memcmp(at, &value, sizeof(value)) != 0;

	memcpy(at, &value, sizeof(value));
	return differ;
}

/* Complete the headers in the front as the kernel needs them. @return true when they changed */
static bool
complete(struct vtap_packet *p, const struct ask *a)
{
	uint8_t *ip = p->front + a->l3;
	bool changed = false;

	if (a->ip_csum) {
		uint16_t before;

		memcpy(&before, ip + IP_CSUM, sizeof(before));
		pmd_ip_fill_csum(ip);
		changed = memcmp(&before, ip + IP_CSUM, sizeof(before)) != 0;
	}
	if (a->l4 != 0) {
		struct pmd_sum sum = {0};

		pmd_sum_add_pseudo(&sum, ip, a->ipv6, a->tcp ? IPPROTO_TCP : IPPROTO_UDP,
			a->l4_len);
		changed |= put16(p->front + a->l4 + (a->tcp ? TCP_CSUM : UDP_CSUM),
			pmd_sum_fold(&sum));
	}
	return changed;
}

static void
insert_tag(struct vtap_packet *p, uint32_t len, uint16_t tci)
{
	uint8_t *at = p->front + 2 * RTE_ETHER_ADDR_LEN;

	memmove(at + RTE_VLAN_HLEN, at, len - 2 * RTE_ETHER_ADDR_LEN);
	at[0] = RTE_ETHER_TYPE_VLAN >> 8;
	at[1] = RTE_ETHER_TYPE_VLAN & 0xff;
	at[2] = (uint8_t)(tci >> 8);
	at[3] = (uint8_t)tci;
	if (p->header.csum_start != 0)
		p->header.csum_start += RTE_VLAN_HLEN;
	if (p->header.hdr_len != 0)
		p->header.hdr_len += RTE_VLAN_HLEN;
}

int
vtap_header_write(struct vtap_packet *p, const struct rte_mbuf *m, bool can_uso)
{
	bool tag = (m->ol_flags & RTE_MBUF_F_TX_VLAN) != 0;
	struct ask a;
	int ret = read_flags(&a, m, can_uso);

	if (ret != 0)
		return ret;
	memset(&p->header, 0, sizeof(p->header));
	p->len = m->pkt_len;
	p->skip = 0;
	p->front_len = 0;
	if (!find_headers(p, &a, m) || (a.gso && !ask_gso(p, &a, m)))
		return -EINVAL;
	if (a.l4 != 0) {
		p->len = a.l4 + a.l4_len;
		p->header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		p->header.csum_start = (uint16_t)a.l4;
		p->header.csum_offset = a.tcp ? TCP_CSUM : UDP_CSUM;
	}
	if (!complete(p, &a) && !tag)
		return 0;
	if (tag)
		insert_tag(p, a.head_len, m->vlan_tci);
	p->skip = (uint16_t)a.head_len;
	p->front_len = (uint16_t)(a.head_len + (tag ? RTE_VLAN_HLEN : 0));
	return 0;
}
