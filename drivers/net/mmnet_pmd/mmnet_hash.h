/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_HASH_H
#define MMNET_HASH_H

/**
 * @file
 * The Toeplitz hash, as NICs have it, of a packet's addresses and ports. A table for each byte of the input: a packet takes
 * a look-up a byte.
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

/** Make the tables of a key. */
void mmnet_hash_init(struct mmnet_hash *h, const uint8_t key[MMNET_KEY_SIZE], uint32_t types);
/**
 * Hash a packet: may lie in memory that its owner changes meanwhile; then the hash is any number.
 * @return false: not of a kind that is to be hashed
 */
bool mmnet_hash_packet(const struct mmnet_hash *h, const struct rte_mbuf *m, uint32_t *hash);

#endif
