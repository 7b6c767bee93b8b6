/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOSTILE_BACKEND_H
#define HOSTILE_BACKEND_H

/**
 * @file
 * A process that says it is the block backend "disk", takes links and commands as one, and answers with nonsense of one kind.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

#define HOSTILE_VOLUME_SIZE ((uint64_t)8 << 20)

/** An answer to OPEN. */
struct hostile_open {
	struct blk_info_shm info;
	uint32_t len;    /**< of the memory that is lent; 0: none */
	uint32_t offset; /**< from a multiple of 8 */
	uint16_t status;
	int error; /**< what fido_blk_open() must return */
};

/** What "bad-opens" answers to those who open the volumes "0", "1" ... */
extern const struct hostile_open hostile_opens[];
extern const size_t hostile_open_count;

/** Be that backend: "KIND", or "random:SEED". Prints a line when it is there. Does not return but for a kind that is none. */
int hostile_backend_run(const char *kind);

#endif
