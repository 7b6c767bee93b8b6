/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PKTCHECK_PACKET_H
#define PKTCHECK_PACKET_H

/**
 * @file
 * Packets whose every byte is known from their header: who sent them, by which queue, as which one.
 *
 *   0      6      12     14      16    24    28     32
 *   | dst  | src  | type | queue | seq | len | seed | pattern ...
 *
 * With packet_use_ipv4() an IPv4 header follows the type, so that routers take them:
 *
 *   0      6      12     14     34      36    44    48     52
 *   | dst  | src  | type | IPv4 | queue | seq | len | seed | pattern ...
 *
 * dst, src and the pattern derive from seed, queue and seq, so no byte can be wrong unseen.
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
	uint16_t queue; /**< by which it was first sent */
};

/**
 * All packets are IPv4 from now on, to what is behind a router's port 1, from what is behind its port
 * 0, or the other way round; routers may have passed them on.
 */
void packet_use_ipv4(unsigned int port);

/**
 * With packet_use_ipv4(): addresses of 100.10.0.0/16 (port 0) and 100.20.0.0/16, which other routers among DPDK's
 * examples have in their tables, in place of 1.1.1.1 and 2.1.1.1.
 */
void packet_use_net_100(void);

/** What is checked has these Ethernet addresses, as a bridge or router wrote them, in place of those it was sent with. */
void packet_use_ether(const struct rte_ether_addr *dst, const struct rte_ether_addr *src);

/** Leave the IPv4 header checksum of a packet of packet_write() to the port that sends it. */
void packet_leave_checksum(struct rte_mbuf *m);

/** Send an IPv4 packet back to where it came from: its IP addresses change places. */
void packet_turn(struct rte_mbuf *m);

/** Write a packet into a chain of mbufs that has id->len bytes. */
void packet_write(struct rte_mbuf *m, const struct packet_id *id);

/**
 * Check all bytes of a packet.
 * @param swapped  set to whether its addresses (IPv4: those of IP) have changed places
 * @return -1: right; else the first byte that is wrong
 */
int packet_check(const struct rte_mbuf *m, struct packet_id *id, bool *swapped);

/** A number that looks random, and is the same for the same x. */
static inline uint64_t
packet_mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

#endif
