/* SPDX-License-Identifier: BSD-3-Clause */
/* Parse and complete IP headers. */

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <rte_ip.h>

#include "pmd_ip.h"

/* Offset of the checksum in the IPv4 header. */
#define IP_CSUM offsetof(struct rte_ipv4_hdr, hdr_checksum)

/* As pmd_ip_proto(), by the extension headers, which end at len. */
static int
ipv6_proto(const uint8_t *ip, uint32_t len)
{
	uint8_t proto = ip[6];
	uint32_t at = 40;

	while (at + 8 <= len) {
		uint32_t size = (ip[at + 1] + 1u) * 8;

		switch (proto) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			break;
		case IPPROTO_AH:
			size = (ip[at + 1] + 2u) * 4;
			break;
		case IPPROTO_FRAGMENT:
			/* Offset 0 and no more fragments: the packet is whole. */
			if (ip[at + 2] != 0 || (ip[at + 3] & 0xf9) != 0)
				return PMD_IP_FRAGMENT;
			size = 8;
			break;
		default:
			return -1;
		}
		proto = ip[at];
		at += size;
	}
	return at == len ? proto : -1;
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
