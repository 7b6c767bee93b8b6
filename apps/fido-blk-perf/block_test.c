/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: a block that was written is known again, and any change of it, its place or its volume is
 * noticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "block.h"

#define SIZE 4096

static uint8_t block[SIZE], other[SIZE];
static const struct perf_block_id id = {.volume = 11,
	.offset = 8192,
	.version = 5,
	.seed = 99,
	.queue = 1};

static int
fill(void **state)
{
	perf_block_fill(block, SIZE, &id);
	return 0;
}

static enum perf_block_kind
check(const void *what, uint64_t volume, uint64_t offset)
{
	uint64_t version = 77;
	enum perf_block_kind kind = perf_block_check(what, SIZE, volume, offset, &version);

	assert_int_equal(version, kind == PERF_BLOCK_GOOD ? 5 : 0);
	return kind;
}

/* RFC 3720's test of crc32c. */
static void
the_checksum_is_crc32c(void **state)
{
	assert_int_equal(perf_block_sum("123456789", 9), 0xe3069283);
}

static void
a_block_is_known_again(void **state)
{
	assert_int_equal(check(block, 11, 8192), PERF_BLOCK_GOOD);
}

static void
every_bit_counts(void **state)
{
	for (unsigned int i = 0; i < SIZE * 8; i++) {
		block[i / 8] ^= 1u << (i % 8);
		assert_int_not_equal(check(block, 11, 8192), PERF_BLOCK_GOOD);
		block[i / 8] ^= 1u << (i % 8);
	}
	assert_int_equal(check(block, 11, 8192), PERF_BLOCK_GOOD);
}

static void
other_places_and_volumes_are_told_apart(void **state)
{
	assert_int_equal(check(block, 11, 4096), PERF_BLOCK_MOVED);
	assert_int_equal(check(block, 12, 8192), PERF_BLOCK_OTHER);
}

static void
zeros_and_garbage_are_told_apart(void **state)
{
	memset(other, 0, SIZE);
	assert_int_equal(check(other, 11, 8192), PERF_BLOCK_ZEROS);
	other[SIZE - 1] = 1;
	assert_int_equal(check(other, 11, 8192), PERF_BLOCK_OTHER);
	memset(other, 0xaa, SIZE);
	assert_int_equal(check(other, 11, 8192), PERF_BLOCK_OTHER);
}

/* Half of one version, half of another one: at every border of sectors, and within. */
static void
a_mix_of_versions_is_torn(void **state)
{
	struct perf_block_id next = id;

	next.version = 6;
	for (size_t at = 64; at < SIZE; at += 56) {
		perf_block_fill(other, SIZE, &next);
		memcpy(other, block, at);
		assert_int_equal(check(other, 11, 8192), PERF_BLOCK_TORN);
	}
}

static void
every_word_of_two_versions_differs(void **state)
{
	struct perf_block_id next = id;
	unsigned int same = 0;

	next.version = 6;
	perf_block_fill(other, SIZE, &next);
	for (size_t at = sizeof(struct perf_block_header); at < SIZE; at += 8)
		same += memcmp(block + at, other + at, 8) == 0;
	assert_int_equal(same, 0);
}

static void
the_description_says_where_it_goes_wrong(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	block[1000] ^= 1;
	block[3000] ^= 1;
	perf_block_describe(out, block, SIZE);
	fclose(out);
	assert_non_null(strstr(text, "offset 8192, version 5, seed 99"));
	assert_non_null(strstr(text, "in 2 of 504 words, from byte 1000 to byte 3007"));
	assert_non_null(strstr(text, "46 49 44 4f 42 4c 4b 31"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_checksum_is_crc32c, fill),
		cmocka_unit_test_setup(a_block_is_known_again, fill),
		cmocka_unit_test_setup(every_bit_counts, fill),
		cmocka_unit_test_setup(other_places_and_volumes_are_told_apart, fill),
		cmocka_unit_test_setup(zeros_and_garbage_are_told_apart, fill),
		cmocka_unit_test_setup(a_mix_of_versions_is_torn, fill),
		cmocka_unit_test_setup(every_word_of_two_versions_differs, fill),
		cmocka_unit_test_setup(the_description_says_where_it_goes_wrong, fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
