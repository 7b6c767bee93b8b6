/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * packet: operations on one packet between Rx and Tx.
 *
 * I1: write to a received payload only if its mbuf comes from a pool of ours and has no other
 *     reference. Any other payload may be another domain's memory, mapped read-only.
 * I2: a function that fails because a pool is empty leaves the packet unchanged.
 */
#ifndef FIDO_FWD_PACKET_H
#define FIDO_FWD_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "pools.h"

/* Copies made for the packets of a burst. */
struct fwd_packet_work {
	uint32_t header_copies;
	uint32_t full_copies;
};

/* Return whether the first segment may be written to (I1). */
static inline bool
fwd_packet_is_writable(const struct rte_mbuf *m, const struct fwd_pools *pools)
{
	return (m->pool == pools->rx || m->pool == pools->header || m->pool == pools->copy) &&
		RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1;
}

/*
 * Request the Tx offloads that complete the packet: checksums and segmentation that the Rx flags
 * report as not done. udp_lro: the flag of UDP datagrams to be cut; 0: none.
 */
static inline void
fwd_packet_ask(struct rte_mbuf *m, uint64_t udp_lro)
{
	uint64_t l4 = m->packet_type & RTE_PTYPE_L4_MASK, ask = 0;
	bool ipv4 = RTE_ETH_IS_IPV4_HDR(m->packet_type);

	if ((m->ol_flags & RTE_MBUF_F_RX_LRO) != 0)
		ask = RTE_MBUF_F_TX_TCP_SEG | (ipv4 ? RTE_MBUF_F_TX_IP_CKSUM : 0);
	else if ((m->ol_flags & udp_lro) != 0)
		ask = RTE_MBUF_F_TX_UDP_SEG | (ipv4 ? RTE_MBUF_F_TX_IP_CKSUM : 0);
	if ((m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE)
		ask |= l4 == RTE_PTYPE_L4_TCP    ? RTE_MBUF_F_TX_TCP_CKSUM
			: l4 == RTE_PTYPE_L4_UDP ? RTE_MBUF_F_TX_UDP_CKSUM
						 : 0;
	if ((m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_NONE)
		ask |= RTE_MBUF_F_TX_IP_CKSUM;
	if (ask != 0)
		m->ol_flags |= ask | (ipv4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
}

/* Swap the MAC addresses of a writable frame. */
static inline void
fwd_packet_swap_addresses(struct rte_mbuf *m)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_ether_addr dst = eth->dst_addr;

	eth->dst_addr = eth->src_addr;
	eth->src_addr = dst;
}

/*
 * Copy the packet to one writable segment, and free m. The packet is not empty, and not larger than
 * pools->copy_room.
 *
 * @return
 *   The copy; NULL: no buffer
 */
static inline struct rte_mbuf *
fwd_packet_copy(struct rte_mbuf *m, const struct fwd_pools *pools, struct fwd_packet_work *work)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, pools->copy, 0, UINT32_MAX);

	if (unlikely(copy == NULL))
		return NULL;
	rte_pktmbuf_free(m);
	work->full_copies++;
	return copy;
}

/* Return the packet in one segment; NULL: no buffer. */
static inline struct rte_mbuf *
fwd_packet_linearise(struct rte_mbuf *m, const struct fwd_pools *pools,
	struct fwd_packet_work *work)
{
	if (likely(m->nb_segs == 1) || m->pkt_len == 0)
		return m;
	return fwd_packet_copy(m, pools, work);
}

/*
 * Return whether the packet can be sent in one segment: it needs no copy, or fits into one.
 *
 * @param write
 *   The packet will be written to
 */
static inline bool
fwd_packet_fits(const struct rte_mbuf *m, const struct fwd_pools *pools, bool write)
{
	return likely(m->pkt_len <= pools->copy_room) ||
		(m->nb_segs == 1 && (!write || fwd_packet_is_writable(m, pools)));
}

/*
 * Copy the first bytes of the packet, up to FWD_HEADER_BYTES, to a new writable first segment. The
 * rest stays in place: m becomes the second segment. Its data_off changes, so it must have no other
 * reference.
 *
 * @return
 *   The packet; NULL: no buffer
 */
static inline struct rte_mbuf *
fwd_packet_copy_header(struct rte_mbuf *m, const struct fwd_pools *pools,
	struct fwd_packet_work *work)
{
	uint16_t len = RTE_MIN(m->data_len, FWD_HEADER_BYTES);
	struct rte_mbuf *header = rte_pktmbuf_alloc(pools->header);

	if (unlikely(header == NULL))
		return NULL;
	rte_memcpy(rte_pktmbuf_mtod(header, void *), rte_pktmbuf_mtod(m, const void *), len);
	header->data_len = len;
	header->pkt_len = m->pkt_len;
	header->port = m->port;
	header->ol_flags = m->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
	header->packet_type = m->packet_type;
	header->vlan_tci = m->vlan_tci;
	header->vlan_tci_outer = m->vlan_tci_outer;
	header->hash = m->hash;
	header->tx_offload = m->tx_offload;
	rte_mbuf_dynfield_copy(header, m);
	if (len < m->data_len) {
		rte_pktmbuf_adj(m, len);
		header->next = m;
		header->nb_segs = m->nb_segs + 1;
	} else {
		header->next = m->next;
		header->nb_segs = m->nb_segs;
		m->next = NULL;
		m->nb_segs = 1;
		rte_pktmbuf_free_seg(m);
	}
	work->header_copies++;
	return header;
}

/* Requests that make a driver write headers, or copy them first to an mbuf of the packet's pool. */
#define FWD_WRITES_HEADERS (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)

/* Return whether the packet needs fwd_packet_own_headers(). */
static inline bool
fwd_packet_needs_headers(const struct rte_mbuf *m)
{
	return (m->ol_flags & FWD_WRITES_HEADERS) != 0 && RTE_MBUF_HAS_EXTBUF(m);
}

/*
 * Prepare the packet for drivers that finish packets in software: move its headers to a buffer of
 * our own. DPDK's segmentation library copies the flags of the first segment to each piece: a piece
 * that claims an external buffer and has none crashes when it is freed. Since DPDK 23.11 net_tap
 * copies the headers of a packet without checksums to an mbuf of the packet's pool. The mbufs of
 * packets received without a copy have no room for them: such a packet would never be sent.
 *
 * @return
 *   The packet; NULL: no buffer
 */
static inline struct rte_mbuf *
fwd_packet_own_headers(struct rte_mbuf *m, const struct fwd_pools *pools,
	struct fwd_packet_work *work)
{
	if (likely(!fwd_packet_needs_headers(m)))
		return m;
	if (rte_mbuf_refcnt_read(m) != 1)
		return fwd_packet_copy(m, pools, work);
	return fwd_packet_copy_header(m, pools, work);
}

/*
 * Swap the MAC addresses of the frame. Leave the payload in place where possible.
 *
 * @param linear
 *   The packet must be sent in one segment
 * @return
 *   The packet; NULL: no buffer
 */
static inline struct rte_mbuf *
fwd_packet_swap(struct rte_mbuf *m, const struct fwd_pools *pools, bool linear,
	struct fwd_packet_work *work)
{
	bool in_place = m->data_len >= 2 * RTE_ETHER_ADDR_LEN && fwd_packet_is_writable(m, pools) &&
		(!linear || m->nb_segs == 1);

	if (unlikely(m->pkt_len < 2 * RTE_ETHER_ADDR_LEN))
		return linear ? fwd_packet_linearise(m, pools, work) : m;
	if (!in_place) {
		if (linear || rte_mbuf_refcnt_read(m) != 1 || m->data_len < 2 * RTE_ETHER_ADDR_LEN)
			m = fwd_packet_copy(m, pools, work);
		else
			m = fwd_packet_copy_header(m, pools, work);
		if (unlikely(m == NULL))
			return NULL;
	}
	fwd_packet_swap_addresses(m);
	return m;
}

#endif
