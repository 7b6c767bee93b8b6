/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PMD_BYTES_H
#define PMD_BYTES_H

/**
 * @file
 * Read, write and sum up a packet's bytes, however they are divided into segments. Any segment may
 * be empty, or of odd length. (DPDK's rte_raw_cksum_mbuf() is wrong for a segment that begins at an
 * odd offset.)
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "pmd_ip.h"

/**
 * Find byte *off, and set *off to its offset in its segment.
 * @return the segment; NULL: the packet is shorter
 */
static inline const struct rte_mbuf *
pmd_bytes_find(const struct rte_mbuf *m, uint32_t *off)
{
	while (m != NULL && *off >= m->data_len) {
		*off -= m->data_len;
		m = m->next;
	}
	return m;
}

/** Copy bytes [off, off + n). @return false: the packet is shorter; `to` is undefined */
static inline bool
pmd_bytes_read(const struct rte_mbuf *m, uint32_t off, uint32_t n, void *to)
{
	m = pmd_bytes_find(m, &off);
	for (; n != 0 && m != NULL; m = m->next, off = 0) {
		uint32_t part = RTE_MIN(n, m->data_len - off);

		memcpy(to, rte_pktmbuf_mtod_offset(m, const char *, off), part);
		to = (char *)to + part;
		n -= part;
	}
	return n == 0;
}

/** @return true when the caller may write bytes [off, off + n): they have no other reader */
static inline bool
pmd_bytes_writable(const struct rte_mbuf *m, uint32_t off, uint32_t n)
{
	uint32_t end = off + n;

	for (uint32_t at = 0; m != NULL && at < end; at += m->data_len, m = m->next)
		/* A segment that was sent and is not back yet has another reference. */
		if (at + m->data_len > off && (!RTE_MBUF_DIRECT(m) || rte_mbuf_refcnt_read(m) != 1))
			return false;
	return true;
}

/** Write bytes [off, off + n). The packet is long enough. */
static inline void
pmd_bytes_write(struct rte_mbuf *m, uint32_t off, uint32_t n, const void *from)
{
	uint32_t at = 0;

	for (; m != NULL && at < off + n; at += m->data_len, m = m->next) {
		uint32_t first = RTE_MAX(at, off), end = RTE_MIN(at + m->data_len, off + n);

		if (first < end)
			memcpy(rte_pktmbuf_mtod_offset(m, char *, first - at),
				(const char *)from + (first - off), end - first);
	}
}

/** A ones' complement sum (the Internet checksum) of bytes in pieces. {0}: of no bytes */
struct pmd_sum {
	uint64_t sum;
	bool odd; /**< of an odd number of bytes so far */
};

/** Add the next piece. */
static inline void
pmd_sum_add(struct pmd_sum *s, const void *bytes, uint32_t n)
{
	uint16_t part = rte_raw_cksum(bytes, n);

	/* A piece at an odd offset has its bytes swapped, and so has its sum. */
	s->sum += s->odd ? rte_bswap16(part) : part;
	s->odd ^= n & 1;
}

/** Add bytes [off, off + n) of a packet. @return false: it is shorter */
static inline bool
pmd_sum_add_packet(struct pmd_sum *s, const struct rte_mbuf *m, uint32_t off, uint32_t n)
{
	m = pmd_bytes_find(m, &off);
	for (; n != 0 && m != NULL; m = m->next, off = 0) {
		uint32_t part = RTE_MIN(n, m->data_len - off);

		pmd_sum_add(s, rte_pktmbuf_mtod_offset(m, const char *, off), part);
		n -= part;
	}
	return n == 0;
}

/**
 * Add the pseudo-header of UDP and TCP: addresses, protocol, length.
 * @param ip as for pmd_ipv6_final_dst()
 */
static inline void
pmd_sum_add_pseudo(struct pmd_sum *s, const uint8_t *ip, bool ipv6, uint8_t proto, uint32_t l4_len)
{
	rte_be32_t words[2] = {rte_cpu_to_be_32(l4_len), rte_cpu_to_be_32(proto)};

	if (ipv6) {
		pmd_sum_add(s, ip + 8, 16);
		pmd_sum_add(s, pmd_ipv6_final_dst(ip), 16);
	} else {
		pmd_sum_add(s, ip + 12, 8);
	}
	pmd_sum_add(s, words, sizeof(words));
}

/**
 * @return the sum folded to 16 bits, in memory order; 0xffff when the bytes include their checksum,
 * and it is right
 */
static inline uint16_t
pmd_sum_fold(const struct pmd_sum *s)
{
	uint64_t sum = s->sum;

	while (sum >> 16 != 0)
		sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

#endif
