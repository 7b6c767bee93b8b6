/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Through a tap, what is left undone of a packet is described rightly, however the packet is split
 * into segments.
 *
 * The test acts as the kernel: it takes the header and the bytes that the driver writes, completes
 * the checksum, and compares with its own sums, a byte at a time. Then it gives both back to the
 * driver as a received packet: with flags again, or finished for an application that wants no
 * unfinished packets. It tries all splits into one, two and three segments, empty ones included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "vtap_header.h"

#define LEN_MAX 512
#define TCI 77
#define SEGSZ 13
#define UDP_LRO (UINT64_C(1) << 30)
#define NEEDS_CSUM VIRTIO_NET_HDR_F_NEEDS_CSUM

struct packet {
	const char *name;
	bool ipv6, routing, tcp, no_l4, tag_inside, insert, gso, cwr;
	bool done; /* the headers are what the kernel needs already */
	uint32_t options, tcp_options, payload, padding;
	uint16_t fragment;
};

static const struct packet packets[] = {
	{.name = "udp4", .payload = 21},
	{.name = "udp4, as the kernel needs it", .payload = 8, .done = true},
	{.name = "udp4, options, padded", .options = 8, .payload = 5, .padding = 7},
	{.name = "udp4, tag inside", .payload = 11, .tag_inside = true},
	{.name = "udp4, tag to be inserted", .payload = 11, .insert = true},
	{.name = "icmp4, header only", .no_l4 = true, .payload = 17},
	{.name = "tcp4", .tcp = true, .payload = 19},
	{.name = "tcp4, all options", .tcp = true, .options = 12, .tcp_options = 12, .payload = 7},
	{.name = "udp6", .ipv6 = true, .payload = 13},
	{.name = "tcp6, extension header", .ipv6 = true, .tcp = true, .options = 8, .payload = 10},
	{.name = "tcp6, routing header",
		.ipv6 = true,
		.routing = true,
		.tcp = true,
		.options = 24,
		.payload = 6},
	{.name = "tcp6, tag to be inserted",
		.ipv6 = true,
		.tcp = true,
		.payload = 9,
		.insert = true},
	{.name = "tcp4 to be cut", .tcp = true, .gso = true, .tcp_options = 4, .payload = 41},
	{.name = "tcp4 to be cut, padded",
		.tcp = true,
		.gso = true,
		.cwr = true,
		.payload = 3 * SEGSZ,
		.padding = 5},
	{.name = "tcp6 to be cut, tag to be inserted",
		.ipv6 = true,
		.tcp = true,
		.gso = true,
		.payload = 2 * SEGSZ,
		.insert = true},
	{.name = "tcp4, too short to be cut", .tcp = true, .gso = true, .payload = SEGSZ},
	{.name = "udp4 to be cut", .gso = true, .payload = 3 * SEGSZ + 1},
	{.name = "udp6 to be cut", .ipv6 = true, .gso = true, .payload = 2 * SEGSZ},
	{.name = "udp4, first fragment", .fragment = 0x2000, .payload = 16},
	{.name = "tcp4, last fragment", .tcp = true, .fragment = 2, .payload = 24},
};

static uint32_t
l2_of(const struct packet *p)
{
	return p->tag_inside ? 18 : 14;
}

static uint32_t
l3_of(const struct packet *p)
{
	return (p->ipv6 ? 40 : 20) + p->options;
}

static uint32_t
l4_of(const struct packet *p)
{
	return p->no_l4 ? 0 : p->tcp ? 20 + p->tcp_options : 8;
}

static void
put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t
sum(const uint8_t *at, uint32_t n, uint32_t s)
{
	for (uint32_t i = 0; i < n; i++)
		s += i % 2 != 0 ? at[i] : (uint32_t)at[i] << 8;
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static uint32_t
pseudo(const struct packet *p, const uint8_t *ip, uint32_t len)
{
	uint32_t s = len + (p->tcp ? 6 : 17);

	/* With segments left, the destination is the last of them. */
	if (p->routing)
		return sum(ip + 48, 16, sum(ip + 8, 16, s));
	return sum(ip + (p->ipv6 ? 8 : 12), p->ipv6 ? 32 : 8, s);
}

/* Build the packet without checksums. @return its length */
static uint32_t
build(const struct packet *p, uint8_t *b)
{
	uint32_t l2 = l2_of(p), l3 = l3_of(p), l4 = l4_of(p), n = l2 + l3 + l4 + p->payload;
	uint8_t *ip = b + l2;

	for (uint32_t i = 0; i < n + p->padding; i++)
		b[i] = (uint8_t)(i * 7 + 3);
	put16(b + l2 - 2, p->ipv6 ? 0x86dd : 0x0800);
	if (p->tag_inside)
		put16(b + 12, 0x8100);
	ip[0] = (uint8_t)(p->ipv6 ? 0x60 : 0x40 | l3 / 4);
	if (p->ipv6) {
		put16(ip + 4, p->options + l4 + p->payload);
		ip[6] = p->routing ? 43 : p->options != 0 ? 60 : p->tcp ? 6 : 17;
		if (p->options != 0) {
			ip[40] = p->tcp ? 6 : 17;
			ip[41] = (uint8_t)(p->options / 8 - 1);
			ip[42] = 4;
			ip[43] = p->routing;
		}
	} else {
		put16(ip + 2, l3 + l4 + p->payload);
		put16(ip + 6, p->fragment);
		ip[9] = p->no_l4 ? 1 : p->tcp ? 6 : 17;
	}
	if (p->tcp) {
		ip[l3 + 12] = (uint8_t)(l4 / 4 << 4);
		ip[l3 + 13] = p->cwr ? 0x98 : 0x18;
	} else if (!p->no_l4) {
		put16(ip + l3 + 4, l4 + p->payload);
	}
	if (p->done) {
		put16(ip + 10, 0);
		put16(ip + 10, ~sum(ip, l3, 0));
		put16(ip + l3 + (p->tcp ? 16 : 6), pseudo(p, ip, l4 + p->payload));
	}
	return n + p->padding;
}

static void
ask(const struct packet *p, struct rte_mbuf *m)
{
	m->l2_len = l2_of(p);
	m->l3_len = l3_of(p);
	m->l4_len = l4_of(p);
	m->tso_segsz = p->gso ? SEGSZ : 0;
	m->vlan_tci = TCI;
	m->ol_flags = p->ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	m->ol_flags |= p->insert ? RTE_MBUF_F_TX_VLAN : 0;
	if (!p->no_l4)
		m->ol_flags |= p->tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
	if (p->gso)
		m->ol_flags |= p->tcp ? RTE_MBUF_F_TX_TCP_SEG : RTE_MBUF_F_TX_UDP_SEG;
}

/* Split n bytes into segments that end at the cuts. */
static struct rte_mbuf *
split(struct rte_mbuf *m, uint8_t *b, uint32_t n, const uint32_t *cuts, int segs)
{
	uint32_t at = 0;

	memset(m, 0, sizeof(*m) * (size_t)segs);
	for (int i = 0; i < segs; i++) {
		uint32_t end = i + 1 < segs ? cuts[i] : n;

		m[i].buf_addr = b;
		m[i].data_off = (uint16_t)at;
		m[i].data_len = (uint16_t)(end - at);
		m[i].next = i + 1 < segs ? &m[i + 1] : NULL;
		m[i].refcnt = 1;
		at = end;
	}
	m->pkt_len = n;
	m->nb_segs = (uint16_t)segs;
	return m;
}

/* ---- the kernel's part ---- */

/* Complete the checksum. */
static void
complete(const struct virtio_net_hdr *h, uint8_t *b, uint32_t n)
{
	if (h->flags != NEEDS_CSUM)
		return;
	assert_true(h->csum_start + h->csum_offset + 2u <= n);
	put16(b + h->csum_start + h->csum_offset, ~sum(b + h->csum_start, n - h->csum_start, 0));
}

static void
check_whole(const struct packet *p, const uint8_t *b, uint32_t n)
{
	uint32_t tag = p->insert ? 4 : 0, l2 = l2_of(p) + tag, l3 = l3_of(p),
		 len = l4_of(p) + p->payload;
	const uint8_t *ip = b + l2;
	bool has_l4 = !p->no_l4 && p->fragment == 0;

	assert_int_equal(n, l2 + l3 + len + (has_l4 ? 0 : p->padding));
	if (p->insert) {
		assert_int_equal(b[12] << 8 | b[13], 0x8100);
		assert_int_equal(b[14] << 8 | b[15], TCI);
	}
	if (!p->ipv6)
		assert_int_equal(sum(ip, l3, 0), 0xffff);
	if (has_l4)
		assert_int_equal(sum(ip + l3, len, pseudo(p, ip, len)), 0xffff);
	for (uint32_t i = l3 + l4_of(p); i < l3 + len; i++)
		assert_int_equal(ip[i], (uint8_t)((l2 - tag + i) * 7 + 3));
}

static void
check_header(const struct packet *p, const struct virtio_net_hdr *h)
{
	uint32_t tag = p->insert ? 4 : 0;
	bool cut = p->gso && p->payload > SEGSZ, has_l4 = !p->no_l4 && p->fragment == 0;
	int type = p->tcp ? (p->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4) : 5;

	assert_int_equal(h->flags, has_l4 ? NEEDS_CSUM : 0);
	assert_int_equal(h->csum_start, has_l4 ? tag + l2_of(p) + l3_of(p) : 0);
	assert_int_equal(h->csum_offset, !has_l4 ? 0 : p->tcp ? 16 : 6);
	assert_int_equal(h->gso_type, !cut ? 0 : p->cwr ? type | VIRTIO_NET_HDR_GSO_ECN : type);
	assert_int_equal(h->gso_size, cut ? SEGSZ : 0);
	assert_int_equal(h->hdr_len, cut ? tag + l2_of(p) + l3_of(p) + l4_of(p) : 0);
}

/* ---- back from the kernel ---- */

static void
check_read(const struct packet *p, const struct virtio_net_hdr *h, const uint8_t *b, uint32_t n,
	uint32_t cut)
{
	uint8_t bytes[LEN_MAX];
	struct rte_mbuf segs[2], *m = split(segs, bytes, n, &cut, 2);
	bool gso = h->gso_type != 0;

	memcpy(bytes, b, n);
	if (h->flags == 0) {
		assert_int_equal(vtap_header_read(h, m, true, UDP_LRO), VTAP_HEADER_PLAIN);
		assert_int_equal(m->ol_flags, 0);
		return;
	}
	assert_int_equal(vtap_header_read(h, m, true, UDP_LRO), VTAP_HEADER_UNFINISHED);
	assert_memory_equal(bytes, b, n);
	assert_int_equal(m->ol_flags,
		RTE_MBUF_F_RX_L4_CKSUM_NONE |
			(!gso                    ? 0
					: p->tcp ? RTE_MBUF_F_RX_LRO
						 : UDP_LRO));
	assert_int_equal(m->l2_len, l2_of(p) + (p->insert ? 4 : 0));
	assert_int_equal(m->l3_len, l3_of(p));
	assert_int_equal(m->l4_len, l4_of(p));
	assert_int_equal(m->tso_segsz, gso ? SEGSZ : 0);
	assert_int_equal(m->packet_type & RTE_PTYPE_L4_MASK,
		p->tcp ? RTE_PTYPE_L4_TCP : RTE_PTYPE_L4_UDP);
	m->ol_flags = 0;
	if (gso && !p->tcp)
		assert_int_equal(vtap_header_read(h, m, true, 0), VTAP_HEADER_BAD);
	m->ol_flags = 0;
	assert_int_equal(vtap_header_read(h, m, false, UDP_LRO),
		gso ? VTAP_HEADER_BAD : VTAP_HEADER_FINISHED);
	if (!gso)
		check_whole(p, bytes, n);
}

/* ---- every split ---- */

static void
try_split(const struct packet *p, const uint32_t *cuts, int n_segs)
{
	uint8_t in[LEN_MAX], out[LEN_MAX + VTAP_HEAD_MAX];
	struct rte_mbuf segs[3], *m;
	struct vtap_packet w;
	uint32_t n = build(p, in), len;

	m = split(segs, in, n, cuts, n_segs);
	ask(p, m);
	assert_int_equal(vtap_header_write(&w, m, true), 0);
	if (p->done)
		assert_int_equal(w.front_len, 0);
	memcpy(out, w.front, w.front_len);
	memcpy(out + w.front_len, in + w.skip, w.len - w.skip);
	len = w.front_len + w.len - w.skip;
	check_header(p, &w.header);
	check_read(p, &w.header, out, len, cuts[0] % len);
	complete(&w.header, out, len);
	check_whole(p, out, len);
	/* The packet may belong to another domain. */
	build(p, out);
	assert_memory_equal(in, out, n);
}

static void
every_split(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < RTE_DIM(packets); k++) {
		uint8_t bytes[LEN_MAX];
		uint32_t n = build(&packets[k], bytes), cuts[2];

		print_message("%s\n", packets[k].name);
		for (cuts[0] = 0; cuts[0] <= n; cuts[0]++) {
			for (cuts[1] = cuts[0]; cuts[1] <= n; cuts[1]++)
				try_split(&packets[k], cuts, 3);
			try_split(&packets[k], cuts, 2);
		}
		try_split(&packets[k], (uint32_t[]){0}, 1);
	}
}

/* ---- refused ---- */

static void
contradictions_are_refused(void **state)
{
	static const struct packet tcp = {.tcp = true, .gso = true, .payload = 40},
				   udp = {.gso = true, .payload = 40};
	uint8_t in[LEN_MAX];
	struct rte_mbuf m;
	struct vtap_packet w;
	uint32_t n = build(&tcp, in);

	(void)state;
#define TRY(p, want, change)                                              \
	do {                                                              \
		n = build(p, in);                                         \
		split(&m, in, n, NULL, 1);                                \
		ask(p, &m);                                               \
		change;                                                   \
		assert_int_equal(vtap_header_write(&w, &m, false), want); \
	} while (0)
	TRY(&tcp, 0, (void)0);
	TRY(&tcp, -EINVAL, m.tso_segsz = 0);
	TRY(&tcp, -EINVAL, m.l2_len = 10);
	TRY(&tcp, -EINVAL, m.l3_len = 24);
	TRY(&tcp, -EINVAL, in[14 + 9] = 17);
	TRY(&tcp, -EINVAL, in[14 + 20 + 12] = 0x40);
	TRY(&tcp, -EINVAL, in[14 + 20 + 12] = 0xf0; put16(in + 16, 50));
	TRY(&tcp, -EINVAL, put16(in + 16, 1000));
	TRY(&tcp, -EINVAL, put16(in + 14 + 6, 0x2000));
	TRY(&tcp, -EINVAL, m.ol_flags |= RTE_MBUF_F_TX_UDP_SEG);
	TRY(&tcp, -ENOTSUP, m.ol_flags |= RTE_MBUF_F_TX_TUNNEL_VXLAN);
	TRY(&tcp, -ENOTSUP, m.ol_flags |= RTE_MBUF_F_TX_OUTER_IP_CKSUM);
	TRY(&udp, -ENOTSUP, (void)0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_split),
		cmocka_unit_test(contradictions_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
