/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit with offloads: leave checksums, tags and TCP segmentation to the peer as far as it
 * accepts them, spread packets over its queues, limit them to an MTU. Ports without all this have
 * mmnet_tx_burst().
 *
 * A transmit queue has spread= rings, its lanes. Each is an mmnet_txq of its own; the application
 * knows the first. Both ends agree which ring leads to which of the peer's receive queues: ring i
 * to queue i modulo their number.
 */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ip.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include <fido/atomic.h>
#include <fido/link.h>
#include <fido/lock.h>
#include <fido/note.h>
#include <fido/txq.h>

#include "mmnet_chain.h"
#include "mmnet_hash.h"
#include "mmnet_meta.h"
#include "mmnet_port.h"
#include "mmnet_rss.h"
#include "mmnet_tx.h"
#include "mmnet_tx_offload.h"
#include "mmnet_tx_software.h"
#include "mmnet_txq.h"
#include "pmd_ip.h"

/* Offloads that a packet may ask for. */
#define ASKS (RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK | MMNET_TX_CUT)
/* Flags that describe a tunnel and ask for nothing. */
#define TUNNEL (RTE_MBUF_F_TX_TUNNEL_MASK | RTE_MBUF_F_TX_OUTER_IPV4 | RTE_MBUF_F_TX_OUTER_IPV6)
/* Offloads that the driver does not have: such a packet is dropped. */
#define UNABLE                                                              \
	(RTE_MBUF_F_TX_OFFLOAD_MASK &                                       \
		~(ASKS | TUNNEL | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6 | \
			RTE_MBUF_F_TX_IEEE1588_TMST))

/* ---- the peer's note ---- */

/*
 * Choose a lane for each entry of the peer's table. Entries of a queue that no lane leads to share
 * the lanes.
 */
static void
choose_lanes(struct mmnet_txq *txq, struct mmnet_tx_peer *p, const struct mmnet_note *note)
{
	unsigned int spread = txq->port->spread;

	for (unsigned int i = 0; i < MMNET_RETA_SIZE; i++) {
		unsigned int lane = 0;

		while (lane < spread && (txq->index + lane) % note->nrx != note->reta[i])
			lane++;
		p->lane[i] = (uint8_t)(lane < spread ? lane : note->reta[i] % spread);
	}
}

/* Read the peer's note. Nothing of it is used unchecked. */
static void
learn(struct mmnet_txq *txq, struct mmnet_tx_peer *p)
{
	uint64_t words[FIDO_NOTE_MAX / sizeof(uint64_t)];
	const struct mmnet_note *note = (const struct mmnet_note *)words;
	int n = fido_txq_note(txq->q, words);

	if (n == -EAGAIN)
		return; /* It is being written: keep the old one. */
	p->seq = fido_txq_note_seq(txq->q);
	p->queue_id = txq->q->sender->queue_id;
	p->accepts = 0;
	p->hash.types = 0;
	if (n < (int)sizeof(*note) || !mmnet_note_valid(note))
		return;
	p->accepts = note->accepts;
	if (note->hash_types == 0)
		return;
	mmnet_hash_init(&p->hash, note->key, note->hash_types & MMNET_HASH_ALL);
	choose_lanes(txq, p, note);
}

static inline void
learn_changes(struct mmnet_txq *txq, struct mmnet_tx_peer *p)
{
	/*
	 * The note of a restarted peer may have the same number as the last one: so compare the
	 * ring's id too.
	 */
	if (unlikely(
		    p->queue_id != txq->q->sender->queue_id || p->seq != fido_txq_note_seq(txq->q)))
		learn(txq, p);
}

/* ---- one packet ---- */

/* @return true when the headers lie in the first segment, where the peer reads them */
static bool
headers_in_front(const struct rte_mbuf *m, const struct mmnet_meta *meta)
{
	uint32_t len = mmnet_meta_headers(meta), l4 = (uint32_t)meta->l2_len + meta->l3_len;
	const volatile uint8_t *data_off;
	uint32_t tcp;

	if (len > m->data_len || (meta->flags & MMNET_META_TCP) == 0)
		return len <= m->data_len;
	/* The TCP header may have options. */
	data_off = rte_pktmbuf_mtod_offset(m, const uint8_t *,
		l4 + offsetof(struct rte_tcp_hdr, data_off));
	tcp = (*data_off >> 4) * 4u;
	return tcp >= sizeof(struct rte_tcp_hdr) && l4 + tcp <= m->data_len &&
		l4 + tcp <= MMNET_META_HEADERS_MAX;
}

/*
 * @return true for a fragment, whose headers lie in the first segment: it has only a part of the
 * bytes to sum up
 */
static bool
is_fragment(const struct rte_mbuf *m, const struct mmnet_meta *meta)
{
	bool ipv6 = (meta->flags & MMNET_META_IPV6) != 0;
	uint8_t ip[MMNET_META_HEADERS_MAX];

	if (ipv6 && meta->l3_len == sizeof(struct rte_ipv6_hdr))
		return false; /* without extension headers */
	memcpy(ip, rte_pktmbuf_mtod_offset(m, const char *, meta->l2_len),
		ipv6 ? meta->l3_len : sizeof(struct rte_ipv4_hdr));
	return pmd_ip_proto(ip, ipv6, meta->l3_len) == PMD_IP_FRAGMENT;
}

/*
 * Put into *meta the offloads that the packet asks for.
 * @return false: the peer cannot do them, or one of them
 */
static bool
leave_to_peer(const struct rte_mbuf *m, uint16_t accepts, struct mmnet_meta *meta)
{
	uint64_t ol = m->ol_flags, l4 = ol & RTE_MBUF_F_TX_L4_MASK;
	uint32_t f = meta->flags;

	/* The peer would take the inner headers for the only ones. */
	if ((ol & TUNNEL) != 0)
		return false;
	if (ol & RTE_MBUF_F_TX_VLAN) {
		f |= MMNET_META_VLAN;
		meta->vlan_tci = m->vlan_tci;
	}
	if (ol & RTE_MBUF_F_TX_IP_CKSUM)
		f |= MMNET_META_IP_CSUM;
	if ((ol & RTE_MBUF_F_TX_TCP_SEG) || l4 == RTE_MBUF_F_TX_TCP_CKSUM)
		f |= MMNET_META_TCP;
	else if ((ol & RTE_MBUF_F_TX_UDP_SEG) || l4 == RTE_MBUF_F_TX_UDP_CKSUM)
		f |= MMNET_META_UDP;
	if ((f & (MMNET_META_TCP | MMNET_META_UDP)) && (ol & RTE_MBUF_F_TX_IPV6))
		f |= MMNET_META_IPV6;
	if ((ol & MMNET_TX_CUT) &&
		m->pkt_len > (uint32_t)m->l2_len + m->l3_len + m->l4_len + m->tso_segsz) {
		f |= (f & MMNET_META_TCP) != 0 ? MMNET_META_TSO : MMNET_META_USO;
		meta->segsz = m->tso_segsz;
	}
	meta->flags = (uint16_t)f;
	if (f & (MMNET_META_IP_CSUM | MMNET_META_TCP | MMNET_META_UDP)) {
		meta->l2_len = m->l2_len;
		meta->l3_len = m->l3_len;
	}
	if ((f & ~(uint32_t)accepts) != 0 || !mmnet_meta_valid(meta) || !headers_in_front(m, meta))
		return false;
	return (f & (MMNET_META_TCP | MMNET_META_UDP)) == 0 || !is_fragment(m, meta);
}

/*
 * Checksums of inner headers work if l2_len counts all that is in front of the inner IP header.
 * Segmentation would have to change the outer headers too.
 * @return true when a packet in a tunnel asks for an offload that the driver does not have
 */
static bool
is_tunnel_unable(const struct rte_mbuf *m)
{
	uint64_t csum = m->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK);

	return (m->ol_flags & MMNET_TX_CUT) != 0 || (csum != 0 && m->outer_l2_len != 0);
}

/* @return true when a packet asks for an offload that the driver does not have */
static inline bool
is_unable(const struct rte_mbuf *m)
{
	return (m->ol_flags & UNABLE) != 0 ||
		(m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_SCTP_CKSUM ||
		(unlikely((m->ol_flags & TUNNEL) != 0) && is_tunnel_unable(m));
}

static inline bool
too_long(const struct mmnet_txq *txq, const struct rte_mbuf *m)
{
	if (m->ol_flags & MMNET_TX_CUT)
		return (uint32_t)m->l2_len + m->l3_len + m->l4_len + m->tso_segsz >
			txq->port->max_frame;
	return m->pkt_len > txq->port->max_frame;
}

/*
 * Put a packet, with its hash if it has one.
 * @return 1: put, 0: no room now, -1: it can never be sent
 */
static int
put_packet(struct mmnet_txq *txq, struct rte_mbuf *m, uint16_t accepts,
	const struct mmnet_meta *hash, struct fido_tx_burst *b)
{
	struct mmnet_meta meta = {.flags = hash->flags & accepts, .hash = hash->hash};
	bool asks = (m->ol_flags & ASKS) != 0;
	int ret;

	if (unlikely(too_long(txq, m) || is_unable(m)))
		return -1;
	if (asks ? leave_to_peer(m, accepts, &meta) : meta.flags != 0) {
		ret = mmnet_chain_put(txq, m, &meta, b);
		if (ret >= 0)
			return ret;
	}
	return asks ? mmnet_tx_software_put(txq, m, b) : mmnet_tx_put(txq, m, b);
}

/* ---- the burst ---- */

/* Choose the lane for a packet. @param meta gets its hash, if it has one */
static inline unsigned int
choose(const struct mmnet_tx_peer *p, const struct rte_mbuf *m, struct mmnet_meta *meta)
{
	*meta = (struct mmnet_meta){0};
	if (p->hash.types == 0 || !mmnet_hash_packet(&p->hash, m, &meta->hash))
		return 0;
	meta->flags = MMNET_META_HASH;
	return p->lane[meta->hash % MMNET_RETA_SIZE];
}

static uint16_t
post(struct mmnet_txq *const *lanes, unsigned int spread, struct rte_mbuf **pkts, uint16_t n)
{
	struct mmnet_tx_peer *peer = lanes[0]->peer;
	struct fido_tx_burst b[FIDO_LINK_QUEUES_MAX];
	uint16_t i, dropped = 0;

	for (unsigned int k = 0; k < spread; k++) {
		b[k] = (struct fido_tx_burst){0};
		lanes[k]->lcore = rte_lcore_id();
		if (unlikely(!mmnet_tx_ready(lanes[k], n)))
			return 0;
	}
	learn_changes(lanes[0], peer);
	for (i = 0; i < n; i++) {
		struct mmnet_meta meta;
		unsigned int k = choose(peer, pkts[i], &meta);
		int ret = put_packet(lanes[k], pkts[i], peer->accepts, &meta, &b[k]);

		if (unlikely(ret == 0) && mmnet_tx_reap_max(lanes[k], UINT32_MAX) != 0)
			ret = put_packet(lanes[k], pkts[i], peer->accepts, &meta, &b[k]);
		if (unlikely(ret == 0)) {
			fido_counter_add(&lanes[k]->q->stats->ring_full, 1);
			break;
		}
		if (unlikely(ret < 0)) {
			rte_pktmbuf_free(pkts[i]);
			dropped++;
		}
	}
	if (unlikely(dropped != 0))
		fido_counter_add(&lanes[0]->q->stats->dropped, dropped);
	for (unsigned int k = 0; k < spread; k++)
		mmnet_tx_publish(lanes[k], n, &b[k]);
	return i;
}

uint16_t
mmnet_tx_burst_offload(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct mmnet_txq *txq = queue;
	struct mmnet_txq *const *lanes = &txq->port->txq[txq->index];
	unsigned int spread = txq->port->spread, locked = 0;
	uint16_t done = 0;

	while (locked < spread && likely(fido_lock_try(&lanes[locked]->q->lock)))
		locked++;
	if (likely(locked == spread))
		done = post(lanes, spread, pkts, n);
	while (locked != 0)
		fido_lock_release(&lanes[--locked]->q->lock);
	return done;
}

uint16_t
mmnet_tx_burst_mtu(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct mmnet_txq *txq = queue;
	uint16_t done = 0, end, sent;

	for (;;) {
		for (end = done; end < n && likely(pkts[end]->pkt_len <= txq->port->max_frame);
			end++)
			;
		sent = end != done ? mmnet_tx_burst(queue, pkts + done, (uint16_t)(end - done)) : 0;
		done = (uint16_t)(done + sent);
		if (done != end || done == n)
			return done;
		if (!fido_lock_try(&txq->q->lock))
			return done;
		rte_pktmbuf_free(pkts[done++]);
		fido_counter_add(&txq->q->stats->dropped, 1);
		fido_lock_release(&txq->q->lock);
	}
}

static int
check(struct mmnet_txq *txq, const struct rte_mbuf *m)
{
	struct mmnet_meta meta = {0};

	if (too_long(txq, m))
		return EINVAL;
	if (is_unable(m))
		return ENOTSUP;
	if ((m->ol_flags & ASKS) == 0 || leave_to_peer(m, txq->peer->accepts, &meta))
		return 0;
	return -mmnet_tx_software_check(txq, m);
}

uint16_t
mmnet_tx_prepare_offload(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		int ret = check(queue, pkts[i]);

		if (unlikely(ret != 0)) {
			rte_errno = ret;
			return i;
		}
	}
	return n;
}

uint16_t
mmnet_tx_prepare_mtu(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	const struct mmnet_txq *txq = queue;

	for (uint16_t i = 0; i < n; i++)
		if (pkts[i]->pkt_len > txq->port->max_frame) {
			rte_errno = EINVAL;
			return i;
		}
	return n;
}
