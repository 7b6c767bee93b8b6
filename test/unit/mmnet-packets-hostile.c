/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whatever a packet's bytes and metadata, the parsers read only within the packet.
 *
 * Types, checksums and hashes come from its own bytes; the hash equals DPDK's; metadata is used
 * only if it makes sense, and survives the transfer.
 *
 * Each packet ends at the end of its allocation, so that ASan catches any read beyond it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_thash.h>

#include "mmnet_csum.h"
#include "mmnet_hash.h"
#include "mmnet_meta.h"
#include "mmnet_rxq.h"

#define PACKETS 60000
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

static void
fill(uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = (uint8_t)random_below(256);
}

/*
 * Fill with random bytes that resemble a packet as far as there is room: tags, type, version,
 * length, protocol.
 */
static void
fill_packet(uint8_t *p, uint32_t n)
{
	static const uint8_t protos[] = {6, 17, 1, 44, 58};
	uint32_t at = 12, v6 = random_below(2);

	fill(p, n);
	for (uint32_t tags = random_below(4); tags == 1 && at + 4 <= n; tags--, at += 4) {
		p[at] = 0x81;
		p[at + 1] = 0;
	}
	if (at + 22 > n)
		return;
	p[at] = v6 ? 0x86 : 0x08;
	p[at + 1] = v6 ? 0xdd : 0x00;
	at += 2;
	p[at] = (uint8_t)(v6 ? 0x60 : random_below(3) != 0 ? 0x45 : 0x40 | random_below(16));
	if (!v6 && random_below(4) != 0)
		p[at + 6] = p[at + 7] = 0;
	if (random_below(4) != 0) {
		uint32_t len = n - at - (v6 ? 40 : 0);

		p[at + (v6 ? 4 : 2)] = (uint8_t)(len >> 8);
		p[at + (v6 ? 5 : 3)] = (uint8_t)len;
	}
	p[at + (v6 ? 6 : 9)] = protos[random_below(sizeof(protos))];
}

/* In up to SEGMENTS parts. */
static void
make(struct rte_mbuf *m, uint32_t len)
{
	uint8_t *bytes = malloc(len + 1);
	uint32_t n = len > SEGMENTS ? 1 + random_below(SEGMENTS) : 1, at = 0;

	assert_non_null(bytes);
	fill_packet(bytes, len);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t part = i + 1 == n ? len - at : random_below(len - at);

		memset(&m[i], 0, sizeof(m[i]));
		m[i].buf_addr = malloc(part + (part == 0));
		assert_non_null(m[i].buf_addr);
		memcpy(m[i].buf_addr, bytes + at, part);
		m[i].data_len = (uint16_t)part;
		m[i].next = i + 1 == n ? NULL : &m[i + 1];
		at += part;
	}
	m[0].pkt_len = len;
	m[0].nb_segs = (uint16_t)n;
	free(bytes);
}

static void
drop(struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next)
		free(m->buf_addr);
}

static void
within_their_bytes(void **state)
{
	static struct mmnet_hash hash;
	uint8_t key[MMNET_KEY_SIZE];
	uint32_t good = 0, hashed = 0;

	(void)state;
	fill(key, sizeof(key));
	mmnet_hash_init(&hash, key, MMNET_HASH_ALL);
	for (uint32_t i = 0; i < PACKETS; i++) {
		struct mmnet_rxq rxq = {.l4_csum = i % 4 != 0};
		struct rte_mbuf m[SEGMENTS], *p = m;
		uint32_t sum;

		make(m, random_below(i % 8 == 0 ? 1600 : 90));
		mmnet_csum_check(&rxq, &p, 1);
		good += (m[0].ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) != 0;
		hashed += mmnet_hash_packet(&hash, m, &sum);
		drop(m);
	}
	/* Otherwise the test made the wrong packets. */
	print_message("%u with an answer about UDP or TCP, %u hashed\n", good, hashed);
	assert_true(good > PACKETS / 50);
	assert_true(hashed > PACKETS / 10);
}

/* A UDP packet, and DPDK's hash of it: over its addresses, and over addresses and ports. */
static void
is_dpdks(void **state)
{
	static struct mmnet_hash hash;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		bool v6 = i % 2 != 0;
		uint32_t words = v6 ? 8 : 2, tuple[9], key[MMNET_KEY_SIZE / 4], got;
		uint8_t bytes[128] = {0}, *ip = bytes + 14;
		struct rte_mbuf m = {.buf_addr = bytes,
			.data_len = sizeof(bytes),
			.pkt_len = sizeof(bytes),
			.nb_segs = 1};

		fill((uint8_t *)key, sizeof(key));
		fill(ip, 80);
		bytes[12] = v6 ? 0x86 : 0x08;
		bytes[13] = v6 ? 0xdd : 0x00;
		ip[0] = v6 ? 0x60 : 0x45;
		ip[v6 ? 6 : 9] = 17;
		if (!v6)
			ip[6] = ip[7] = 0;
		/* The ports follow the addresses in both. */
		memcpy(tuple, ip + (v6 ? 8 : 12), (words + 1) * sizeof(tuple[0]));
		for (uint32_t k = 0; k <= words; k++)
			tuple[k] = rte_be_to_cpu_32(tuple[k]);
		mmnet_hash_init(&hash, (uint8_t *)key, MMNET_HASH_ALL);
		assert_true(mmnet_hash_packet(&hash, &m, &got));
		assert_int_equal(got, rte_softrss(tuple, words + 1, (uint8_t *)key));
		mmnet_hash_init(&hash, (uint8_t *)key,
			MMNET_HASH_IP | MMNET_HASH_IP << MMNET_HASH_IPV6_SHIFT);
		assert_true(mmnet_hash_packet(&hash, &m, &got));
		assert_int_equal(got, rte_softrss(tuple, words, (uint8_t *)key));
		mmnet_hash_init(&hash, (uint8_t *)key,
			v6 ? MMNET_HASH_UDP : MMNET_HASH_UDP << MMNET_HASH_IPV6_SHIFT);
		assert_false(mmnet_hash_packet(&hash, &m, &got));
	}
}

static struct fido_desc
desc_of(const struct mmnet_meta *meta)
{
	return (struct fido_desc){.gaddr = mmnet_meta_word(meta),
		.len = meta->hash,
		.flags = (uint16_t)(meta->flags | FIDO_DESC_INLINE | FIDO_DESC_CHAINED)};
}

static void
metadata_survives(void **state)
{
	const struct mmnet_meta all = {.flags = MMNET_META_HASH | MMNET_META_VLAN | MMNET_META_TCP |
			MMNET_META_TSO | MMNET_META_IPV6,
		.vlan_tci = 0xfedc,
		.segsz = 0xabcd,
		.l2_len = 18,
		.l3_len = 88,
		.hash = 0x12345678};
	struct fido_desc d = desc_of(&all);
	struct mmnet_meta got;

	(void)state;
	assert_true(mmnet_meta_read(&got, &d, MMNET_META_ALL));
	assert_int_equal(got.flags, all.flags);
	assert_int_equal(got.vlan_tci, all.vlan_tci);
	assert_int_equal(got.segsz, all.segsz);
	assert_int_equal(got.l2_len, all.l2_len);
	assert_int_equal(got.l3_len, all.l3_len);
	assert_int_equal(got.hash, all.hash);
	assert_true(d.gaddr <= FIDO_GADDR_MASK);
	assert_false(mmnet_meta_read(&got, &d, MMNET_META_ALL & ~MMNET_META_TSO));
	d.flags &= (uint16_t)~FIDO_DESC_CHAINED;
	assert_false(mmnet_meta_read(&got, &d, MMNET_META_ALL));
}

static void
nonsense_is_refused(void **state)
{
	static const struct mmnet_meta bad[] = {
		{.flags = MMNET_META_TCP | MMNET_META_UDP, .l2_len = 14, .l3_len = 20},
		{.flags = MMNET_META_TSO, .segsz = 1000, .l2_len = 14, .l3_len = 20},
		{.flags = MMNET_META_TSO | MMNET_META_UDP,
			.segsz = 1000,
			.l2_len = 14,
			.l3_len = 20},
		{.flags = MMNET_META_TSO | MMNET_META_TCP, .segsz = 0, .l2_len = 14, .l3_len = 20},
		{.flags = MMNET_META_TCP, .l2_len = 13, .l3_len = 20},
		{.flags = MMNET_META_TCP, .l2_len = 14, .l3_len = 19},
		{.flags = MMNET_META_UDP | MMNET_META_IPV6, .l2_len = 14, .l3_len = 39},
		{.flags = MMNET_META_UDP | MMNET_META_IPV6, .l2_len = 14, .l3_len = 107},
		{.flags = MMNET_META_IP_CSUM | MMNET_META_IPV6, .l2_len = 14, .l3_len = 40},
		{.flags = MMNET_META_IPV6},
		{.flags = 0x8000},
	};
	struct mmnet_meta got;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		struct fido_desc d = desc_of(&bad[i]);

		assert_false(mmnet_meta_read(&got, &d, UINT16_MAX));
	}
}

/* Metadata is copied to the mbuf only where the packet confirms it. */
static void
applied_within_the_packet(void **state)
{
	uint32_t fits = 0;

	(void)state;
	for (uint32_t i = 0; i < PACKETS; i++) {
		struct fido_desc d = {.gaddr = (uint64_t)random_below(1u << 31) << 17 |
				random_below(1u << 17),
			.len = i,
			.flags = (uint16_t)(random_below(1u << 10) | FIDO_DESC_CHAINED)};
		struct rte_mbuf m[SEGMENTS];
		struct mmnet_meta meta;

		if (i % 2 == 0) /* usually lengths of real headers */
			d.gaddr = (d.gaddr & 0xffffffff) | UINT64_C(14) << 32 |
				(uint64_t)(20 + random_below(3) * 10) << 39;
		if (!mmnet_meta_read(&meta, &d, MMNET_META_ALL))
			continue;
		make(m, random_below(120));
		if (mmnet_meta_apply(&meta, m)) {
			fits += m[0].l3_len != 0;
			assert_true(
				(uint32_t)m[0].l2_len + m[0].l3_len + m[0].l4_len <= m[0].data_len);
			assert_true((m[0].ol_flags & RTE_MBUF_F_RX_LRO) == 0 ||
				(m[0].l4_len >= 20 && m[0].tso_segsz != 0));
		} else {
			assert_int_equal(m[0].ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK,
				RTE_MBUF_F_RX_L4_CKSUM_BAD);
		}
		drop(m);
	}
	assert_true(fits > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(within_their_bytes),
		cmocka_unit_test(is_dpdks), cmocka_unit_test(metadata_survives),
		cmocka_unit_test(nonsense_is_refused), cmocka_unit_test(applied_within_the_packet)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
