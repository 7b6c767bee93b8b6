/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_META_H
#define MMNET_META_H

/**
 * @file
 * The format of a packet's metadata, and of the note by which a receiver tells the sender which
 * metadata it accepts (doc/mmnet.md describes both).
 *
 * A packet with metadata begins with a descriptor that has no memory: INLINE and CHAINED, and
 *
 *   address  vlan_tci [15:0], segsz [31:16], l2_len [38:32], l3_len [47:39]
 *   length   hash
 *   flags    MMNET_META_*
 *
 * A sender uses only flags that the receiver's note accepts, and does the other offloads itself.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include <fido/note.h>
#include <fido/queue_shm.h>
#include <fido/receiver.h>

/** Bits of a descriptor's flags, and of mmnet_note.accepts, from this one on. */
#define MMNET_META_FIRST (1u << FIDO_DESC_USER_SHIFT)
/** hash is that of the receiver's key and types. */
#define MMNET_META_HASH MMNET_META_FIRST
/** A VLAN tag with vlan_tci belongs before the Ethernet type. */
#define MMNET_META_VLAN (MMNET_META_FIRST << 1)
/** The IPv4 header has no checksum yet. */
#define MMNET_META_IP_CSUM (MMNET_META_FIRST << 2)
/** The TCP header has no checksum yet. */
#define MMNET_META_TCP (MMNET_META_FIRST << 3)
/** The UDP header has no checksum yet. */
#define MMNET_META_UDP (MMNET_META_FIRST << 4)
/** With TCP: to be segmented, with segsz bytes of payload each. */
#define MMNET_META_TSO (MMNET_META_FIRST << 5)
/** With TCP or UDP: the packet is IPv6, not IPv4. */
#define MMNET_META_IPV6 (MMNET_META_FIRST << 6)
/** With UDP: to be cut into datagrams, with segsz bytes of payload each. */
#define MMNET_META_USO (MMNET_META_FIRST << 7)
/** Packets that are to be cut. */
#define MMNET_META_UNCUT (MMNET_META_TSO | MMNET_META_USO)
/** Flags of unfinished packets: checksums or segmentation are left to the receiver. */
#define MMNET_META_UNFINISHED \
	(MMNET_META_IP_CSUM | MMNET_META_TCP | MMNET_META_UDP | MMNET_META_UNCUT | MMNET_META_IPV6)
#define MMNET_META_ALL (MMNET_META_HASH | MMNET_META_VLAN | MMNET_META_UNFINISHED)

/**
 * The headers of an unfinished packet are at most this long: rx=header copies as much
 * (COPY_HEADER).
 */
#define MMNET_META_HEADERS_MAX 128

struct mmnet_meta {
	uint16_t flags; /**< 0: none */
	uint16_t vlan_tci;
	uint16_t segsz;
	uint16_t l2_len; /**< with IP_CSUM, TCP, UDP */
	uint16_t l3_len;
	uint32_t hash;
};

/** Types of packets that a receiver wants hashed: mmnet_note.hash_types. */
#define MMNET_HASH_IP 0x01u    /**< every packet, by its addresses */
#define MMNET_HASH_FRAG 0x02u  /**< fragments, by their addresses */
#define MMNET_HASH_OTHER 0x04u /**< neither TCP nor UDP, by their addresses */
#define MMNET_HASH_TCP 0x08u   /**< by addresses and ports */
#define MMNET_HASH_UDP 0x10u
/** The same for IPv6. */
#define MMNET_HASH_IPV6_SHIFT 8
#define MMNET_HASH_ALL 0x1f1fu

#define MMNET_KEY_SIZE 40
#define MMNET_RETA_SIZE 128
#define MMNET_NOTE_MAGIC UINT32_C(0x314e4d4d) /* "MMN1" */

/** A receiver's note for the sender (fido_link_set_note). */
struct mmnet_note {
	uint32_t magic;
	uint16_t accepts;    /**< MMNET_META_* */
	uint16_t nrx;        /**< receive queues */
	uint32_t hash_types; /**< MMNET_HASH_*; 0: packets are not spread over the queues */
	uint32_t reserved;
	uint8_t key[MMNET_KEY_SIZE];
	uint8_t reta[MMNET_RETA_SIZE]; /**< queue of a packet, by hash % MMNET_RETA_SIZE */
};
_Static_assert(sizeof(struct mmnet_note) == 184, "layout");
_Static_assert(sizeof(struct mmnet_note) <= FIDO_NOTE_MAX, "a note holds it");

/** @return the address field of the descriptor */
static inline uint64_t
mmnet_meta_word(const struct mmnet_meta *meta)
{
	return meta->vlan_tci | (uint64_t)meta->segsz << 16 |
		(uint64_t)(meta->l2_len & 0x7f) << 32 | (uint64_t)(meta->l3_len & 0x1ff) << 39;
}

/** @return the least length of the headers */
static inline uint32_t
mmnet_meta_headers(const struct mmnet_meta *meta)
{
	uint32_t l4 = (meta->flags & MMNET_META_TCP) != 0 ? 20
		: (meta->flags & MMNET_META_UDP) != 0     ? 8
							  : 0;

	return meta->l2_len + meta->l3_len + l4;
}

/** @return false: the metadata contradicts itself */
static inline bool
mmnet_meta_valid(const struct mmnet_meta *meta)
{
	uint32_t f = meta->flags;

	if ((f & ~MMNET_META_ALL) != 0 ||
		(f & (MMNET_META_TCP | MMNET_META_UDP)) == (MMNET_META_TCP | MMNET_META_UDP))
		return false;
	if ((f & MMNET_META_TSO) != 0 && (f & MMNET_META_TCP) == 0)
		return false;
	if ((f & MMNET_META_USO) != 0 && (f & MMNET_META_UDP) == 0)
		return false;
	if ((f & MMNET_META_UNCUT) != 0 && meta->segsz == 0)
		return false;
	if ((f & MMNET_META_IPV6) != 0 && (f & MMNET_META_IP_CSUM) != 0)
		return false;
	if ((f & (MMNET_META_IP_CSUM | MMNET_META_TCP | MMNET_META_UDP)) == 0)
		return (f & MMNET_META_IPV6) == 0;
	return meta->l2_len >= 14 && meta->l2_len <= 0x7f &&
		meta->l3_len >= ((f & MMNET_META_IPV6) != 0 ? 40 : 20) &&
		mmnet_meta_headers(meta) <= MMNET_META_HEADERS_MAX;
}

/**
 * Read a descriptor of metadata.
 * @param accepts flags that this end's note accepts
 * @return false: it contradicts itself, or is not accepted; *meta is undefined
 */
static inline bool
mmnet_meta_read(struct mmnet_meta *meta, const struct fido_desc *d, uint16_t accepts)
{
	uint64_t word = d->gaddr;

	meta->flags = (uint16_t)(d->flags & ~(FIDO_DESC_CHAINED | FIDO_DESC_INLINE));
	meta->vlan_tci = (uint16_t)word;
	meta->segsz = (uint16_t)(word >> 16);
	meta->l2_len = (uint16_t)(word >> 32 & 0x7f);
	meta->l3_len = (uint16_t)(word >> 39 & 0x1ff);
	meta->hash = d->len;
	return (d->flags & FIDO_DESC_CHAINED) != 0 && (meta->flags & ~accepts) == 0 &&
		mmnet_meta_valid(meta);
}

/** The flag of received datagrams that are to be cut (rte_pmd_udp_lro.h); 0: none are accepted. */
extern uint64_t mmnet_meta_udp_lro;

/**
 * Give a received packet its metadata, in DPDK's terms. Its bytes may change meanwhile.
 * @return false: the metadata contradicts the packet, whose checksum is then marked bad
 */
bool mmnet_meta_apply(const struct mmnet_meta *meta, struct rte_mbuf *m);

#endif
