/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rx offloads: strip VLAN tags, check checksums, add hashes and timestamps. Only the burst
 * functions with offloads do so.
 */

#include <string.h>

#include <ethdev_driver.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include <fido/atomic.h>
#include <fido/queue_shm.h>
#include <fido/receiver.h>
#include <fido/rxq.h>

#include "pmd_bytes.h"
#include "mmnet_csum.h"
#include "mmnet_hash.h"
#include "mmnet_pool.h"
#include "mmnet_port.h"
#include "mmnet_rx.h"
#include "mmnet_rx_offload.h"
#include "mmnet_rxq.h"

/* The mbuf field for timestamps; the same for all ports. */
static int time_offset = -1;
static uint64_t time_flag;

/* ---- VLAN tags ---- */

/* Length of the addresses; with a tag. */
#define UNTAGGED (2 * RTE_ETHER_ADDR_LEN)
#define TAGGED (UNTAGGED + 4)

/*
 * The queue's lock is held. A pointer mbuf is returned directly, because freeing it to its pool
 * would take the lock.
 */
static void
free_segment(struct mmnet_rxq *rxq, struct rte_mbuf *m)
{
	struct fido_receiver *r;

	if (rxq->pointers == NULL || m->pool != rxq->pointers->pool) {
		rte_pktmbuf_free_seg(m);
		return;
	}
	r = mmnet_pointer_priv(m)->receiver;
	mmnet_pointer_return(rxq->pointers, m, FIDO_STATUS_OK);
	fido_counter_add(&rxq->q->stats->completed, 1);
	fido_rxq_flush(rxq->q, r);
}

/*
 * Remove the first n bytes of a longer packet, and free segments that become empty.
 * @return the rest
 */
static struct rte_mbuf *
cut_front(struct mmnet_rxq *rxq, struct rte_mbuf *m, uint32_t n)
{
	uint16_t segs = m->nb_segs;

	while (n >= m->data_len && m->next != NULL) {
		struct rte_mbuf *next = m->next;

		n -= m->data_len;
		m->next = NULL;
		m->nb_segs = 1;
		free_segment(rxq, m);
		m = next;
		segs--;
	}
	m->data_off = (uint16_t)(m->data_off + n);
	m->data_len = (uint16_t)(m->data_len - n);
	m->nb_segs = segs;
	return m;
}

/*
 * Strip the tag from a packet that cannot be changed in place, or whose first segment ends before
 * the tag does: copy its addresses into an mbuf, and chain that in front. For a packet in the
 * peer's memory an mbuf is reserved, unless the peer has changed the packet since. Without an mbuf
 * the tag stays in the packet, and the flags say so.
 */
static struct rte_mbuf *
strip_by_chain(struct mmnet_rxq *rxq, struct rte_mbuf *m, const uint8_t *addresses)
{
	struct rte_mbuf *front = rxq->room >= UNTAGGED ? mmnet_rx_take(rxq) : NULL;

	if (front == NULL)
		return m;
	memcpy(rte_pktmbuf_mtod(front, void *), addresses, UNTAGGED);
	front->ol_flags |= (m->ol_flags & ~RTE_MBUF_F_EXTERNAL) | RTE_MBUF_F_RX_VLAN_STRIPPED;
	front->vlan_tci = m->vlan_tci;
	front->hash = m->hash;
	front->packet_type = m->packet_type;
	front->tx_offload = m->tx_offload;
	front->port = m->port;
	front->data_len = UNTAGGED;
	front->pkt_len = m->pkt_len - 4;
	front->next = cut_front(rxq, m, TAGGED);
	front->nb_segs = (uint16_t)(front->next->nb_segs + 1);
	front->next->nb_segs = 1;
	return front;
}

/* @return true when checksums were left to this end; the lengths of the headers are then set */
static bool
is_unfinished(const struct rte_mbuf *m)
{
	return (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE ||
		(m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_NONE;
}

struct rte_mbuf *
mmnet_rx_strip(struct mmnet_rxq *rxq, struct rte_mbuf *m)
{
	bool unfinished = is_unfinished(m);
	uint8_t p[TAGGED];

	if ((m->ol_flags & RTE_MBUF_F_RX_VLAN) != 0 || m->pkt_len < RTE_ETHER_HDR_LEN + 4 ||
		!pmd_bytes_read(m, 0, sizeof(p), p) || p[12] != RTE_ETHER_TYPE_VLAN >> 8 ||
		p[13] != (RTE_ETHER_TYPE_VLAN & 0xff))
		return m;
	/* l2_len does not count the tag: without it the headers would be longer than the packet. */
	if (unfinished && m->l2_len < RTE_ETHER_HDR_LEN + 4)
		return m;
	m->vlan_tci = (uint16_t)(p[14] << 8 | p[15]);
	m->ol_flags |= RTE_MBUF_F_RX_VLAN;
	if (m->data_len < TAGGED || (rxq->pointers != NULL && m->pool == rxq->pointers->pool)) {
		m = strip_by_chain(rxq, m, p);
	} else {
		memmove(rte_pktmbuf_adj(m, 4), p, UNTAGGED);
		m->ol_flags |= RTE_MBUF_F_RX_VLAN_STRIPPED;
	}
	/* The headers of an unfinished packet are now 4 bytes nearer. */
	if (unfinished && (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0)
		m->l2_len -= 4;
	return m;
}

/* ---- the rest ---- */

static void
add_hashes(const struct mmnet_hash *hash, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		if ((pkts[i]->ol_flags & RTE_MBUF_F_RX_RSS_HASH) == 0 &&
			mmnet_hash_packet(hash, pkts[i], &pkts[i]->hash.rss))
			pkts[i]->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
}

static void
add_time(struct rte_mbuf **pkts, uint16_t n)
{
	rte_mbuf_timestamp_t now = rte_rdtsc();

	for (uint16_t i = 0; i < n; i++) {
		*RTE_MBUF_DYNFIELD(pkts[i], time_offset, rte_mbuf_timestamp_t *) = now;
		pkts[i]->ol_flags |= time_flag;
	}
}

bool
mmnet_rx_offload_register_time(void)
{
	return rte_mbuf_dyn_rx_timestamp_register(&time_offset, &time_flag) == 0;
}

int
mmnet_read_clock(struct rte_eth_dev *dev, uint64_t *now)
{
	(void)dev;
	*now = rte_rdtsc();
	return 0;
}

uint16_t
mmnet_rx_offload_apply(struct mmnet_rxq *rxq, struct rte_mbuf **pkts, uint16_t n)
{
	if (n == 0)
		return 0;
	if (rxq->csum)
		mmnet_csum_check(rxq, pkts, n);
	if (rxq->hash)
		add_hashes(rxq->port->hash, pkts, n);
	if (rxq->timestamp)
		add_time(pkts, n);
	return n;
}
