/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_HASH_H
#define MMNET_HASH_H

/**
 * @file
 * The Toeplitz hash, as NICs compute it, of a packet's addresses and ports. Each byte of the input
 * has a table, so hashing takes one look-up per byte.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "mmnet_meta.h"

/** Two IPv6 addresses and two ports. */
#define MMNET_HASH_INPUT 36

struct mmnet_hash {
	uint32_t types; /**< MMNET_HASH_* */
	uint32_t table[MMNET_HASH_INPUT][256];
};

/** Compute the tables of a key. */
void mmnet_hash_init(struct mmnet_hash *h, const uint8_t key[MMNET_KEY_SIZE], uint32_t types);
/**
 * Hash a packet. If its owner changes its memory meanwhile, the hash is arbitrary.
 * @return false: not of a type that is hashed
 */
bool mmnet_hash_packet(const struct mmnet_hash *h, const struct rte_mbuf *m, uint32_t *hash);

#endif
