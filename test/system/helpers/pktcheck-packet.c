/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "pktcheck-packet.h"

#define TYPE 0x88b5 /* IEEE: for local experiments */
#define TTL 64
/* Addresses that DPDK's examples route to this port of theirs. */
#define ADDRESS(port) RTE_IPV4((port) + 1, 1, 1, 1)
#define ADDRESS_100(port) RTE_IPV4(100, 10 * ((port) + 1), 1, 1)

struct header {
	uint8_t dst[RTE_ETHER_ADDR_LEN];
	uint8_t src[RTE_ETHER_ADDR_LEN];
	uint16_t type;
} __attribute__((packed));

struct label {
	uint16_t queue;
	uint64_t seq;
	uint32_t len;
	uint32_t seed;
} __attribute__((packed));

static bool ipv4;
static unsigned int there_port;
static uint32_t here, there;
static bool ether;
static struct rte_ether_addr ether_dst, ether_src;
static _Thread_local uint8_t scratch[PACKET_MAX + 8];

void
packet_use_ipv4(unsigned int port)
{
	ipv4 = true;
	there_port = port;
	there = ADDRESS(port);
	here = ADDRESS(1 - port);
}

void
packet_use_net_100(void)
{
	there = ADDRESS_100(there_port);
	here = ADDRESS_100(1 - there_port);
}

void
packet_use_ether(const struct rte_ether_addr *dst, const struct rte_ether_addr *src)
{
	ether = true;
	ether_dst = *dst;
	ether_src = *src;
}

static uint32_t
label_offset(void)
{
	return sizeof(struct header) + (ipv4 ? sizeof(struct rte_ipv4_hdr) : 0);
}

static void
build_ipv4(uint8_t *out, const struct packet_id *id, bool back, uint8_t ttl)
{
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(id->len - sizeof(struct header))),
		.packet_id = rte_cpu_to_be_16((uint16_t)id->seq),
		.time_to_live = ttl,
		.next_proto_id = IPPROTO_RAW,
		.src_addr = rte_cpu_to_be_32(back ? there : here),
		.dst_addr = rte_cpu_to_be_32(back ? here : there)};

	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(out, &ip, sizeof(ip));
}

static void
build(uint8_t *out, const struct packet_id *id)
{
	uint64_t key = packet_mix(
		((uint64_t)id->seed << 16 | id->queue) + id->seq * UINT64_C(0x9e3779b97f4a7c15));
	uint64_t word = key;
	struct header h = {.type = rte_cpu_to_be_16(ipv4 ? RTE_ETHER_TYPE_IPV4 : TYPE)};
	struct label l = {.queue = id->queue, .seq = id->seq, .len = id->len, .seed = id->seed};

	memcpy(h.dst, &key, sizeof(h.dst));
	memcpy(h.src, (const uint8_t *)&key + 2, sizeof(h.src));
	h.dst[0] = 0x02;
	h.src[0] = 0x06;
	memcpy(out, &h, sizeof(h));
	if (ipv4)
		build_ipv4(out + sizeof(h), id, false, TTL);
	memcpy(out + label_offset(), &l, sizeof(l));
	for (uint32_t i = label_offset() + sizeof(l); i < id->len; i += sizeof(word)) {
		word = word * UINT64_C(6364136223846793005) + key;
		memcpy(out + i, &word, sizeof(word));
	}
}

static void
swap_addresses(uint8_t *p)
{
	uint8_t t[RTE_ETHER_ADDR_LEN];

	memcpy(t, p, sizeof(t));
	memcpy(p, p + sizeof(t), sizeof(t));
	memcpy(p + sizeof(t), t, sizeof(t));
}

void
packet_write(struct rte_mbuf *m, const struct packet_id *id)
{
	const uint8_t *from = scratch;

	build(scratch, id);
	for (; m != NULL; m = m->next) {
		memcpy(rte_pktmbuf_mtod(m, void *), from, m->data_len);
		from += m->data_len;
	}
}

void
packet_leave_checksum(struct rte_mbuf *m)
{
	rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, sizeof(struct header))->hdr_checksum = 0;
	m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	m->l2_len = sizeof(struct header);
	m->l3_len = sizeof(struct rte_ipv4_hdr);
}

static int
first_difference(const struct rte_mbuf *m)
{
	int at = 0;

	for (; m != NULL; m = m->next) {
		const uint8_t *got = rte_pktmbuf_mtod(m, const uint8_t *);

		if (memcmp(got, scratch + at, m->data_len) != 0)
			for (uint16_t i = 0; i < m->data_len; i++)
				if (got[i] != scratch[at + i])
					return at + i;
		at += m->data_len;
	}
	return -1;
}

/* Check that the mbufs' fields agree with each other. */
static bool
is_consistent(const struct rte_mbuf *m)
{
	uint32_t len = 0;
	uint16_t segs = 0;

	for (const struct rte_mbuf *s = m; s != NULL; s = s->next) {
		len += s->data_len;
		segs++;
	}
	return len == m->pkt_len && segs == m->nb_segs;
}

void
packet_turn(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, sizeof(struct header));
	rte_be32_t src = ip->src_addr;

	ip->src_addr = ip->dst_addr;
	ip->dst_addr = src;
}

/*
 * Write into scratch what a router made of the packet: its own Ethernet addresses, one hop less to
 * live, and the matching checksum. All else is as it was sent.
 */
static void
expect_routed(const struct header *h, const struct rte_ipv4_hdr *ip, const struct packet_id *id,
	bool *turned)
{
	*turned = ip->src_addr == rte_cpu_to_be_32(there);
	if (ip->time_to_live < TTL)
		memcpy(scratch, h, offsetof(struct header, type));
	build_ipv4(scratch + sizeof(*h), id, *turned, RTE_MIN(ip->time_to_live, TTL));
}

int
packet_check(const struct rte_mbuf *m, struct packet_id *id, bool *swapped)
{
	uint8_t copy[PACKET_MIN_IPV4];
	const uint8_t *p;
	const struct header *h;
	const struct label *l;

	*id = (struct packet_id){0};
	*swapped = false;
	if (!is_consistent(m) || m->pkt_len < (ipv4 ? PACKET_MIN_IPV4 : PACKET_MIN) ||
		m->pkt_len > PACKET_MAX)
		return 0;
	p = rte_pktmbuf_read(m, 0, label_offset() + sizeof(*l), copy);
	h = (const struct header *)p;
	l = (const struct label *)(p + label_offset());
	*id = (struct packet_id){l->seed, m->pkt_len, l->seq, l->queue};
	build(scratch, id);
	if (ipv4) {
		expect_routed(h, (const struct rte_ipv4_hdr *)(h + 1), id, swapped);
	} else if (h->dst[0] == 0x06) {
		*swapped = true;
		swap_addresses(scratch);
	}
	if (ether) {
		memcpy(scratch, &ether_dst, sizeof(ether_dst));
		memcpy(scratch + sizeof(ether_dst), &ether_src, sizeof(ether_src));
	}
	return first_difference(m);
}
