/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>

#include <rte_common.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "mmnet_hash.h"
#include "mmnet_meta.h"

#define FRAGMENT (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)
/* Bytes to examine: up to the ports after two VLAN tags and the longest IPv4 header. */
#define LOOK_MAX (RTE_ETHER_HDR_LEN + 8 + 60 + 4)

void
mmnet_hash_init(struct mmnet_hash *h, const uint8_t key[MMNET_KEY_SIZE], uint32_t types)
{
	h->types = types;
	for (unsigned int i = 0; i < MMNET_HASH_INPUT; i++) {
		uint64_t bits = 0; /* of the key, from the bit that belongs to this byte's first */

		for (unsigned int k = 0; k < 5; k++)
			bits = bits << 8 | key[i + k];
		h->table[i][0] = 0;
		for (unsigned int byte = 1; byte < 256; byte++) {
			unsigned int low = (unsigned int)__builtin_ctz(byte);

			h->table[i][byte] =
				h->table[i][byte & (byte - 1)] ^ (uint32_t)(bits >> (low + 1));
		}
	}
}

/* Hash n bytes, which are bytes [at, at + n) of the input. */
static uint32_t
hash_bytes(const struct mmnet_hash *h, const uint8_t *bytes, unsigned int at, unsigned int n)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < n; i++)
		sum ^= h->table[at + i][bytes[i]];
	return sum;
}

/* @param ports set to true when the ports are hashed too @return true when the packet is hashed */
static bool
choose(uint32_t types, bool fragment, uint8_t proto, bool *ports)
{
	uint32_t kind = MMNET_HASH_OTHER;

	if (fragment)
		kind = MMNET_HASH_FRAG;
	else if (proto == IPPROTO_TCP)
		kind = MMNET_HASH_TCP;
	else if (proto == IPPROTO_UDP)
		kind = MMNET_HASH_UDP;
	*ports = (kind & (MMNET_HASH_TCP | MMNET_HASH_UDP) & types) != 0;
	return (types & (kind | MMNET_HASH_IP)) != 0;
}

static bool
hash_ip(const struct mmnet_hash *h, uint32_t types, const uint8_t *addresses, unsigned int n,
	const uint8_t *l4, const uint8_t *end, bool fragment, uint8_t proto, uint32_t *hash)
{
	bool ports;

	if (!choose(types, fragment, proto, &ports))
		return false;
	*hash = hash_bytes(h, addresses, 0, n);
	if (ports && l4 + 4 <= end)
		*hash ^= hash_bytes(h, l4, n, 4);
	return true;
}

bool
mmnet_hash_packet(const struct mmnet_hash *h, const struct rte_mbuf *m, uint32_t *hash)
{
	uint32_t len = RTE_MIN(m->pkt_len, (uint32_t)LOOK_MAX), at = 2 * RTE_ETHER_ADDR_LEN;
	uint8_t room[LOOK_MAX];
	const uint8_t *p = rte_pktmbuf_read(m, 0, len, room), *end;
	uint16_t type;

	if (p == NULL || len < RTE_ETHER_HDR_LEN)
		return false;
	end = p + len;
	type = (uint16_t)(p[at] << 8 | p[at + 1]);
	for (int tags = 0; tags < 2 &&
		(type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ) && at + 6 <= len;
		tags++) {
		at += 4;
		type = (uint16_t)(p[at] << 8 | p[at + 1]);
	}
	p += at + 2;
	if (type == RTE_ETHER_TYPE_IPV4 && p + sizeof(struct rte_ipv4_hdr) <= end) {
		bool fragment = ((p[6] << 8 | p[7]) & FRAGMENT) != 0;

		return hash_ip(h, h->types & 0xff, p + 12, 8, p + (p[0] & 15) * 4, end, fragment,
			p[9], hash);
	}
	if (type == RTE_ETHER_TYPE_IPV6 && p + sizeof(struct rte_ipv6_hdr) <= end)
		return hash_ip(h, h->types >> MMNET_HASH_IPV6_SHIFT, p + 8, 32,
			p + sizeof(struct rte_ipv6_hdr), end, p[6] == IPPROTO_FRAGMENT, p[6], hash);
	return false;
}
