/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PMD_IP_H
#define PMD_IP_H

/** @file IP headers in untrusted packets: copy them first, since their owner may change them. */

#include <stdbool.h>
#include <stdint.h>

/** Returned instead of a protocol for a fragment; no protocol has this number. */
#define PMD_IP_FRAGMENT 256

/**
 * Find the protocol that follows an IP header.
 * @param ip l3_len bytes
 * @param l3_len length of the IP header, options or extension headers included
 * @return the protocol; PMD_IP_FRAGMENT; -1: this is no IP header of that length
 */
int pmd_ip_proto(const uint8_t *ip, bool ipv6, uint32_t l3_len);

/**
 * Find the destination that the checksums of UDP and TCP include: the last hop, if a routing header
 * leads to it.
 * @param ip an IPv6 header and its extension headers, in which pmd_ip_proto() found a protocol; or
 * one without extension headers
 */
const uint8_t *pmd_ipv6_final_dst(const uint8_t *ip);

/** @return the length of an IP packet by its header, header included; padding may follow */
static inline uint32_t
pmd_ip_length(const uint8_t *ip, bool ipv6)
{
	return ipv6 ? 40u + (uint32_t)(ip[4] << 8 | ip[5]) : (uint32_t)(ip[2] << 8 | ip[3]);
}

/** Set the checksum of an IPv4 header, whose IHL is at least 5. */
void pmd_ip_fill_csum(uint8_t *ip);

#endif
