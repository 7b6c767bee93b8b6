/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sum: the 64-bit sum that --mode touch keeps.
 *
 * A packet is read as little-endian 64-bit numbers, the last one padded with zeroes; its sum is
 * their sum modulo 2^64. The sum of many packets is the sum of their sums. It depends neither on
 * the order of the packets nor on their segmentation, but on the position of each byte in its group
 * of eight.
 */
#ifndef FIDO_FWD_SUM_H
#define FIDO_FWD_SUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

struct fwd_sum {
	uint64_t total;
	uint64_t word;     /* the incomplete group of eight */
	unsigned int fill; /* bytes in it, 0..7 */
};

static inline uint64_t
fwd_sum_load(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return rte_le_to_cpu_64(word);
}

/* Add single bytes until the group is full or the data ends. Return how many. */
static inline size_t
fwd_sum_fill(struct fwd_sum *sum, const uint8_t *p, size_t len)
{
	size_t used = 0;

	while (used < len && sum->fill < 8)
		sum->word |= (uint64_t)p[used++] << (8 * sum->fill++);
	if (sum->fill == 8) {
		sum->total += sum->word;
		sum->word = 0;
		sum->fill = 0;
	}
	return used;
}

/* Bytes that fwd_sum_blocks() adds at a time. */
#define FWD_SUM_BLOCK 128u

/* Return the sum of len bytes, a multiple of FWD_SUM_BLOCK. */
extern uint64_t (*fwd_sum_blocks)(const uint8_t *p, size_t len);

static inline void
fwd_sum_add(struct fwd_sum *sum, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;
	size_t blocks;

	if (sum->fill > 0)
		p += fwd_sum_fill(sum, p, len);
	blocks = (size_t)(end - p) & ~(size_t)(FWD_SUM_BLOCK - 1);
	if (blocks > 0)
		sum->total += fwd_sum_blocks(p, blocks);
	for (p += blocks; end - p >= 8; p += 8)
		sum->total += fwd_sum_load(p);
	if (p < end)
		fwd_sum_fill(sum, p, end - p);
}

/* Return the sum of all bytes of a packet. */
static inline uint64_t
fwd_sum_packet(const struct rte_mbuf *m)
{
	struct fwd_sum sum = {0};

	for (; m != NULL; m = m->next)
		fwd_sum_add(&sum, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
	return sum.total + sum.word;
}

#endif
