/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whatever the kernel's header and a packet contain, the driver reads and writes within the packet,
 * and what it tells the next port, or the kernel, lies within the packet.
 *
 * Each segment ends at the end of its allocation, so that ASan catches any access beyond it. A
 * packet to the kernel changes between two reads, as a hostile domain's may.
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

#define PACKETS 200000
#define SEGMENTS 3

static uint64_t seed = 88172645463325252u;

static uint32_t
random_below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % n;
}

static uint32_t
one_of(const uint32_t *values, uint32_t n)
{
	return random_below(4) == 0 ? random_below(70000) : values[random_below(n)];
}

#define ONE_OF(...) \
	one_of((const uint32_t[]){__VA_ARGS__}, RTE_DIM(((const uint32_t[]){__VA_ARGS__})))

/* Fill with bytes that resemble IP in Ethernet. */
static void
fill(uint8_t *b, uint32_t n)
{
	uint8_t head[64];
	bool v6 = random_below(2) != 0;
	uint32_t at = 12;

	for (uint32_t i = 0; i < n; i++)
		b[i] = (uint8_t)random_below(256);
	for (uint32_t i = 0; i < sizeof(head); i++)
		head[i] = (uint8_t)random_below(256);
	if (random_below(4) == 0) {
		memcpy(head + at, (uint8_t[]){0x81, 0}, 2);
		at += 4;
	}
	memcpy(head + at, v6 ? (uint8_t[]){0x86, 0xdd} : (uint8_t[]){8, 0}, 2);
	head[at + 2] = v6 ? 0x60 : (uint8_t)(0x45 + random_below(2));
	head[at + 2 + (v6 ? 6 : 9)] = (uint8_t)ONE_OF(6, 17, 60, 44);
	if (!v6)
		memset(head + at + 8, 0, 2);
	memcpy(b, head, RTE_MIN(n, (uint32_t)sizeof(head)));
}

/* Make a packet of allocations of their exact size. */
static struct rte_mbuf *
make(struct rte_mbuf *m)
{
	int segs = 1 + (int)random_below(SEGMENTS);

	memset(m, 0, sizeof(*m) * SEGMENTS);
	for (int i = 0; i < segs; i++) {
		uint32_t len =
			i == 0 ? ONE_OF(14, 34, 54, 60, 74, 128, 300) % 400 : random_below(90);

		m[i].buf_addr = malloc(len != 0 ? len : 1);
		m[i].data_len = (uint16_t)len;
		m[i].refcnt = 1;
		m[i].next = i + 1 < segs ? &m[i + 1] : NULL;
		m->pkt_len += len;
		fill(m[i].buf_addr, len);
	}
	m->nb_segs = (uint16_t)segs;
	return m;
}

static void
destroy(struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next)
		free(m->buf_addr);
}

static void
headers_of_the_kernel(void **state)
{
	uint32_t kinds[4] = {0};

	(void)state;
	for (int i = 0; i < PACKETS; i++) {
		struct virtio_net_hdr h = {
			.flags = (uint8_t)ONE_OF(0, 1, 1, 1, 2),
			.gso_type = (uint8_t)ONE_OF(0, 0, 1, 4, 5, 0x81, 3),
			.gso_size = (uint16_t)ONE_OF(0, 1, 1448),
			.hdr_len = (uint16_t)ONE_OF(0, 54, 66),
			.csum_start = (uint16_t)ONE_OF(14, 34, 38, 54, 58),
			.csum_offset = (uint16_t)ONE_OF(6, 16),
		};
		struct rte_mbuf segs[SEGMENTS], *m = make(segs);
		enum vtap_header how = vtap_header_read(&h, m, random_below(3) != 0,
			random_below(2) != 0 ? 1 << 30 : 0);

		kinds[how]++;
		if (how == VTAP_HEADER_UNFINISHED) {
			assert_int_equal(m->l2_len + m->l3_len, h.csum_start);
			assert_true((uint32_t)m->l2_len + m->l3_len < m->pkt_len);
			assert_true((m->ol_flags & RTE_MBUF_F_RX_LRO) == 0 || m->tso_segsz != 0);
			if ((m->packet_type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_TCP)
				assert_true(
					(uint32_t)m->l2_len + m->l3_len + m->l4_len <= m->pkt_len);
		}
		destroy(m);
	}
	for (int i = 0; i < 4; i++)
		assert_true(kinds[i] > PACKETS / 1000);
}

static void
packets_of_a_peer(void **state)
{
	uint32_t written = 0;

	(void)state;
	for (int i = 0; i < PACKETS; i++) {
		struct rte_mbuf segs[SEGMENTS], *m = make(segs);
		struct vtap_packet w;

		m->ol_flags = ((uint64_t)random_below(1 << 16) << 41) &
			(VTAP_ASKS | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6 |
				RTE_MBUF_F_TX_TUNNEL_MASK);
		m->l2_len = ONE_OF(14, 18) & 0x7f;
		m->l3_len = ONE_OF(20, 40, 24) & 0x1ff;
		m->l4_len = ONE_OF(20, 8, 32) & 0xff;
		m->tso_segsz = (uint16_t)ONE_OF(0, 1, 1448);
		if (vtap_header_write(&w, m, random_below(2) != 0) == 0) {
			written++;
			assert_true(w.len <= m->pkt_len && w.skip <= w.len);
			assert_true(w.front_len <= VTAP_HEAD_MAX);
			if (w.header.flags != 0)
				assert_true(w.header.csum_start + w.header.csum_offset + 2u <=
					w.front_len + w.len - w.skip);
			assert_true(w.header.hdr_len <= w.front_len + w.len - w.skip);
			assert_true(w.header.gso_type == 0 || w.header.gso_size != 0);
		}
		destroy(m);
	}
	assert_true(written > PACKETS / 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_of_the_kernel),
		cmocka_unit_test(packets_of_a_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
