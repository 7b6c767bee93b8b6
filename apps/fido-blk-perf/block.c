/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <isa-l/crc.h>

#include "block.h"

#define MAGIC UINT64_C(0x314b4c424f444946) /* "FIDOBLK1" */

static_assert(sizeof(struct perf_block_header) == 64, "it is written to media");
static_assert(offsetof(struct perf_block_header, crc) == 60,
	"the checksum covers what is before and after it");

/* ISA-L's: several times as fast as zlib's crc32, which would cost more than all the rest. */
static uint32_t
crc32c(uint32_t crc, const void *data, size_t size)
{
	/* It reads only; its prototype has no const. */
	return crc32_iscsi((unsigned char *)(uintptr_t)data, (int)size, crc);
}

uint32_t
perf_block_sum(const void *data, size_t size)
{
	return ~crc32c(UINT32_MAX, data, size);
}

static uint32_t
block_crc(const void *block, size_t size)
{
	size_t before = offsetof(struct perf_block_header, crc);
	size_t after = sizeof(struct perf_block_header);
	uint32_t crc = crc32c(UINT32_MAX, block, before);

	return ~crc32c(crc, (const uint8_t *)block + after, size - after);
}

/* Each word of a body is another one than that of any other version, place or run. */
static uint64_t
body_key(const struct perf_block_header *h)
{
	uint64_t place = le64toh(h->offset) >> 3 ^ le64toh(h->volume);

	return (le64toh(h->seed) ^ le64toh(h->version) << 20 ^ place) *
		UINT64_C(0xbf58476d1ce4e5b9);
}

static uint64_t
body_word(uint64_t key, size_t i)
{
	uint64_t word = (key + i) * UINT64_C(0x9e3779b97f4a7c15);

	return htole64(word ^ word >> 32);
}

void
perf_block_fill(void *block, size_t size, const struct perf_block_id *id)
{
	struct perf_block_header h = {
		.magic = htole64(MAGIC),
		.volume = htole64(id->volume),
		.offset = htole64(id->offset),
		.version = htole64(id->version),
		.seed = htole64(id->seed),
		.pid = htole32((uint32_t)getpid()),
		.queue = htole32(id->queue),
		.size = htole32((uint32_t)size),
	};
	uint64_t key = body_key(&h);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	h.time_ns = htole64((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	for (size_t i = sizeof(h) / 8; i < size / 8; i++) {
		uint64_t word = body_word(key, i);

		memcpy((uint8_t *)block + 8 * i, &word, sizeof(word));
	}
	memcpy(block, &h, sizeof(h));
	h.crc = htole32(block_crc(block, size));
	memcpy((uint8_t *)block + offsetof(struct perf_block_header, crc), &h.crc, sizeof(h.crc));
}

static bool
all_zeros(const void *block, size_t size)
{
	const uint8_t *bytes = block;

	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

enum perf_block_kind
perf_block_check(const void *block, size_t size, uint64_t volume, uint64_t offset,
	uint64_t *version)
{
	struct perf_block_header h;

	*version = 0;
	memcpy(&h, block, sizeof(h));
	if (le64toh(h.magic) != MAGIC)
		return all_zeros(block, size) ? PERF_BLOCK_ZEROS : PERF_BLOCK_OTHER;
	if (le64toh(h.volume) != volume || le32toh(h.size) != size)
		return PERF_BLOCK_OTHER;
	if (le32toh(h.crc) != block_crc(block, size))
		return PERF_BLOCK_TORN;
	if (le64toh(h.offset) != offset)
		return PERF_BLOCK_MOVED;
	*version = le64toh(h.version);
	return PERF_BLOCK_GOOD;
}

static void
describe_body(FILE *out, const void *block, size_t size, const struct perf_block_header *h)
{
	uint64_t key = body_key(h);
	size_t wrong = 0, first = 0, last = 0;

	for (size_t i = sizeof(*h) / 8; i < size / 8; i++) {
		uint64_t want = body_word(key, i);

		if (memcmp((const uint8_t *)block + 8 * i, &want, sizeof(want)) == 0)
			continue;
		first = wrong++ == 0 ? i : first;
		last = i;
	}
	if (wrong == 0)
		fprintf(out, "    its body is what the header says\n");
	else
		fprintf(out,
			"    its body is not what the header says in %zu of %zu words, from byte %zu to "
			"byte %zu\n",
			wrong, size / 8 - sizeof(*h) / 8, 8 * first, 8 * last + 7);
}

void
perf_block_describe(FILE *out, const void *block, size_t size)
{
	const uint8_t *bytes = block;
	struct perf_block_header h;

	memcpy(&h, block, sizeof(h));
	if (le64toh(h.magic) == MAGIC) {
		fprintf(out,
			"    header: volume %016" PRIx64 ", offset %" PRIu64 ", version %" PRIu64
			", seed %" PRIu64 ", written by process %" PRIu32 " queue %" PRIu32
			" at %" PRIu64 ".%09" PRIu64 ", size %" PRIu32 ", checksum %08" PRIx32
			" (is %08" PRIx32 ")\n",
			le64toh(h.volume), le64toh(h.offset), le64toh(h.version), le64toh(h.seed),
			le32toh(h.pid), le32toh(h.queue), le64toh(h.time_ns) / 1000000000,
			le64toh(h.time_ns) % 1000000000, le32toh(h.size), le32toh(h.crc),
			block_crc(block, size));
		describe_body(out, block, size, &h);
	}
	for (unsigned int line = 0; line < sizeof(h); line += 16) {
		fprintf(out, "    %04x ", line);
		for (unsigned int i = 0; i < 16; i++)
			fprintf(out, " %02x", bytes[line + i]);
		fputs("  ", out);
		for (const uint8_t *b = bytes + line; b < bytes + line + 16; b++)
			fputc(*b >= ' ' && *b <= '~' ? *b : '.', out);
		fputc('\n', out);
	}
}

const char *
perf_block_kind_name(enum perf_block_kind kind)
{
	static const char *const names[] = {"a whole block", "zeros",
		"no block of this volume and state file", "a block of another place",
		"a torn block"};

	return names[kind];
}
