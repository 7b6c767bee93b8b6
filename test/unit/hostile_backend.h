/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOSTILE_BACKEND_H
#define HOSTILE_BACKEND_H

/**
 * @file
 * A process that claims to be the block backend "disk", accepts links and commands, and answers
 * with one kind of nonsense.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

#define HOSTILE_VOLUME_SIZE ((uint64_t)8 << 20)

/** An answer to OPEN. */
struct hostile_open {
	struct blk_info_shm info;
	uint32_t len;    /**< of the lent memory; 0: none */
	uint32_t offset; /**< from a multiple of 8 */
	uint16_t status;
	int error; /**< what fido_blk_open() must return */
};

/** Answers of "bad-opens" to clients that open the volumes "0", "1" ... */
extern const struct hostile_open hostile_opens[];
extern const size_t hostile_open_count;

/**
 * Act as that backend: "KIND", or "random:SEED". Print a line when ready. Return only if the kind
 * is unknown.
 */
int hostile_backend_run(const char *kind);

#endif
