/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tx offloads that the receiver does not accept, in software: checksums, VLAN insertion, TCP
 * segmentation. In place if the bytes to be written have no other reader; else the packet is built
 * anew in the arena.
 *
 * A packet may be divided into segments anywhere, also within its headers. It may lie in memory
 * that its owner changes meanwhile: the headers are copied once, and only the copy is used. A
 * packet whose headers contradict its flags is not sent, because its checksums cannot be computed.
 *
 * A fragment has only a part of the bytes that a checksum of UDP or TCP covers. The request is
 * ignored, as NICs do: forwarders set the same flags for all packets of a protocol.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <fido/queue_shm.h>
#include <fido/sender.h>
#include <fido/txq.h>

#include "mmnet_bounce.h"
#include "pmd_bytes.h"
#include "pmd_ip.h"
#include "mmnet_port.h"
#include "mmnet_tx.h"
#include "mmnet_tx_offload.h"
#include "mmnet_tx_software.h"
#include "mmnet_txq.h"

/* The longest l2_len and l3_len that an mbuf can hold, the longest TCP header, and a tag. */
#define HEAD_MAX (127 + 511 + 60 + 4)
/* Offset of the checksum in the IPv4 header. */
#define IP_CSUM offsetof(struct rte_ipv4_hdr, hdr_checksum)
#define TCP_ONCE RTE_TCP_CWR_FLAG                        /* in the first packet only */
#define TCP_AT_END (RTE_TCP_FIN_FLAG | RTE_TCP_PSH_FLAG) /* in the last packet only */

/*
 * A packet that is being built. Offsets are those in head, which already has the tag to be
 * inserted.
 */
struct build {
	struct mmnet_txq *txq;
	const struct rte_mbuf *seg; /* with off: the next byte to copy */
	uint32_t off;
	uint32_t head_len;
	uint32_t l3;
	uint32_t l4;      /* 0: no checksum of UDP or TCP */
	uint32_t l4_len;  /* of header and payload, if it is not segmented */
	uint32_t payload; /* bytes after the headers */
	uint32_t segsz;   /* payload of each packet; 0: no segmentation */
	bool ipv6;
	bool ip_csum;
	bool tcp;
	bool tag; /* to be inserted */
	union {
		uint8_t head[HEAD_MAX];
		uint64_t align;
	};
};

static uint32_t
csum_offset(bool tcp)
{
	return tcp ? offsetof(struct rte_tcp_hdr, cksum)
		   : offsetof(struct rte_udp_hdr, dgram_cksum);
}

static uint8_t
l4_proto(const struct build *w)
{
	return w->tcp ? IPPROTO_TCP : IPPROTO_UDP;
}

/* @return the checksum for a sum of UDP or TCP */
static uint16_t
l4_csum(const struct pmd_sum *sum, bool tcp)
{
	uint16_t csum = (uint16_t)~pmd_sum_fold(sum);

	return csum == 0 && !tcp ? 0xffff : csum; /* 0 means that there is none */
}

static bool
wants_tcp(const struct rte_mbuf *m)
{
	return (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 ||
		(m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM;
}

static bool
wants_udp(const struct rte_mbuf *m)
{
	return !wants_tcp(m) &&
		((m->ol_flags & RTE_MBUF_F_TX_UDP_SEG) != 0 ||
			(m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_UDP_CKSUM);
}

/* ---- the headers ---- */

/* Copy the next n bytes of the packet, which has as many. */
static void
copy_next(struct build *w, void *to, uint32_t n)
{
	while (n != 0) {
		uint32_t part = RTE_MIN(n, w->seg->data_len - w->off);

		memcpy(to, rte_pktmbuf_mtod_offset(w->seg, const char *, w->off), part);
		to = (char *)to + part;
		n -= part;
		w->off += part;
		if (w->off == w->seg->data_len && w->seg->next != NULL) {
			w->seg = w->seg->next;
			w->off = 0;
		}
	}
}

/* Copy headers until head has len bytes. @return false: the packet is shorter, or head is */
static bool
take_head(struct build *w, const struct rte_mbuf *m, uint32_t len)
{
	if (len <= w->head_len)
		return true;
	if (len > HEAD_MAX - sizeof(struct rte_vlan_hdr) || len > m->pkt_len)
		return false;
	copy_next(w, w->head + w->head_len, len - w->head_len);
	w->head_len = len;
	return true;
}

/* @return the length of the TCP or UDP header; 0: it is not valid */
static uint32_t
l4_head_length(const struct build *w)
{
	uint32_t len;

	if (!w->tcp)
		return sizeof(struct rte_udp_hdr);
	len = (uint32_t)(w->head[w->l4 + offsetof(struct rte_tcp_hdr, data_off)] >> 4) * 4;
	return len < sizeof(struct rte_tcp_hdr) ? 0 : len;
}

/*
 * Copy the TCP or UDP header of a packet that is to be segmented, with its options.
 * @return false: it is not valid
 */
static bool
take_l4_head(struct build *w, const struct rte_mbuf *m)
{
	uint32_t len = l4_head_length(w);

	if (len == 0 || m->tso_segsz == 0 || len > w->l4_len || !take_head(w, m, w->l4 + len))
		return false;
	w->segsz = m->tso_segsz;
	w->ip_csum = !w->ipv6;
	/* Padding is not segmented. */
	w->payload = w->l4_len - len;
	return true;
}

static void
insert_tag(struct build *w, uint16_t tci)
{
	uint8_t *at = w->head + 2 * RTE_ETHER_ADDR_LEN;

	memmove(at + 4, at, w->head_len - 2 * RTE_ETHER_ADDR_LEN);
	at[0] = RTE_ETHER_TYPE_VLAN >> 8;
	at[1] = RTE_ETHER_TYPE_VLAN & 0xff;
	at[2] = (uint8_t)(tci >> 8);
	at[3] = (uint8_t)tci;
	w->head_len += 4;
	w->l3 += 4;
	if (w->l4 != 0)
		w->l4 += 4;
}

/*
 * Find the header of UDP or TCP, unless the packet is a fragment.
 * @return false: the IP header is not valid, or contradicts the packet's lengths or flags
 */
static bool
parse_l4(struct build *w, const struct rte_mbuf *m)
{
	const uint8_t *ip = w->head + w->l3;
	uint32_t l4 = w->l3 + m->l3_len,
		 least = w->tcp ? (uint32_t)sizeof(struct rte_tcp_hdr)
				: (uint32_t)sizeof(struct rte_udp_hdr);
	int proto = pmd_ip_proto(ip, w->ipv6, m->l3_len);
	uint32_t total;

	if (proto < 0)
		return false;
	total = pmd_ip_length(ip, w->ipv6);
	if (total < m->l3_len || total > m->pkt_len - w->l3)
		return false;
	if (proto == PMD_IP_FRAGMENT)
		return (m->ol_flags & MMNET_TX_CUT) == 0;
	if (proto != (w->tcp ? IPPROTO_TCP : IPPROTO_UDP) || total - m->l3_len < least ||
		!take_head(w, m, l4 + least))
		return false;
	w->l4 = l4;
	w->l4_len = total - m->l3_len;
	return true;
}

/* @return false: the packet's headers contradict its flags */
static bool
parse(struct build *w, const struct rte_mbuf *m)
{
	bool l4 = wants_tcp(m) || wants_udp(m);
	uint32_t last = m->pkt_len - 1;

	/* The segments have pkt_len bytes. */
	if (m->pkt_len == 0 || pmd_bytes_find(m, &last) == NULL)
		return false;
	w->ipv6 = (m->ol_flags & RTE_MBUF_F_TX_IPV6) != 0;
	w->ip_csum = (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0 && !w->ipv6;
	w->tcp = wants_tcp(m);
	w->l3 = l4 || w->ip_csum ? m->l2_len : RTE_ETHER_HDR_LEN;
	if (w->l3 < RTE_ETHER_HDR_LEN ||
		!take_head(w, m,
			w->l3 +
				(l4                          ? m->l3_len
						: w->ip_csum ? 20u
							     : 0u)))
		return false;
	if (w->ip_csum &&
		(w->head[w->l3] >> 4 != 4 || (w->head[w->l3] & 15) < 5 ||
			!take_head(w, m, w->l3 + (w->head[w->l3] & 15) * 4u)))
		return false;
	if (l4 && !parse_l4(w, m))
		return false;
	w->payload = m->pkt_len - w->head_len;
	if ((m->ol_flags & MMNET_TX_CUT) != 0 && !take_l4_head(w, m))
		return false;
	w->tag = (m->ol_flags & RTE_MBUF_F_TX_VLAN) != 0;
	if (w->tag)
		insert_tag(w, m->vlan_tci);
	return true;
}

static void
put_be16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Edit the header of TCP or UDP of the segment whose payload begins at offset `done`. */
static void
edit_l4_head(const struct build *w, uint8_t *l4, uint32_t done, uint32_t len, bool last)
{
	uint32_t seq;

	if (!w->tcp) {
		put_be16(l4 + offsetof(struct rte_udp_hdr, dgram_len),
			sizeof(struct rte_udp_hdr) + len);
		return;
	}
	memcpy(&seq, l4 + 4, sizeof(seq));
	seq = rte_cpu_to_be_32(rte_be_to_cpu_32(seq) + done);
	memcpy(l4 + 4, &seq, sizeof(seq));
	l4[13] = (uint8_t)(l4[13] & ~(done != 0 ? TCP_ONCE : 0) & ~(last ? 0 : TCP_AT_END));
}

/* Edit the headers of the packet whose payload begins at offset `done`. */
static void
edit_head(struct build *w, uint8_t *head, uint32_t done, uint32_t len, bool last)
{
	uint8_t *ip = head + w->l3, *l4 = head + w->l4;

	if (w->segsz != 0) {
		uint32_t total = w->head_len - w->l3 + len, index = done / w->segsz;

		put_be16(ip + (w->ipv6 ? 4 : 2), w->ipv6 ? total - 40 : total);
		if (!w->ipv6)
			put_be16(ip + 4, (uint32_t)(ip[4] << 8 | ip[5]) + index);
		edit_l4_head(w, l4, done, len, last);
	}
	if (w->l4 != 0)
		memset(l4 + csum_offset(w->tcp), 0, sizeof(uint16_t));
	if (w->ip_csum)
		pmd_ip_fill_csum(ip);
}

/* ---- built anew ---- */

/*
 * Add to the sum those of the packet's bytes [at, at + n), which lie at data, that the checksum
 * covers.
 */
static void
add_sum(const struct build *w, struct pmd_sum *sum, const char *data, uint32_t at, uint32_t n,
	uint32_t l4_len)
{
	uint32_t from = RTE_MAX(at, w->l4), to = RTE_MIN(at + n, w->l4 + l4_len);

	if (from < to)
		pmd_sum_add(sum, data + (from - at), to - from);
}

/* Build one packet, and put it. There is room. */
static void
put_piece(struct build *w, uint32_t done, uint32_t len)
{
	struct mmnet_txq *txq = w->txq;
	uint32_t total = w->head_len + len, l4_len = w->segsz != 0 ? total - w->l4 : w->l4_len,
		 at = 0;
	struct pmd_sum sum = {0};
	char *first = NULL;

	while (at < total) {
		uint32_t n = RTE_MIN(total - at, (uint32_t)MMNET_BOUNCE_SIZE),
			 head = at == 0 ? w->head_len : 0;
		void *cookie;
		char *to = mmnet_bounce_take(txq, &cookie);

		if (at == 0) {
			first = to;
			memcpy(to, w->head, head);
			edit_head(w, (uint8_t *)to, done, len, done + len == w->payload);
			if (w->l4 != 0)
				pmd_sum_add_pseudo(&sum, (const uint8_t *)to + w->l3, w->ipv6,
					l4_proto(w), l4_len);
		}
		copy_next(w, to + head, n - head);
		if (w->l4 != 0)
			add_sum(w, &sum, to, at, n, l4_len);
		at += n;
		mmnet_bounce_post(txq, to, n, at < total ? FIDO_DESC_CHAINED : 0, cookie);
	}
	if (w->l4 != 0) {
		uint16_t csum = l4_csum(&sum, w->tcp);

		/* The packet is not published yet. */
		memcpy(first + w->l4 + csum_offset(w->tcp), &csum, sizeof(csum));
	}
}

/* The packets to build: how many, their payload, the buffers that they take. */
struct pieces {
	uint32_t count;
	uint32_t size;
	uint32_t last; /* payload of the last one */
	uint32_t buffers;
};

static struct pieces
count_pieces(const struct build *w)
{
	struct pieces p = {.count = 1, .size = w->segsz != 0 ? w->segsz : w->payload};

	if (w->payload > p.size)
		p.count = (w->payload + p.size - 1) / p.size;
	p.last = w->payload - (p.count - 1) * p.size;
	p.buffers = (p.count - 1) * mmnet_bounce_buffers(w->head_len + p.size) +
		mmnet_bounce_buffers(w->head_len + p.last);
	return p;
}

/* @return 1: put, and m freed; 0: no room now; -1: never */
static int
build_and_put(struct build *w, struct rte_mbuf *m, struct fido_tx_burst *b)
{
	struct mmnet_txq *txq = w->txq;
	struct pieces p = count_pieces(w);

	if (p.buffers > txq->q->sender->mask + 1 || p.buffers > txq->bounce_total)
		return -1;
	if (p.buffers > fido_sender_room(txq->q->sender) || !mmnet_bounce_ready(txq, p.buffers))
		return 0;
	for (uint32_t i = 0; i < p.count; i++)
		put_piece(w, i * p.size, i + 1 < p.count ? p.size : p.last);
	b->descriptors += p.buffers;
	b->copied += p.count;
	b->bytes += (uint64_t)p.count * w->head_len + w->payload;
	rte_pktmbuf_free(m);
	return 1;
}

/* ---- in place ---- */

/* @return true when the bytes to be changed have no other reader */
static bool
can_in_place(const struct build *w, const struct rte_mbuf *m)
{
	uint32_t tag = w->tag ? 4 : 0;

	if (w->segsz != 0)
		return false;
	/* The tag is inserted into the first segment. */
	if (w->tag &&
		(m->data_len < 2 * RTE_ETHER_ADDR_LEN || rte_pktmbuf_headroom(m) < 4 ||
			!pmd_bytes_writable(m, 0, 1)))
		return false;
	if (w->ip_csum && !pmd_bytes_writable(m, w->l3 - tag + IP_CSUM, sizeof(uint16_t)))
		return false;
	return w->l4 == 0 ||
		pmd_bytes_writable(m, w->l4 - tag + csum_offset(w->tcp), sizeof(uint16_t));
}

/* @return false: the tag could not be inserted */
static bool
finish_in_place(struct build *w, struct rte_mbuf *m)
{
	uint16_t csum = 0;

	/* Clears the flag, so a packet that is offered again is not tagged again. */
	if (w->tag && rte_vlan_insert(&m) != 0)
		return false;
	if (w->ip_csum) {
		pmd_ip_fill_csum(w->head + w->l3);
		pmd_bytes_write(m, w->l3 + IP_CSUM, sizeof(csum), w->head + w->l3 + IP_CSUM);
	}
	if (w->l4 != 0) {
		struct pmd_sum sum = {0};

		pmd_bytes_write(m, w->l4 + csum_offset(w->tcp), sizeof(csum), &csum);
		pmd_sum_add_pseudo(&sum, w->head + w->l3, w->ipv6, l4_proto(w), w->l4_len);
		pmd_sum_add_packet(&sum, m, w->l4, w->l4_len);
		csum = l4_csum(&sum, w->tcp);
		pmd_bytes_write(m, w->l4 + csum_offset(w->tcp), sizeof(csum), &csum);
	}
	return true;
}

/* ---- one packet ---- */

static bool
begin(struct build *w, struct mmnet_txq *txq, const struct rte_mbuf *m)
{
	memset(w, 0, offsetof(struct build, head));
	w->txq = txq;
	w->seg = m;
	return parse(w, m);
}

int
mmnet_tx_software_put(struct mmnet_txq *txq, struct rte_mbuf *m, struct fido_tx_burst *b)
{
	struct build w;

	if (!begin(&w, txq, m))
		return -1;
	if (!can_in_place(&w, m))
		return build_and_put(&w, m, b);
	return finish_in_place(&w, m) ? mmnet_tx_put(txq, m, b) : -1;
}

int
mmnet_tx_software_check(struct mmnet_txq *txq, const struct rte_mbuf *m)
{
	struct build w;
	struct pieces p;

	if (!begin(&w, txq, m))
		return -EINVAL;
	if (can_in_place(&w, m))
		return 0;
	p = count_pieces(&w);
	return p.buffers > txq->port->ring_size || p.buffers > txq->bounce_total ? -EINVAL : 0;
}
