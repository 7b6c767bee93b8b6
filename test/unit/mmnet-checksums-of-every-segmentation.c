/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tx checksums, VLAN tags and segmentation are right however a packet is split into segments.
 *
 * This holds whoever else has a reference to the segments, and no other byte changes. A received
 * packet is marked by its bytes, not by its segmentation, and its tag is stripped all the same.
 *
 * A fragment gets no UDP or TCP checksum, even if it asks for one, and is sent. A tunnel that is
 * only described changes nothing.
 *
 * The test tries all splits into one, two and three segments, empty ones included, and random
 * splits into more. It computes the expected checksums by itself, a byte at a time.
 */
#include "test.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "mmnet_chain.h"
#include "mmnet_csum.h"
#include "mmnet_hash.h"
#include "mmnet_meta.h"
#include "mmnet_mtu.h"
#include "mmnet_port.h"
#include "mmnet_rx.h"
#include "mmnet_rx_offload.h"
#include "mmnet_rxq.h"
#include "mmnet_tx.h"
#include "mmnet_tx_offload.h"
#include "mmnet_txq.h"

#define RING 256
#define BUFFERS 256
#define SEGMENTS_MAX 12
#define LEN_MAX 2048
#define PIECES_MAX 32
#define TCI 99
#define SEGSZ 13

enum kind {
	DIRECT,
	CLONE,
	SHARED,
	EXTERNAL,
	KINDS
};

struct packet {
	const char *name;
	bool ipv6, tcp, no_l4; /* no_l4: only the IPv4 header's checksum */
	uint32_t options;      /* bytes of IPv4 options, or of an IPv6 extension header */
	uint32_t tcp_options;
	uint32_t payload;
	uint32_t padding; /* after the IP packet */
	bool tag_inside;  /* counted in l2_len */
	bool insert;
	bool tso;
	uint16_t fragment; /* that field of the IPv4 header; of IPv6, in its extension header */
	bool tunnel;       /* l2_len counts the outer headers too, and flags describe them */
};

/* IPv4, UDP, VXLAN, Ethernet. */
#define OUTER (20 + 8 + 8 + 14)
/* Offset 16, last; first; middle. */
#define LAST 0x0002
#define FIRST 0x2000
#define BETWEEN 0x2001
/* IPv6 has the offset 3 bits further left. */
#define LAST6 0x0010
#define FIRST6 0x0001

static const struct packet packets[] = {
	{.name = "udp4", .payload = 21},
	{.name = "udp4 even", .payload = 12},
	{.name = "udp4 without data"},
	{.name = "udp4, IP options", .options = 8, .payload = 5},
	{.name = "udp4, padded", .payload = 3, .padding = 15},
	{.name = "udp4, tag inside", .payload = 11, .tag_inside = true},
	{.name = "udp4, tag to be inserted", .payload = 11, .insert = true},
	{.name = "icmp4, header only", .no_l4 = true, .payload = 17},
	{.name = "tcp4", .tcp = true, .payload = 19},
	{.name = "tcp4, all options", .tcp = true, .options = 12, .tcp_options = 12, .payload = 7},
	{.name = "udp6", .ipv6 = true, .payload = 13},
	{.name = "tcp6, tag to be inserted",
		.ipv6 = true,
		.tcp = true,
		.payload = 9,
		.insert = true},
	{.name = "tcp6, extension header", .ipv6 = true, .tcp = true, .options = 8, .payload = 10},
	{.name = "tcp4 to be cut",
		.tcp = true,
		.tso = true,
		.tcp_options = 4,
		.payload = 3 * SEGSZ + 2},
	{.name = "tcp6 to be cut, tag to be inserted",
		.ipv6 = true,
		.tcp = true,
		.tso = true,
		.payload = 2 * SEGSZ,
		.insert = true},
	{.name = "udp4 to be cut", .tso = true, .payload = 2 * SEGSZ + 1},
	{.name = "udp6 to be cut, tag to be inserted",
		.ipv6 = true,
		.tso = true,
		.payload = 3 * SEGSZ,
		.insert = true},
	{.name = "udp4, first fragment", .fragment = FIRST, .payload = 16},
	{.name = "udp4, last fragment", .fragment = LAST, .payload = 3, .padding = 9},
	{.name = "tcp4, fragment, tag to be inserted",
		.tcp = true,
		.fragment = BETWEEN,
		.payload = 8,
		.insert = true},
	{.name = "tcp4, first fragment, options",
		.tcp = true,
		.options = 8,
		.fragment = FIRST,
		.payload = 4},
	{.name = "udp6, first fragment",
		.ipv6 = true,
		.options = 8,
		.fragment = FIRST6,
		.payload = 8},
	{.name = "tcp6, last fragment",
		.ipv6 = true,
		.tcp = true,
		.options = 8,
		.fragment = LAST6,
		.payload = 1},
	{.name = "icmp4 in a tunnel", .no_l4 = true, .payload = 9, .tunnel = true},
	{.name = "udp4 in a tunnel", .payload = 5, .tunnel = true},
	{.name = "tcp6 in a tunnel, tag to be inserted",
		.ipv6 = true,
		.tcp = true,
		.payload = 3,
		.insert = true,
		.tunnel = true},
};
static const struct packet long_packets[] = {
	{.name = "udp4, long", .payload = 1401},
	{.name = "tcp4, long, options",
		.tcp = true,
		.options = 40,
		.tcp_options = 40,
		.payload = 1300,
		.padding = 3},
	{.name = "tcp6, long", .ipv6 = true, .tcp = true, .payload = 1399},
	{.name = "tcp4, long, to be cut", .tcp = true, .tso = true, .payload = 1403 % (SEGSZ * 20)},
};

/* ---- expected bytes ---- */

struct lengths {
	uint32_t l2, l3, l4, all;
};

static struct lengths
lengths_of(const struct packet *k)
{
	bool follows = (k->fragment & (k->ipv6 ? 0xfff8 : 0x1fff)) != 0;
	struct lengths n = {.l2 = (k->tag_inside ? 18 : 14) + (k->tunnel ? OUTER : 0),
		.l3 = (k->ipv6 ? 40 : 20) + k->options,
		.l4 = k->no_l4 || follows ? 0
			: k->tcp          ? 20 + k->tcp_options
					  : 8};

	n.all = n.l2 + n.l3 + n.l4 + k->payload + k->padding;
	return n;
}

static void
put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t
get16(const uint8_t *at)
{
	return (uint32_t)(at[0] << 8 | at[1]);
}

/* Compute the checksum of the bytes; `sum` is the sum of those before. */
static uint32_t
checksum(uint32_t sum, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum >> 16 != 0)
		sum = (sum >> 16) + (sum & 0xffff);
	return ~sum & 0xffff;
}

static uint32_t
l4_checksum(const struct packet *k, const uint8_t *ip, const uint8_t *l4, uint32_t n)
{
	const uint8_t *addresses = ip + (k->ipv6 ? 8 : 12);
	uint32_t sum = (k->tcp ? 6 : 17) + n, csum;

	for (uint32_t i = 0; i < (k->ipv6 ? 32u : 8u); i += 2)
		sum += get16(addresses + i);
	csum = checksum(sum, l4, n);
	return csum == 0 && !k->tcp ? 0xffff : csum;
}

static uint32_t
csum_at(const struct packet *k)
{
	return k->tcp ? 16 : 6;
}

/* Build the packet without checksums: their fields hold other values. */
static uint32_t
make(const struct packet *k, uint8_t *b)
{
	struct lengths n = lengths_of(k);
	uint8_t *ip = b + n.l2, *l4 = ip + n.l3, proto = k->no_l4 ? 1 : k->tcp ? 6 : 17;
	uint32_t total = n.l3 + n.l4 + k->payload;

	for (uint32_t i = 0; i < n.all; i++)
		b[i] = (uint8_t)(i * 37 + 11);
	put16(b + 12, k->tag_inside ? 0x8100 : 0x0800);
	put16(b + n.l2 - 2, k->ipv6 ? 0x86dd : 0x0800);
	if (k->ipv6) {
		ip[0] = 0x60;
		put16(ip + 4, total - 40);
		ip[6] = k->options != 0 ? 60 : proto;
		if (k->options != 0) {
			ip[40] = proto;
			ip[41] = (uint8_t)(k->options / 8 - 1);
		}
		if (k->fragment != 0) {
			ip[6] = 44;
			put16(ip + 42, k->fragment);
		}
	} else {
		ip[0] = (uint8_t)(0x40 | n.l3 / 4);
		put16(ip + 2, total);
		put16(ip + 6, k->fragment != 0 ? k->fragment : 0x4000);
		ip[9] = proto;
	}
	if (n.l4 == 0)
		return n.all;
	if (k->tcp)
		l4[12] = (uint8_t)(n.l4 / 4 << 4);
	else
		put16(l4 + 4, n.l4 + k->payload);
	return n.all;
}

/* Put the right checksums in. */
static void
finish(const struct packet *k, uint8_t *b)
{
	struct lengths n = lengths_of(k);
	uint8_t *ip = b + n.l2, *l4 = ip + n.l3;

	if (!k->ipv6) {
		put16(ip + 10, 0);
		put16(ip + 10, checksum(0, ip, n.l3));
	}
	if (k->no_l4 || k->fragment != 0)
		return;
	put16(l4 + csum_at(k), 0);
	put16(l4 + csum_at(k), l4_checksum(k, ip, l4, n.l4 + k->payload));
}

/* ---- mbufs ---- */

static struct rte_mempool *pool, *indirect;
static struct rte_mbuf *others[SEGMENTS_MAX]; /* references held by others */
static unsigned int others_count;

static void
nothing(void *addr, void *arg)
{
	(void)addr;
	(void)arg;
}

static struct rte_mbuf *
segment(const uint8_t *b, uint32_t n, enum kind kind)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *x = m;

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)n), b, n);
	if (kind == CLONE) {
		x = rte_pktmbuf_alloc(indirect);
		assert_non_null(x);
		rte_pktmbuf_attach(x, m);
		others[others_count++] = m;
	} else if (kind == SHARED) {
		rte_mbuf_refcnt_update(m, 1);
		others[others_count++] = m;
	} else if (kind == EXTERNAL) {
		static struct rte_mbuf_ext_shared_info shared = {.free_cb = nothing};

		/* The memory stays when its mbufs are freed. */
		rte_mbuf_ext_refcnt_set(&shared, 1000);
		x = rte_pktmbuf_alloc(indirect);
		assert_non_null(x);
		rte_pktmbuf_attach_extbuf(x, rte_pktmbuf_mtod(m, void *), RTE_BAD_IOVA, (uint16_t)n,
			&shared);
		x->data_len = (uint16_t)n;
		others[others_count++] = m;
	}
	return x;
}

static struct rte_mbuf *
cut(const uint8_t *b, uint32_t len, const uint32_t *ends, unsigned int n, enum kind kind)
{
	struct rte_mbuf *head = NULL, *tail = NULL;
	uint32_t at = 0;

	others_count = 0;
	for (unsigned int i = 0; i < n; i++) {
		uint32_t end = i + 1 == n ? len : ends[i];
		struct rte_mbuf *m = segment(b + at, end - at, kind);

		if (head == NULL)
			head = m;
		else
			tail->next = m;
		tail = m;
		at = end;
	}
	head->pkt_len = len;
	head->nb_segs = (uint16_t)n;
	return head;
}

static void
free_others(void)
{
	while (others_count != 0) {
		struct rte_mbuf *m = others[--others_count];

		if (rte_mbuf_refcnt_read(m) == 1) {
			m->next = NULL;
			m->nb_segs = 1;
		}
		rte_pktmbuf_free_seg(m);
	}
}

/* ---- sending ---- */

static struct test_pair pair;
static struct mmnet_port port;
static struct mmnet_tx_peer peer;
static struct mmnet_txq txq;
static uint16_t buffers[BUFFERS];

static int
set_up(void **state)
{
	uint64_t gaddr;

	(void)state;
	test_pair_start(&pair, RING);
	txq = (struct mmnet_txq){.q = fido_link_txq(pair.ab, 0),
		.bounce_arena = pair.mem,
		.bounce = (char *)pair.mem->va,
		.bounce_free = buffers,
		.bounce_total = BUFFERS,
		.bounce_count = BUFFERS,
		.lag = RING,
		.many = RING,
		.port = &port,
		.peer = &peer};
	for (uint16_t i = 0; i < BUFFERS; i++)
		buffers[i] = i;
	peer.queue_id = txq.q->sender->queue_id;
	peer.seq = fido_txq_note_seq(txq.q);
	port.spread = 1;
	port.ring_size = RING;
	port.max_frame = MMNET_MAX_FRAME;
	port.txq[0] = &txq;
	TEST_WAIT(test_reach(txq.q, txq.bounce, 1, &gaddr) == FIDO_REACH_OWN);
	TEST_WAIT(fido_link_rxq(pair.ba, 0)->count == 1);
	return mmnet_chain_start(&txq, RING);
}

static int
tear_down(void **state)
{
	(void)state;
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	assert_int_equal(rte_mempool_in_use_count(indirect), 0);
	assert_int_equal(txq.bounce_count, BUFFERS);
	rte_free(txq.places);
	test_pair_end(&pair);
	return 0;
}

/* Receive all packets that have come and return their buffers. @return number */
static unsigned int
receive(uint8_t (*to)[LEN_MAX], uint32_t *len)
{
	struct fido_rxq *q = fido_link_rxq(pair.ba, 0);
	struct fido_receiver *r = q->receivers[0];
	unsigned int n = 0;
	struct fido_desc d;

	fido_lock_take(&q->lock);
	len[0] = 0;
	while (fido_receiver_next(r, &d) == 1) {
		assert_true(n < PIECES_MAX && len[n] + d.len <= LEN_MAX);
		assert_non_null(d.data);
		memcpy(to[n] + len[n], d.data, d.len);
		len[n] += d.len;
		if ((d.flags & FIDO_DESC_CHAINED) == 0 && ++n < PIECES_MAX)
			len[n] = 0;
		fido_receiver_complete(r, d.ticket, FIDO_STATUS_OK);
	}
	fido_receiver_stamp(r);
	fido_receiver_flush(r);
	fido_lock_release(&q->lock);
	return n;
}

static void
ask(const struct packet *k, struct rte_mbuf *m)
{
	struct lengths n = lengths_of(k);

	m->ol_flags |= k->ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	if (k->tso)
		m->ol_flags |= k->tcp ? RTE_MBUF_F_TX_TCP_SEG : RTE_MBUF_F_TX_UDP_SEG;
	else if (!k->no_l4)
		m->ol_flags |= k->tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
	if (k->insert)
		m->ol_flags |= RTE_MBUF_F_TX_VLAN;
	if (k->tunnel)
		m->ol_flags |= RTE_MBUF_F_TX_TUNNEL_VXLAN | RTE_MBUF_F_TX_OUTER_IPV4;
	m->vlan_tci = TCI;
	m->l2_len = n.l2;
	m->l3_len = n.l3;
	m->l4_len = n.l4;
	m->tso_segsz = SEGSZ;
}

/* Take an inserted tag out again: the rest is the expected packet. */
static uint32_t
untag(const struct packet *k, uint8_t *b, uint32_t len)
{
	if (!k->insert)
		return len;
	assert_int_equal(get16(b + 12), 0x8100);
	assert_int_equal(get16(b + 14), TCI);
	memmove(b + 12, b + 16, len - 16);
	return len - 4;
}

static bool
is_right(const struct packet *k, const uint8_t *sent, uint8_t *got, uint32_t len)
{
	uint8_t want[LEN_MAX];

	memcpy(want, sent, lengths_of(k).all);
	finish(k, want);
	return untag(k, got, len) == lengths_of(k).all && memcmp(got, want, lengths_of(k).all) == 0;
}

static void
edit_tcp(uint8_t *l4, uint32_t done, bool first, bool last)
{
	uint32_t seq = (get16(l4 + 4) << 16 | get16(l4 + 6)) + done;

	put16(l4 + 4, seq >> 16);
	put16(l4 + 6, seq);
	if (!first)
		l4[13] &= 0x7f; /* CWR */
	if (!last)
		l4[13] &= 0xf6; /* PSH, FIN */
}

/*
 * Each piece is a packet of its own. Its headers equal the first one's except for what
 * distinguishes them.
 */
static bool
are_right(const struct packet *k, const uint8_t *sent, uint8_t (*got)[LEN_MAX], const uint32_t *len,
	unsigned int pieces)
{
	struct lengths n = lengths_of(k);
	uint32_t head = n.l2 + n.l3 + n.l4, done = 0;

	for (unsigned int i = 0; i < pieces; i++) {
		struct packet piece = *k;
		uint8_t want[LEN_MAX], *ip = want + n.l2, *l4 = ip + n.l3;

		piece.payload = RTE_MIN(k->payload - done, (uint32_t)SEGSZ);
		piece.padding = 0;
		memcpy(want, sent, head);
		memcpy(want + head, sent + head + done, piece.payload);
		put16(ip + (k->ipv6 ? 4 : 2), n.l3 + n.l4 + piece.payload - (k->ipv6 ? 40 : 0));
		if (!k->ipv6)
			put16(ip + 4, get16(sent + n.l2 + 4) + i);
		if (k->tcp)
			edit_tcp(l4, done, i == 0, i + 1 == pieces);
		else
			put16(l4 + 4, n.l4 + piece.payload);
		finish(&piece, want);
		if (untag(k, got[i], len[i]) != head + piece.payload ||
			memcmp(got[i], want, head + piece.payload) != 0)
			return false;
		done += piece.payload;
	}
	return done == k->payload;
}

static unsigned int sent_count, wrong;

static void
send_cut(const struct packet *k, const uint32_t *ends, unsigned int n, enum kind kind)
{
	static uint8_t got[PIECES_MAX][LEN_MAX];
	uint32_t len[PIECES_MAX];
	uint8_t bytes[LEN_MAX];
	struct rte_mbuf *m = cut(bytes, make(k, bytes), ends, n, kind);
	unsigned int pieces;
	bool right;

	ask(k, m);
	assert_int_equal(mmnet_tx_prepare_offload(&txq, &m, 1), 1);
	assert_int_equal(mmnet_tx_burst_offload(&txq, &m, 1), 1);
	pieces = receive(got, len);
	mmnet_tx_reap(&txq);
	free_others();
	right = k->tso ? are_right(k, bytes, got, len, pieces)
		       : pieces == 1 && is_right(k, bytes, got[0], len[0]);
	sent_count++;
	if (right)
		return;
	if (wrong++ < 5)
		print_message("%s, kind %u, %u segments (%u, %u): wrong\n", k->name, kind, n,
			n > 1 ? ends[0] : 0, n > 2 ? ends[1] : 0);
}

static void
sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(packets); i++) {
		uint32_t len = lengths_of(&packets[i]).all;

		for (uint32_t first = 0; first <= len; first++) {
			for (enum kind kind = 0; kind < KINDS; kind++)
				send_cut(&packets[i], &first, first == 0 ? 1 : 2, kind);
			for (uint32_t second = first; second <= len; second++)
				send_cut(&packets[i], (uint32_t[]){first, second}, 3,
					(first + second) % 5 == 0 ? CLONE : DIRECT);
		}
	}
	print_message("%u sent, %u wrong\n", sent_count, wrong);
	assert_int_equal(wrong, 0);
}

/* Ends in ascending order. */
static unsigned int
random_cuts(uint64_t *seed, uint32_t len, uint32_t *ends)
{
	unsigned int n = 1 + (unsigned int)((test_random(seed) >> 20) % SEGMENTS_MAX);

	for (unsigned int i = 0; i < n; i++) {
		/* Most cuts are in the headers. */
		uint32_t end = (uint32_t)(test_random(seed) >> 20) %
			(i % 2 != 0 ? RTE_MIN(len, 100u) : len);
		unsigned int k = i;

		for (; k != 0 && ends[k - 1] > end; k--)
			ends[k] = ends[k - 1];
		ends[k] = end;
	}
	return n;
}

static void
sent_in_many_pieces(void **state)
{
	uint32_t ends[SEGMENTS_MAX];
	uint64_t seed = 7;

	(void)state;
	wrong = 0;
	for (uint32_t i = 0; i < test_rounds(20000); i++) {
		const struct packet *k = &long_packets[i % RTE_DIM(long_packets)];
		unsigned int n = random_cuts(&seed, lengths_of(k).all, ends);

		send_cut(k, ends, n, i % 7 < KINDS ? i % 7 : DIRECT);
	}
	assert_int_equal(wrong, 0);
}

/*
 * A peer that takes unfinished packets looks for their headers in the part of the first segment
 * that rx=header copies.
 */
static void
headers_are_left_to_the_peer_only_in_front(void **state)
{
	const struct packet *k = &long_packets[1];
	uint32_t end = 40;

	(void)state;
	assert_true(
		lengths_of(k).l2 + lengths_of(k).l3 + lengths_of(k).l4 > MMNET_META_HEADERS_MAX);
	peer.accepts = MMNET_META_ALL;
	send_cut(k, NULL, 1, DIRECT);
	send_cut(&packets[0], &end, 2, DIRECT);
	peer.accepts = 0;
	assert_int_equal(wrong, 0);
}

/* Nor does the peer learn enough about fragments and tunnels to finish them. */
static void
fragments_and_tunnels_are_not_left_to_the_peer(void **state)
{
	(void)state;
	peer.accepts = MMNET_META_ALL;
	for (size_t i = 0; i < RTE_DIM(packets); i++)
		if (packets[i].fragment != 0 || packets[i].tunnel)
			send_cut(&packets[i], NULL, 1, DIRECT);
	peer.accepts = 0;
	assert_int_equal(wrong, 0);
}

/* Flags that describe a packet and request nothing. */
static void
flags_that_ask_for_nothing(void **state)
{
	static const uint64_t flags[] = {RTE_MBUF_F_TX_IPV4, RTE_MBUF_F_TX_IPV6,
		RTE_MBUF_F_TX_OUTER_IPV4, RTE_MBUF_F_TX_OUTER_IPV6,
		RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_OUTER_IPV6 | RTE_MBUF_F_TX_TUNNEL_GRE,
		RTE_MBUF_F_TX_TUNNEL_UDP, RTE_MBUF_F_TX_IEEE1588_TMST};
	static uint8_t got[PIECES_MAX][LEN_MAX];
	uint8_t bytes[LEN_MAX];
	uint32_t n = make(&packets[0], bytes), len[PIECES_MAX];

	(void)state;
	for (size_t i = 0; i < RTE_DIM(flags); i++) {
		struct rte_mbuf *m = cut(bytes, n, NULL, 1, DIRECT);

		m->ol_flags |= flags[i];
		m->outer_l2_len = 14;
		m->outer_l3_len = 20;
		assert_int_equal(mmnet_tx_prepare_offload(&txq, &m, 1), 1);
		assert_int_equal(mmnet_tx_burst_offload(&txq, &m, 1), 1);
		assert_int_equal(receive(got, len), 1);
		mmnet_tx_reap(&txq);
		assert_int_equal(len[0], n);
		assert_memory_equal(got[0], bytes, n);
	}
}

/* ---- requests that cannot be met ---- */

static const struct wrong {
	const char *name;
	struct packet packet;
	uint32_t at;    /* offset from the IP header */
	uint8_t value;  /* written there */
	uint64_t flags; /* requested in addition */
	int l2, l3;     /* added to the lengths given */
	uint32_t outer; /* given as the outer header's length */
	int error;
} wrongs[] = {
	{.name = "another version", .at = 0, .value = 0x65, .error = EINVAL},
	{.name = "another version, header only",
		.packet.no_l4 = true,
		.packet.payload = 9,
		.at = 0,
		.value = 0x65,
		.error = EINVAL},
	{.name = "longer header than l3_len", .at = 0, .value = 0x46, .error = EINVAL},
	{.name = "longest header", .at = 0, .value = 0x4f, .packet.payload = 100, .error = EINVAL},
	{.name = "header too short", .packet.no_l4 = true, .at = 0, .value = 0x44, .error = EINVAL},
	{.name = "longer than the packet", .at = 2, .value = 0xff, .error = EINVAL},
	{.name = "fragment, longer than the packet",
		.packet.fragment = FIRST,
		.packet.payload = 8,
		.at = 2,
		.value = 0xff,
		.error = EINVAL},
	{.name = "fragment, shorter than its header",
		.packet.fragment = FIRST,
		.packet.payload = 8,
		.at = 3,
		.value = 19,
		.error = EINVAL},
	{.name = "fragment, longer header than l3_len",
		.packet.fragment = LAST,
		.packet.payload = 8,
		.at = 0,
		.value = 0x46,
		.error = EINVAL},
	{.name = "fragment, l3_len beyond",
		.packet.fragment = LAST,
		.packet.payload = 8,
		.l3 = 200,
		.error = EINVAL},
	{.name = "fragment to be cut",
		.packet.fragment = FIRST,
		.packet.tcp = true,
		.packet.tso = true,
		.packet.payload = 2 * SEGSZ,
		.error = EINVAL},
	{.name = "another protocol", .at = 9, .value = 6, .error = EINVAL},
	{.name = "IPv6: another protocol",
		.packet.ipv6 = true,
		.at = 6,
		.value = 6,
		.error = EINVAL},
	{.name = "IPv6: fragment, longer than the packet",
		.packet.ipv6 = true,
		.packet.options = 8,
		.packet.fragment = FIRST6,
		.packet.payload = 8,
		.at = 4,
		.value = 0xff,
		.error = EINVAL},
	{.name = "IPv6: fragment to be cut",
		.packet.ipv6 = true,
		.packet.tcp = true,
		.packet.tso = true,
		.packet.options = 8,
		.packet.fragment = FIRST6,
		.packet.payload = 2 * SEGSZ,
		.error = EINVAL},
	{.name = "l2_len too small", .l2 = -1, .error = EINVAL},
	{.name = "l2_len too large", .l2 = 100, .error = EINVAL},
	{.name = "l3_len too small", .l3 = -4, .error = EINVAL},
	{.name = "l3_len beyond", .l3 = 200, .error = EINVAL},
	{.name = "SCTP", .packet.no_l4 = true, .flags = RTE_MBUF_F_TX_SCTP_CKSUM, .error = ENOTSUP},
	{.name = "outer header",
		.flags = RTE_MBUF_F_TX_OUTER_IP_CKSUM | RTE_MBUF_F_TX_OUTER_IPV4,
		.error = ENOTSUP},
	{.name = "outer UDP",
		.packet.tunnel = true,
		.flags = RTE_MBUF_F_TX_OUTER_UDP_CKSUM,
		.error = ENOTSUP},
	{.name = "tunnel to be cut",
		.packet.tunnel = true,
		.packet.tcp = true,
		.packet.tso = true,
		.packet.payload = 2 * SEGSZ,
		.error = ENOTSUP},
	{.name = "inner checksums, lengths of the inner packet",
		.packet.tunnel = true,
		.l2 = -34,
		.outer = 14,
		.error = ENOTSUP},
	{.name = "inner header's checksum, lengths of the inner packet",
		.packet.no_l4 = true,
		.packet.payload = 40,
		.flags = RTE_MBUF_F_TX_OUTER_IPV6,
		.outer = 14,
		.error = ENOTSUP},
	{.name = "MACsec", .flags = RTE_MBUF_F_TX_MACSEC, .error = ENOTSUP},
	{.name = "encryption", .flags = RTE_MBUF_F_TX_SEC_OFFLOAD, .error = ENOTSUP},
	{.name = "two tags", .flags = RTE_MBUF_F_TX_QINQ, .error = ENOTSUP},
	{.name = "UDP fragment to be cut",
		.packet.fragment = FIRST,
		.packet.tso = true,
		.packet.payload = 2 * SEGSZ,
		.error = EINVAL},
};

static void
refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(wrongs); i++) {
		const struct wrong *w = &wrongs[i];
		uint64_t dropped = txq.q->stats->dropped;
		uint8_t bytes[LEN_MAX], got[1][LEN_MAX];
		uint32_t ends = 20, len[PIECES_MAX], n = make(&w->packet, bytes);
		struct rte_mbuf *m;

		print_message("%s\n", w->name);
		if (w->value != 0)
			bytes[14 + w->at] = w->value;
		m = cut(bytes, n, &ends, 2, DIRECT);
		ask(&w->packet, m);
		m->ol_flags |= w->flags;
		m->l2_len = (uint64_t)((int)m->l2_len + w->l2) & 0x7f;
		m->l3_len = (uint64_t)((int)m->l3_len + w->l3) & 0x1ff;
		m->outer_l2_len = w->outer & 0x7f;
		rte_errno = 0;
		assert_int_equal(mmnet_tx_prepare_offload(&txq, &m, 1), 0);
		assert_int_equal(rte_errno, w->error);
		assert_int_equal(mmnet_tx_burst_offload(&txq, &m, 1), 1);
		assert_int_equal(txq.q->stats->dropped, dropped + 1);
		assert_int_equal(receive(got, len), 0);
	}
}

/* More pieces than the ring holds: waiting would not help. */
static void
refused_for_want_of_room(void **state)
{
	const struct packet k = {.tcp = true, .tso = true, .payload = (BUFFERS + 1) * 4};
	uint64_t dropped = txq.q->stats->dropped;
	uint8_t bytes[LEN_MAX];
	struct rte_mbuf *m = cut(bytes, make(&k, bytes), NULL, 1, DIRECT);

	(void)state;
	ask(&k, m);
	m->tso_segsz = 4;
	assert_int_equal(mmnet_tx_prepare_offload(&txq, &m, 1), 0);
	assert_int_equal(rte_errno, EINVAL);
	assert_int_equal(mmnet_tx_burst_offload(&txq, &m, 1), 1);
	assert_int_equal(txq.q->stats->dropped, dropped + 1);
}

/* ---- receiving ---- */

static void
check_flags(const struct packet *k, const uint8_t *bytes, const uint32_t *ends, unsigned int n,
	uint64_t ip, uint64_t l4)
{
	struct mmnet_rxq rxq = {.l4_csum = true};
	struct rte_mbuf *m = cut(bytes, lengths_of(k).all, ends, n, DIRECT);
	uint64_t got;

	mmnet_csum_check(&rxq, &m, 1);
	got = m->ol_flags & (RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
	rte_pktmbuf_free(m);
	if (got == (ip | l4))
		return;
	if (wrong++ < 5)
		print_message("received: %s, %u segments (%u, %u): 0x%lx, not 0x%lx\n", k->name, n,
			n > 1 ? ends[0] : 0, n > 2 ? ends[1] : 0, (unsigned long)got,
			(unsigned long)(ip | l4));
}

/* Good; then with one byte of the data changed, then with one of the header. */
static void
check_all_flags(const struct packet *k, const uint32_t *ends, unsigned int n)
{
	uint64_t ip = k->ipv6 ? 0 : RTE_MBUF_F_RX_IP_CKSUM_GOOD,
		 l4 = k->no_l4 ? 0 : RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	uint64_t bad_l4 = k->no_l4 ? 0 : RTE_MBUF_F_RX_L4_CKSUM_BAD;
	struct lengths lengths = lengths_of(k);
	uint8_t bytes[LEN_MAX];

	make(k, bytes);
	finish(k, bytes);
	check_flags(k, bytes, ends, n, ip, l4);
	bytes[lengths.l2 + lengths.l3 + lengths.l4 + k->payload - 1] ^= 1;
	check_flags(k, bytes, ends, n, ip, bad_l4);
	bytes[lengths.l2 + lengths.l3 + lengths.l4 + k->payload - 1] ^= 1;
	if (k->ipv6)
		return;
	/* No L4 checksum covers the time to live. */
	bytes[lengths.l2 + 8] ^= 1;
	check_flags(k, bytes, ends, n, RTE_MBUF_F_RX_IP_CKSUM_BAD, l4);
	/* A fragment is not checked. */
	put16(bytes + lengths.l2 + 6, 0x2000);
	finish(k, bytes);
	check_flags(k, bytes, ends, n, ip, 0);
}

static void
received(void **state)
{
	(void)state;
	wrong = 0;
	for (size_t i = 0; i < RTE_DIM(packets); i++) {
		const struct packet *k = &packets[i];
		uint32_t len = lengths_of(k).all;

		/* Headers behind tags, extension headers and outer headers are not parsed. */
		if (k->tag_inside || k->payload == 0 || (k->ipv6 && k->options != 0) || k->tunnel)
			continue;
		/* check_all_flags() makes fragments. */
		if (k->fragment != 0)
			continue;
		for (uint32_t first = 0; first <= len; first++)
			for (uint32_t second = first; second <= len; second++)
				check_all_flags(k, (uint32_t[]){first, second}, first == 0 ? 2 : 3);
	}
	assert_int_equal(wrong, 0);
}

static void
received_in_many_pieces(void **state)
{
	uint32_t ends[SEGMENTS_MAX];
	uint64_t seed = 11;

	(void)state;
	wrong = 0;
	for (uint32_t i = 0; i < test_rounds(5000); i++) {
		const struct packet *k = &long_packets[i % RTE_DIM(long_packets)];
		unsigned int n = random_cuts(&seed, lengths_of(k).all, ends);

		check_all_flags(k, ends, n);
	}
	assert_int_equal(wrong, 0);
}

/*
 * Writable segments only: mmnet-tags-of-every-segmentation tests packets in a peer's memory, with a
 * port.
 */
static void
strip_cut(const uint8_t *bytes, uint32_t len, const uint32_t *ends, unsigned int n)
{
	const struct rte_mbuf fresh = {.data_off = RTE_PKTMBUF_HEADROOM, .refcnt = 1, .nb_segs = 1};
	struct mmnet_rxq rxq = {.strip = true, .mp = pool, .room = 2048};
	struct rte_mbuf *m;
	uint8_t got[LEN_MAX];
	uint32_t at = 0, segments = 0;

	memcpy(&rxq.rearm, &fresh.rearm_data, sizeof(rxq.rearm));
	m = mmnet_rx_strip(&rxq, cut(bytes, len, ends, n, DIRECT));
	for (const struct rte_mbuf *seg = m; seg != NULL;
		at += seg->data_len, segments++, seg = seg->next)
		memcpy(got + at, rte_pktmbuf_mtod(seg, void *), seg->data_len);
	if ((m->ol_flags & (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED)) !=
			(RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED) ||
		m->vlan_tci != get16(bytes + 14) || m->pkt_len != len - 4 || at != len - 4 ||
		segments != m->nb_segs || memcmp(got, bytes, 12) != 0 ||
		memcmp(got + 12, bytes + 16, len - 16) != 0) {
		if (wrong++ < 5)
			print_message("tag not stripped: %u segments (%u, %u)\n", n,
				n > 1 ? ends[0] : 0, n > 2 ? ends[1] : 0);
	}
	rte_pktmbuf_free(m);
	mmnet_rx_free_fresh(&rxq);
}

static void
tags_are_taken_out(void **state)
{
	const struct packet k = {.payload = 4, .tag_inside = true};
	uint8_t bytes[LEN_MAX];
	uint32_t len = make(&k, bytes);

	(void)state;
	wrong = 0;
	for (uint32_t first = 0; first <= len; first++)
		for (uint32_t second = first; second <= len; second++)
			strip_cut(bytes, len, (uint32_t[]){first, second}, 3);
	assert_int_equal(wrong, 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

/* Without an mbuf for the addresses, a tag stays and l2_len counts it. */
static void
a_tag_that_stays_is_counted(void **state)
{
	const struct packet k = {.payload = 4, .tag_inside = true};
	uint32_t end = 13, len = lengths_of(&k).all;
	struct rte_mbuf *m, *all[512];
	uint8_t bytes[LEN_MAX];
	unsigned int n = 0;

	(void)state;
	make(&k, bytes);
	for (unsigned int room = 0; room <= 2048; room += 2048) {
		struct mmnet_rxq rxq = {.strip = true, .mp = pool, .room = room};

		m = cut(bytes, len, &end, 2, DIRECT);
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
		m->l2_len = lengths_of(&k).l2;
		m->l3_len = lengths_of(&k).l3;
		while (room != 0 && n < RTE_DIM(all) &&
			rte_mempool_get(pool, (void **)&all[n]) == 0)
			n++;
		assert_ptr_equal(mmnet_rx_strip(&rxq, m), m);
		assert_int_equal(m->ol_flags & (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED),
			RTE_MBUF_F_RX_VLAN);
		assert_int_equal(m->l2_len, lengths_of(&k).l2);
		assert_int_equal(m->pkt_len, len);
		rte_pktmbuf_free(m);
		mmnet_rx_free_fresh(&rxq);
	}
	rte_mempool_put_bulk(pool, (void **)all, n);
	/* Once stripped, it is no longer counted. */
	m = cut(bytes, len, NULL, 1, DIRECT);
	m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
	m->l2_len = lengths_of(&k).l2;
	m = mmnet_rx_strip(&(struct mmnet_rxq){.strip = true, .mp = pool, .room = 2048}, m);
	assert_int_equal(m->l2_len, lengths_of(&k).l2 - 4);
	rte_pktmbuf_free(m);
}

int
main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {TEST(sent), TEST(sent_in_many_pieces),
		TEST(headers_are_left_to_the_peer_only_in_front),
		TEST(fragments_and_tunnels_are_not_left_to_the_peer),
		TEST(flags_that_ask_for_nothing), TEST(refused), TEST(refused_for_want_of_room),
		cmocka_unit_test(received), cmocka_unit_test(received_in_many_pieces),
		cmocka_unit_test(tags_are_taken_out),
		cmocka_unit_test(a_tag_that_stays_is_counted)};
	char *eal[] = {argv[0], "--no-huge", "-m32", "--no-pci", "--no-shconf", "--no-telemetry",
		"--log-level=lib.eal:error", NULL};

	test_begin(argc, argv);
	if (rte_eal_init((int)RTE_DIM(eal) - 1, eal) < 0)
		return 1;
	pool = rte_pktmbuf_pool_create("packets", 511, 32, 0, RTE_PKTMBUF_HEADROOM + LEN_MAX,
		SOCKET_ID_ANY);
	indirect = rte_pktmbuf_pool_create("indirect", 255, 32, 0, 0, SOCKET_ID_ANY);
	if (pool == NULL || indirect == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
