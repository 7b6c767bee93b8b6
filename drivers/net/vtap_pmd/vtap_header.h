/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VTAP_HEADER_H
#define VTAP_HEADER_H

/**
 * @file
 * The virtio-net header, by which the kernel and the driver tell each other what is left to do with
 * a packet: checksums, segmentation. Translates between it and an mbuf's flags.
 *
 * On receive the packet is the driver's own. On transmit its bytes may be another domain's memory,
 * which changes meanwhile: headers are copied once, and only the copy is used. A copy replaces the
 * headers on their way to the kernel only where they differ from what the kernel needs.
 */

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_net.h>

#include <rte_mbuf.h>

/** The header that precedes each packet: without num_buffers. */
#define VTAP_HEADER_SIZE sizeof(struct virtio_net_hdr)
/** Most bytes of Ethernet, IP and TCP headers of a packet with offloads, and a tag. */
#define VTAP_HEAD_MAX (127 + 511 + 60 + 4)

/** Tx offloads that the kernel does, or the driver while it copies the headers. */
#define VTAP_TX_OFFLOADS                                                      \
	(RTE_ETH_TX_OFFLOAD_VLAN_INSERT | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM |     \
		RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | \
		RTE_ETH_TX_OFFLOAD_TCP_TSO)

/** What vtap_header_read() has done. */
enum vtap_header {
	VTAP_HEADER_PLAIN,      /**< nothing is left to do */
	VTAP_HEADER_UNFINISHED, /**< the mbuf's flags say what is left to do */
	VTAP_HEADER_FINISHED,   /**< a checksum was computed, since no flag could ask for it */
	VTAP_HEADER_BAD,        /**< it contradicts the packet, or the packet cannot be finished */
};

/**
 * Give a received packet what its header says.
 *
 * Unfinished packets have RX_L4_CKSUM_NONE, their packet type and the lengths of their headers; to
 * be segmented: also RX_LRO, or udp_lro, and tso_segsz.
 *
 * @param leave_unfinished the application accepts unfinished packets
 * @param udp_lro the flag of datagrams that are to be cut (rte_pmd_udp_lro.h); 0: it takes none
 * @return with VTAP_HEADER_BAD the packet must not be used
 */
enum vtap_header vtap_header_read(const struct virtio_net_hdr *h, struct rte_mbuf *m,
	bool leave_unfinished, uint64_t udp_lro);

/** A packet on its way to the kernel: header, front, and the packet's bytes from skip to len. */
struct vtap_packet {
	struct virtio_net_hdr header;
	uint32_t len;       /**< bytes of the packet, without padding that would be summed up */
	uint16_t skip;      /**< bytes of the packet that the front replaces */
	uint16_t front_len; /**< 0: none */
	uint8_t front[VTAP_HEAD_MAX];
};

/** Packet flags that ask for an offload. */
#define VTAP_ASKS                                                              \
	(RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK | \
		RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)

/**
 * Write the header for a packet whose flags ask for an offload.
 * @param can_uso the kernel segments UDP
 * @return 0; -EINVAL: its headers contradict its flags; -ENOTSUP: no such offload
 */
int vtap_header_write(struct vtap_packet *p, const struct rte_mbuf *m, bool can_uso);

#endif
