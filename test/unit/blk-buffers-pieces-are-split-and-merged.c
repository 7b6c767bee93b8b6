/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The allocator splits buffers to the size asked, never overlaps them, and merges all that are
 * freed.
 */
#include "blk_store_test.h"

#define SIZE (4u << 20)
#define PIECES (SIZE / BLK_BUFFER_MIN)

static struct fido_domain *domain;

static struct blk_buffers *
start(void)
{
	struct blk_buffers *b;

	domain = test_join("a");
	assert_int_equal(blk_buffers_create(&b, domain, SIZE - 5), 0);
	assert_int_equal(blk_buffers_size(b), SIZE);
	return b;
}

static void
end(struct blk_buffers *b)
{
	assert_int_equal(blk_buffers_used(b), 0);
	blk_buffers_destroy(b);
	fido_domain_leave(domain);
	test_rundir_empty();
}

/* All of it can be allocated in pieces of the largest size, and no more. */
static void
is_whole(struct blk_buffers *b)
{
	void *p[SIZE / BLK_BUFFER_MAX];

	for (size_t i = 0; i < SIZE / BLK_BUFFER_MAX; i++)
		assert_non_null(p[i] = blk_buffers_alloc(b, BLK_BUFFER_MAX));
	assert_null(blk_buffers_alloc(b, 1));
	assert_int_equal(blk_buffers_used(b), SIZE);
	for (size_t i = 0; i < SIZE / BLK_BUFFER_MAX; i++)
		blk_buffers_free(b, p[i]);
}

static void
smallest(void **state)
{
	struct blk_buffers *b = start();
	char *p[PIECES], *base = blk_buffers_base(b);
	bool seen[PIECES] = {false};

	for (size_t i = 0; i < PIECES; i++) {
		size_t at;

		assert_non_null(p[i] = blk_buffers_alloc(b, 1 + i % BLK_BUFFER_MIN));
		at = (size_t)(p[i] - base);
		assert_true(at < SIZE && at % BLK_BUFFER_MIN == 0 && !seen[at / BLK_BUFFER_MIN]);
		seen[at / BLK_BUFFER_MIN] = true;
	}
	assert_null(blk_buffers_alloc(b, 1));
	/* Free every other page: half is free, but nothing larger than a page can be allocated. */
	for (size_t i = 0; i < PIECES; i++)
		if ((size_t)(p[i] - base) / BLK_BUFFER_MIN % 2 == 0) {
			blk_buffers_free(b, p[i]);
			p[i] = NULL;
		}
	assert_null(blk_buffers_alloc(b, BLK_BUFFER_MIN + 1));
	assert_int_equal(blk_buffers_used(b), SIZE / 2);
	for (size_t i = PIECES; i-- > 0;)
		if (p[i] != NULL)
			blk_buffers_free(b, p[i]);
	is_whole(b);
	end(b);
}

/* Each size is rounded up to a power of two and aligned to it. */
static void
sizes(void **state)
{
	struct blk_buffers *b = start();
	char *base = blk_buffers_base(b);

	for (size_t size = BLK_BUFFER_MIN; size <= BLK_BUFFER_MAX; size *= 2) {
		char *small = blk_buffers_alloc(b, 1), *p = blk_buffers_alloc(b, size),
		     *q = blk_buffers_alloc(b, size / 2 + 1);

		assert_non_null(small);
		assert_int_equal((size_t)(p - base) % size, 0);
		assert_int_equal((size_t)(q - base) % size, 0);
		assert_int_equal(blk_buffers_used(b), 2 * size + BLK_BUFFER_MIN);
		blk_buffers_free(b, p);
		blk_buffers_free(b, small);
		blk_buffers_free(b, q);
	}
	is_whole(b);
	end(b);
}

/* Random operations against a model that records the owner of each page. */
static void
at_random(void **state)
{
	struct blk_buffers *b = start();
	static char *p[256];
	static size_t len[256];
	uint64_t random = 1, failed = 0;

	for (uint32_t round = 0; round < test_rounds(20000); round++) {
		size_t i = test_random(&random) % 256;

		if (p[i] != NULL) {
			for (size_t at = 0; at < len[i]; at += BLK_BUFFER_MIN)
				assert_int_equal(*(size_t *)(p[i] + at), i);
			blk_buffers_free(b, p[i]);
			p[i] = NULL;
			continue;
		}
		len[i] = 1 + test_random(&random) % (BLK_BUFFER_MIN << test_random(&random) % 7);
		p[i] = blk_buffers_alloc(b, len[i]);
		failed += p[i] == NULL;
		for (size_t at = 0; p[i] != NULL && at < len[i]; at += BLK_BUFFER_MIN)
			*(size_t *)(p[i] + at) = i;
	}
	assert_true(failed != 0); /* else it was never full */
	for (size_t i = 0; i < 256; i++)
		if (p[i] != NULL)
			blk_buffers_free(b, p[i]);
	is_whole(b);
	end(b);
}

void
blk_io_done(struct blk_io *io, int error)
{
}

TEST_MAIN(cmocka_unit_test(smallest), cmocka_unit_test(sizes), cmocka_unit_test(at_random))
