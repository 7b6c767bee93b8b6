/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_BLOCK_H
#define PERF_BLOCK_H

/**
 * @file
 * What stands in a block that was written to be checked: which block of which volume it is, which
 * version of it, and a checksum over all of it. The body is made of the header, so that a damaged
 * block shows from which byte on.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Smallest block; the header and some body. */
#define PERF_BLOCK_MIN 512u

/** The first 64 bytes of a block, little-endian. */
struct perf_block_header {
	uint64_t magic;
	uint64_t volume; /**< whose blocks these are */
	uint64_t offset; /**< in the volume, bytes */
	uint64_t version; /**< 1, 2, ... of this block */
	uint64_t seed; /**< of the run that wrote it; the body is made of it */
	uint32_t pid; /**< for people: who wrote it */
	uint32_t queue;
	uint64_t time_ns; /**< for people: when, since 1970 */
	uint32_t size; /**< of the block */
	uint32_t crc; /**< crc32c of the whole block without this field */
};

enum perf_block_kind {
	PERF_BLOCK_GOOD, /**< a whole block that was written to this place */
	PERF_BLOCK_ZEROS, /**< nothing but zeros */
	PERF_BLOCK_OTHER, /**< another program's, volume's, state file's, or size of blocks */
	PERF_BLOCK_MOVED, /**< whole, but belongs to another place */
	PERF_BLOCK_TORN, /**< has our header, but not what belongs to it */
};

/** What a block is to say. */
struct perf_block_id {
	uint64_t volume;
	uint64_t offset;
	uint64_t version;
	uint64_t seed;
	uint32_t queue;
};

/** Make the block's contents. @param size multiple of 8, at least PERF_BLOCK_MIN */
void perf_block_fill(void *block, size_t size, const struct perf_block_id *id);
/** Look at a block. @param version of a GOOD block: its version; else 0 */
enum perf_block_kind perf_block_check(const void *block, size_t size, uint64_t volume,
	uint64_t offset, uint64_t *version);
/** @return crc32c of any bytes. */
uint32_t perf_block_sum(const void *data, size_t size);
/** Say for people what is in a block: the header, where the body goes wrong, the first bytes. */
void perf_block_describe(FILE *out, const void *block, size_t size);
/** @return what the kind is called. */
const char *perf_block_kind_name(enum perf_block_kind kind);

#endif
