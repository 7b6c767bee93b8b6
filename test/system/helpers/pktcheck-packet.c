/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>

#include "pktcheck-packet.h"

#define TYPE 0x88b5 /* IEEE: for local experiments */

struct header {
	uint8_t dst[RTE_ETHER_ADDR_LEN];
	uint8_t src[RTE_ETHER_ADDR_LEN];
	uint16_t type;
	uint16_t queue;
	uint64_t seq;
	uint32_t len;
	uint32_t seed;
} __rte_packed;

static _Thread_local uint8_t scratch[PACKET_MAX + 8];

static void
build(uint8_t *out, const struct packet_id *id)
{
	uint64_t key = packet_mix(
		((uint64_t)id->seed << 16 | id->queue) + id->seq * UINT64_C(0x9e3779b97f4a7c15));
	uint64_t word = key;
	struct header h = {.type = rte_cpu_to_be_16(TYPE),
		.queue = id->queue,
		.seq = id->seq,
		.len = id->len,
		.seed = id->seed};

	memcpy(h.dst, &key, sizeof(h.dst));
	memcpy(h.src, (const uint8_t *)&key + 2, sizeof(h.src));
	h.dst[0] = 0x02;
	h.src[0] = 0x06;
	memcpy(out, &h, sizeof(h));
	for (uint32_t i = sizeof(h); i < id->len; i += sizeof(word)) {
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

/* What the mbufs say of themselves must agree. */
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

int
packet_check(const struct rte_mbuf *m, struct packet_id *id, bool *swapped)
{
	struct header copy;
	const struct header *h;

	*id = (struct packet_id){0};
	*swapped = false;
	if (!is_consistent(m) || m->pkt_len < PACKET_MIN || m->pkt_len > PACKET_MAX)
		return 0;
	h = rte_pktmbuf_read(m, 0, sizeof(copy), &copy);
	*id = (struct packet_id){h->seed, m->pkt_len, h->seq, h->queue};
	*swapped = h->dst[0] == 0x06;
	build(scratch, id);
	if (*swapped)
		swap_addresses(scratch);
	return first_difference(m);
}
