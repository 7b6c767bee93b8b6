/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taps: whatever the kernel's header and the packet behind it contain, and whatever a peer's packet
 * and its flags contain, the driver stays within the packet, and so does what it passes on.
 *
 * Input: one byte chooses the direction; then the header, or the fields of an mbuf; then the length
 * of the first segment, and the packet.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "vtap_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fields {
	uint64_t ol_flags;
	uint64_t tx_offload;
	uint16_t vlan_tci;
} __attribute__((packed));

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* Make a packet of one or two segments, each in an allocation of its size. */
static void
make(struct rte_mbuf m[2], uint32_t first, const uint8_t *bytes, size_t n)
{
	memset(m, 0, 2 * sizeof(*m));
	first = (uint32_t)RTE_MIN((size_t)first, n);
	for (int i = 0; i < 2; i++) {
		m[i].data_len = (uint16_t)(i == 0 ? first : n - first);
		m[i].buf_addr = malloc(m[i].data_len + 1u);
		m[i].buf_addr = (char *)m[i].buf_addr + 1;
		memcpy(m[i].buf_addr, bytes + (i == 0 ? 0 : first), m[i].data_len);
		m[i].refcnt = 1;
	}
	m[0].next = &m[1];
	m[0].nb_segs = 2;
	m[0].pkt_len = (uint32_t)n;
}

static void
receive(const struct virtio_net_hdr *h, struct rte_mbuf *m, bool leave)
{
	if (vtap_header_read(h, m, leave, UINT64_C(1) << 30) != VTAP_HEADER_UNFINISHED)
		return;
	check((uint32_t)m->l2_len + m->l3_len == h->csum_start && h->csum_start < m->pkt_len);
	check((m->ol_flags & RTE_MBUF_F_RX_LRO) == 0 || m->tso_segsz != 0);
}

static void
transmit(const struct fields *f, struct rte_mbuf *m, bool can_uso)
{
	struct vtap_packet p;
	uint32_t len;

	m->ol_flags = f->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK;
	m->tx_offload = f->tx_offload;
	m->vlan_tci = f->vlan_tci;
	if (vtap_header_write(&p, m, can_uso) != 0)
		return;
	check(p.len <= m->pkt_len && p.skip <= p.len && p.front_len <= VTAP_HEAD_MAX);
	len = p.front_len + p.len - p.skip;
	check(p.header.flags == 0 || p.header.csum_start + p.header.csum_offset + 2u <= len);
	check(p.header.hdr_len <= len && (p.header.gso_type == 0 || p.header.gso_size != 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr h;
	struct fields f;
	struct rte_mbuf m[2];
	size_t fixed = 2 + sizeof(f);

	if (size < fixed)
		return 0;
	make(m, data[1], data + fixed, size - fixed);
	if ((data[0] & 1) != 0) {
		memcpy(&h, data + 2, sizeof(h));
		receive(&h, m, (data[0] & 2) != 0);
	} else {
		memcpy(&f, data + 2, sizeof(f));
		transmit(&f, m, (data[0] & 2) != 0);
	}
	for (int i = 0; i < 2; i++)
		free((char *)m[i].buf_addr - 1);
	return 0;
}
