/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_BLOCK_H
#define PERF_BLOCK_H

/**
 * @file
 * The contents of a block that is written to be checked. Its header names the volume, the offset
 * and the version, and holds a checksum of the whole block. The body is derived from the header, so
 * the wrong words of a damaged block can be found.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Smallest block: the header and some body. */
#define PERF_BLOCK_MIN 512u

/** The first 64 bytes of a block, little-endian. */
struct perf_block_header {
	uint64_t magic;
	uint64_t volume;  /**< perf_run.volume of the writer */
	uint64_t offset;  /**< in the volume, in bytes */
	uint64_t version; /**< of this block: 1, 2, ... */
	uint64_t seed;    /**< of the writing run; the body depends on it */
	uint32_t pid;     /**< of the writer; for diagnosis only */
	uint32_t queue;
	uint64_t time_ns; /**< of the write, since 1970; for diagnosis only */
	uint32_t size;    /**< of the block, in bytes */
	uint32_t crc;     /**< crc32c of the whole block without this field */
};

enum perf_block_kind {
	PERF_BLOCK_GOOD,  /**< intact, and written to this place */
	PERF_BLOCK_ZEROS, /**< all zeros */
	PERF_BLOCK_OTHER, /**< of another program, volume, state file or block size */
	PERF_BLOCK_MOVED, /**< intact, but of another place */
	PERF_BLOCK_TORN,  /**< has our header, but the wrong checksum */
};

/** The header fields that a writer chooses. */
struct perf_block_id {
	uint64_t volume;
	uint64_t offset;
	uint64_t version;
	uint64_t seed;
	uint32_t queue;
};

/** Fill in a block. @param size a multiple of 8, at least PERF_BLOCK_MIN */
void perf_block_fill(void *block, size_t size, const struct perf_block_id *id);
/** Classify a block. @param version set to the version of a GOOD block, else to 0 */
enum perf_block_kind perf_block_check(const void *block, size_t size, uint64_t volume,
	uint64_t offset, uint64_t *version);
/** @return the crc32c of the bytes. */
uint32_t perf_block_sum(const void *data, size_t size);
/** Print a block for people: its header, which body words are wrong, its first bytes. */
void perf_block_describe(FILE *out, const void *block, size_t size);
/** @return the name of the kind, for messages. */
const char *perf_block_kind_name(enum perf_block_kind kind);

#endif
