/* SPDX-License-Identifier: BSD-3-Clause */
/* Parse and complete IP headers. */

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <rte_ip.h>

#include "pmd_ip.h"

/* Offset of the checksum in the IPv4 header. */
#define IP_CSUM offsetof(struct rte_ipv4_hdr, hdr_checksum)

/* @return the length of an extension header; 0: the protocol is none that IP headers go on after */
static uint32_t
ext_size(uint8_t proto, const uint8_t *ext)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return (ext[1] + 1u) * 8;
	case IPPROTO_AH:
		return (ext[1] + 2u) * 4;
	case IPPROTO_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

/* As pmd_ip_proto(), by the extension headers, which end at len. */
static int
ipv6_proto(const uint8_t *ip, uint32_t len)
{
	uint8_t proto = ip[6];
	uint32_t at = 40;

	while (at + 8 <= len) {
		uint32_t size = ext_size(proto, ip + at);

		if (size == 0)
			return -1;
		/* Offset 0 and no more fragments: the packet is whole. */
		if (proto == IPPROTO_FRAGMENT && (ip[at + 2] != 0 || (ip[at + 3] & 0xf9) != 0))
			return PMD_IP_FRAGMENT;
		proto = ip[at];
		at += size;
	}
	return at == len ? proto : -1;
}

const uint8_t *
pmd_ipv6_final_dst(const uint8_t *ip)
{
	uint8_t proto = ip[6];
	uint32_t size;

	for (const uint8_t *ext = ip + 40; (size = ext_size(proto, ext)) != 0; ext += size) {
		/* Segments left, of types 2 (mobility) and 4 (segments): the last comes first. */
		if (proto == IPPROTO_ROUTING && ext[3] != 0 && (ext[2] == 2 || ext[2] == 4) &&
			size >= 24)
			return ext + 8;
		proto = ext[0];
	}
	return ip + 24;
}

int
pmd_ip_proto(const uint8_t *ip, bool ipv6, uint32_t l3_len)
{
	if (l3_len < (ipv6 ? 40 : 20) || ip[0] >> 4 != (ipv6 ? 6 : 4))
		return -1;
	if (ipv6)
		return ipv6_proto(ip, l3_len);
	if ((ip[0] & 15) * 4u != l3_len)
		return -1;
	return ((ip[6] & 0x3f) | ip[7]) == 0 ? ip[9] : PMD_IP_FRAGMENT;
}

/* The raw sum is in memory order, and so is its complement. */
void
pmd_ip_fill_csum(uint8_t *ip)
{
	uint16_t csum = 0;

	memcpy(ip + IP_CSUM, &csum, sizeof(csum));
	csum = (uint16_t)~rte_raw_cksum(ip, (ip[0] & 15) * 4u);
	memcpy(ip + IP_CSUM, &csum, sizeof(csum));
}
