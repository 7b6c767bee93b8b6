/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PKTCHECK_PACKET_H
#define PKTCHECK_PACKET_H

/**
 * @file
 * Packets whose every byte follows from their header: sender, queue and sequence number.
 *
 *   0      6      12     14      16    24    28     32
 *   | dst  | src  | type | queue | seq | len | seed | pattern ...
 *
 * With packet_use_ipv4() an IPv4 header follows the type, so that routers accept them:
 *
 *   0      6      12     14     34      36    44    48     52
 *   | dst  | src  | type | IPv4 | queue | seq | len | seed | pattern ...
 *
 * dst, src and the pattern derive from seed, queue and seq, so that no wrong byte goes unnoticed.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#define PACKET_MIN 32u
#define PACKET_MIN_IPV4 52u
#define PACKET_MAX 65535u

struct packet_id {
	uint32_t seed; /**< of the program that made it */
	uint32_t len;
	uint64_t seq;
	uint16_t queue; /**< queue that first sent it */
};

/**
 * Make all packets IPv4 from now on, to an address behind a router's port 1 from one behind its
 * port 0, or the other way round; routers may have forwarded them.
 */
void packet_use_ipv4(unsigned int port);

/**
 * With packet_use_ipv4(): use addresses of 100.10.0.0/16 (port 0) and 100.20.0.0/16, which others
 * of DPDK's example routers have in their tables, in place of 1.1.1.1 and 2.1.1.1.
 */
void packet_use_net_100(void);

/**
 * Expect these Ethernet addresses, which a bridge or router wrote, in place of those that were
 * sent.
 */
void packet_use_ether(const struct rte_ether_addr *dst, const struct rte_ether_addr *src);

/** Leave the IPv4 header checksum of a packet from packet_write() to the port that sends it. */
void packet_leave_checksum(struct rte_mbuf *m);

/** Send an IPv4 packet back to where it came from: swap its IP addresses. */
void packet_turn(struct rte_mbuf *m);

/** Write a packet into a chain of mbufs of id->len bytes in all. */
void packet_write(struct rte_mbuf *m, const struct packet_id *id);

/**
 * Check all bytes of a packet.
 * @param swapped set to whether its addresses (IPv4: IP addresses) have been swapped
 * @return -1: right; else the position of the first wrong byte
 */
int packet_check(const struct rte_mbuf *m, struct packet_id *id, bool *swapped);

/** @return a number that looks random, and is the same for the same x */
static inline uint64_t
packet_mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

#endif
