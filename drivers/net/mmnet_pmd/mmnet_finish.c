/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet asks of the port and its receiver does not take is done here, before it goes: checksums, a VLAN tag, cutting
 * what TCP has left in one piece. In place where the packet is its owner's alone; else it is built anew in the arena, where
 * its pieces need no writable memory but this.
 *
 * What is built may come from memory that its owner changes meanwhile: the headers are copied once, and what is used of them
 * is the copy.
 */

#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "mmnet.h"
#include "mmnet_bounce.h"

/* The longest headers that a packet is built from, with a tag. */
#define HEAD_MAX 256
#define TCP_ONCE RTE_TCP_CWR_FLAG              /* in the first piece only */
#define TCP_AT_END (RTE_TCP_FIN_FLAG | RTE_TCP_PSH_FLAG) /* in the last only */

/* A packet that is being built. Offsets are those of head. */
struct build {
	struct mmnet_txq *txq;
	const struct rte_mbuf *seg; /* where the rest is read */
	uint32_t off;
	uint32_t head_len;
	uint32_t l3;
	uint32_t l4;       /* 0: no checksum of UDP or TCP */
	uint32_t l4_len;   /* with what follows of it, if there is one piece */
	uint32_t payload;  /* what follows the headers */
	uint32_t segsz;    /* of each piece; 0: one piece */
	bool ipv6;
	bool ip_csum;
	bool tcp;
	union {
		uint8_t head[HEAD_MAX];
		uint64_t align;
	};
};

/* ---- sums ---- */

/* That of the addresses, the protocol and the length, which L4 checksums begin with. */
static uint32_t
pseudo_sum(const uint8_t *ip, bool ipv6, bool tcp, uint32_t l4_len)
{
	uint32_t sum = ipv6 ? rte_raw_cksum(ip + 8, 32) : rte_raw_cksum(ip + 12, 8);

	return sum + rte_cpu_to_be_16((uint16_t)(l4_len >> 16)) + rte_cpu_to_be_16((uint16_t)l4_len) +
	       rte_cpu_to_be_16(tcp ? IPPROTO_TCP : IPPROTO_UDP);
}

static uint16_t
fold(uint32_t sum, bool tcp)
{
	uint16_t csum;

	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	csum = (uint16_t)~sum;
	return csum == 0 && !tcp ? 0xffff : csum; /* 0 would say that there is none */
}

static uint32_t
csum_offset(bool tcp)
{
	return tcp ? offsetof(struct rte_tcp_hdr, cksum) : offsetof(struct rte_udp_hdr, dgram_cksum);
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
	return !wants_tcp(m) && (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_UDP_CKSUM;
}

/*
 * How long a TCP or UDP packet is by its IP header; what follows is padding.
 * @param left the packet's bytes from the IP header on
 * @return 0: the header makes no sense, or not with so many bytes
 */
static uint32_t
l4_length(const uint8_t *ip, bool ipv6, uint32_t l3_len, uint32_t left, bool tcp)
{
	uint32_t total = ipv6 ? 40u + (uint32_t)(ip[4] << 8 | ip[5]) : (uint32_t)(ip[2] << 8 | ip[3]);
	uint32_t least = l3_len + (tcp ? (uint32_t)sizeof(struct rte_tcp_hdr) : (uint32_t)sizeof(struct rte_udp_hdr));

	if (ip[0] >> 4 != (ipv6 ? 6 : 4) || l3_len < (ipv6 ? 40 : 20) || (!ipv6 && (ip[0] & 15) * 4u != l3_len))
		return 0;
	return total > left || total < least ? 0 : total - l3_len;
}

/* ---- in place ---- */

static void
fill_l4(struct rte_mbuf *m)
{
	bool tcp = wants_tcp(m), ipv6 = (m->ol_flags & RTE_MBUF_F_TX_IPV6) != 0;
	uint32_t l3 = m->l2_len, l4 = l3 + m->l3_len, len;
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
	uint16_t sum;

	if (m->data_len < l4 + (tcp ? sizeof(struct rte_tcp_hdr) : sizeof(struct rte_udp_hdr)))
		return;
	len = l4_length(data + l3, ipv6, m->l3_len, m->pkt_len - l3, tcp);
	if (len == 0)
		return;
	memset(data + l4 + csum_offset(tcp), 0, sizeof(sum));
	if (rte_raw_cksum_mbuf(m, l4, len, &sum) != 0)
		return;
	sum = fold(sum + pseudo_sum(data + l3, ipv6, tcp, len), tcp);
	memcpy(data + l4 + csum_offset(tcp), &sum, sizeof(sum));
}

bool
mmnet_finish_in_place(struct rte_mbuf *m)
{
	/* Nobody else may read it: what has been sent once, and not come back, has another reference. */
	if ((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 || !RTE_MBUF_DIRECT(m) || rte_mbuf_refcnt_read(m) != 1)
		return false;
	/* Takes the flag away: a packet that is offered again is not tagged again. */
	if ((m->ol_flags & RTE_MBUF_F_TX_VLAN) != 0 && rte_vlan_insert(&m) != 0)
		return false;
	if ((m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0)
		mmnet_csum_fill(rte_pktmbuf_mtod(m, char *), m->data_len, m->l2_len);
	if (wants_tcp(m) || wants_udp(m))
		fill_l4(m);
	return true;
}

/* ---- built anew: the headers ---- */

/* Copy what comes next of the packet; as many bytes are left. */
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

static bool
take_head(struct build *w, const struct rte_mbuf *m, uint32_t len)
{
	if (len > HEAD_MAX - sizeof(struct rte_vlan_hdr) || len > m->pkt_len)
		return false;
	copy_next(w, w->head + w->head_len, len - w->head_len);
	w->head_len = len;
	return true;
}

/* The headers of a packet that is to be cut, with those of TCP as long as they say. */
static bool
take_tcp_head(struct build *w, const struct rte_mbuf *m)
{
	uint32_t len = (uint32_t)(w->head[w->l4 + offsetof(struct rte_tcp_hdr, data_off)] >> 4) * 4;

	if (len < sizeof(struct rte_tcp_hdr) || m->tso_segsz == 0 || len > w->l4_len || !take_head(w, m, w->l4 + len))
		return false;
	w->segsz = m->tso_segsz;
	w->ip_csum = !w->ipv6;
	/* Without padding: that belongs to no piece. */
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

/* @return false: its headers are not what its flags say */
static bool
parse(struct build *w, const struct rte_mbuf *m)
{
	bool l4 = wants_tcp(m) || wants_udp(m);

	w->ipv6 = (m->ol_flags & RTE_MBUF_F_TX_IPV6) != 0;
	w->ip_csum = (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0 && !w->ipv6;
	w->tcp = wants_tcp(m);
	w->l3 = l4 || w->ip_csum ? m->l2_len : RTE_ETHER_HDR_LEN;
	if (w->l3 < RTE_ETHER_HDR_LEN || !take_head(w, m, w->l3 + (l4 ? m->l3_len : w->ip_csum ? 20u : 0u)))
		return false;
	if (w->ip_csum && ((w->head[w->l3] & 15) < 5 || !take_head(w, m, RTE_MAX(w->head_len, w->l3 + (w->head[w->l3] & 15) * 4u))))
		return false;
	if (l4) {
		w->l4 = w->l3 + m->l3_len;
		if (!take_head(w, m, w->l4 + (w->tcp ? (uint32_t)sizeof(struct rte_tcp_hdr) : (uint32_t)sizeof(struct rte_udp_hdr))))
			return false;
		w->l4_len = l4_length(w->head + w->l3, w->ipv6, m->l3_len, m->pkt_len - w->l3, w->tcp);
		if (w->l4_len == 0)
			return false;
	}
	w->payload = m->pkt_len - w->head_len;
	if ((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 && !take_tcp_head(w, m))
		return false;
	if ((m->ol_flags & RTE_MBUF_F_TX_VLAN) != 0)
		insert_tag(w, m->vlan_tci);
	return true;
}

static void
put_be16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* The headers of the piece that begins at `done` of the payload. */
static void
edit_head(struct build *w, uint8_t *head, uint32_t done, uint32_t len, bool last)
{
	uint8_t *ip = head + w->l3, *l4 = head + w->l4;

	if (w->segsz != 0) {
		uint32_t total = w->head_len - w->l3 + len, index = done / w->segsz, seq;

		put_be16(ip + (w->ipv6 ? 4 : 2), w->ipv6 ? total - 40 : total);
		if (!w->ipv6)
			put_be16(ip + 4, (uint32_t)(ip[4] << 8 | ip[5]) + index);
		memcpy(&seq, l4 + 4, sizeof(seq));
		seq = rte_cpu_to_be_32(rte_be_to_cpu_32(seq) + done);
		memcpy(l4 + 4, &seq, sizeof(seq));
		l4[13] = (uint8_t)(l4[13] & ~(done != 0 ? TCP_ONCE : 0) & ~(last ? 0 : TCP_AT_END));
	}
	if (w->l4 != 0)
		memset(l4 + csum_offset(w->tcp), 0, sizeof(uint16_t));
	if (w->ip_csum) {
		uint32_t len_ip = (ip[0] & 15) * 4u;

		memset(ip + 10, 0, sizeof(uint16_t));
		/* The raw sum is of bytes as they lie: so is its complement. */
		*(unaligned_uint16_t *)(void *)(ip + 10) = (uint16_t)~rte_raw_cksum(ip, len_ip);
	}
}

/* ---- built anew: the pieces ---- */

/* Add bytes [at, at + n) of the piece, which lie at data, to the sum of those from l4 on. */
static uint32_t
add_sum(const struct build *w, uint32_t sum, const char *data, uint32_t at, uint32_t n, uint32_t l4_len)
{
	uint32_t from = RTE_MAX(at, w->l4), to = RTE_MIN(at + n, w->l4 + l4_len);
	uint16_t part;

	if (from >= to)
		return sum;
	part = rte_raw_cksum(data + (from - at), to - from);
	/* What begins at an odd place is summed up with its bytes changed over. */
	return sum + ((from - w->l4) % 2 != 0 ? rte_bswap16(part) : part);
}

/* Build one piece, and put it: there is room. */
static void
put_piece(struct build *w, uint32_t done, uint32_t len)
{
	struct mmnet_txq *txq = w->txq;
	uint32_t total = w->head_len + len, l4_len = w->segsz != 0 ? total - w->l4 : w->l4_len, at = 0, sum = 0;
	char *first = NULL;

	while (at < total) {
		uint32_t n = RTE_MIN(total - at, (uint32_t)MMNET_BOUNCE_SIZE), head = at == 0 ? w->head_len : 0;
		void *cookie;
		char *to = mmnet_bounce_take(txq, &cookie);

		if (at == 0) {
			first = to;
			memcpy(to, w->head, head);
			edit_head(w, (uint8_t *)to, done, len, done + len == w->payload);
			if (w->l4 != 0)
				sum = pseudo_sum((const uint8_t *)to + w->l3, w->ipv6, w->tcp, l4_len);
		}
		copy_next(w, to + head, n - head);
		if (w->l4 != 0)
			sum = add_sum(w, sum, to, at, n, l4_len);
		at += n;
		mmnet_bounce_post(txq, to, n, at < total ? FIDO_DESC_CHAINED : 0, cookie);
	}
	if (w->l4 != 0) {
		uint16_t csum = fold(sum, w->tcp);

		/* Not published yet. */
		memcpy(first + w->l4 + csum_offset(w->tcp), &csum, sizeof(csum));
	}
}

int
mmnet_finish_put(struct mmnet_txq *txq, struct rte_mbuf *m, struct fido_tx_burst *b)
{
	struct fido_sender *s = txq->q->sender;
	struct build w;
	uint32_t pieces = 1, size, need, last;

	memset(&w, 0, offsetof(struct build, head));
	w.txq = txq;
	w.seg = m;
	if (!parse(&w, m))
		return -1;
	size = w.segsz != 0 ? w.segsz : w.payload;
	if (w.payload > size)
		pieces = (w.payload + size - 1) / size;
	last = w.payload - (pieces - 1) * size;
	need = (pieces - 1) * mmnet_bounce_buffers(w.head_len + size) + mmnet_bounce_buffers(w.head_len + last);
	if (need > s->mask + 1 || need > txq->bounce_total)
		return -1;
	if (need > fido_sender_room(s) || !mmnet_bounce_ready(txq, need))
		return 0;
	for (uint32_t i = 0; i < pieces; i++)
		put_piece(&w, i * size, i + 1 < pieces ? size : last);
	b->descriptors += need;
	b->copied += pieces;
	b->bytes += (uint64_t)pieces * w.head_len + w.payload;
	rte_pktmbuf_free(m);
	return 1;
}
