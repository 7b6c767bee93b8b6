/* SPDX-License-Identifier: BSD-3-Clause */
/* The file store reads back what was written: any size, any number of pieces, many in flight. */
#include "blk_store_test.h"

#define SIZE (8u << 20)
#define BLOCK 4096u
#define FLIGHT 64

static uint8_t *model, *memory;

/* Cut len bytes into pieces of whole blocks. */
static void
cut(struct store_io *r, uint8_t *p, size_t len, uint64_t *random)
{
	uint32_t n = 0;

	while (len != 0) {
		size_t piece = (1 + test_random(random) % 8) * BLOCK;

		if (piece > len || n == FIDO_BLK_SEGMENTS_MAX - 1)
			piece = len;
		r->iov[n++] = (struct iovec){p, piece};
		p += piece;
		len -= piece;
	}
	r->io.iovcnt = n;
}

/* The requests of a batch do not overlap: each has its own part of the file. */
static void
batch(struct store_test *t, struct store_io *r, uint64_t *random)
{
	const size_t part = SIZE / FLIGHT;

	for (size_t i = 0; i < FLIGHT; i++) {
		size_t len = (1 + test_random(random) % (part / BLOCK / 2)) * BLOCK;
		size_t offset = i * part + test_random(random) % (part / BLOCK / 2) * BLOCK;
		bool write = test_random(random) % 2;

		if (write) {
			test_fill(memory + offset, len, test_random(random));
			memcpy(model + offset, memory + offset, len);
		}
		store_io_init(&r[i], t, write ? FIDO_BLK_WRITE : FIDO_BLK_READ, offset,
			memory + offset, len);
		if (write)
			cut(&r[i], memory + offset, len, random);
		r[i].io.fua = write && test_random(random) % 4 == 0;
		store_io_submit(&r[i]);
	}
	for (size_t i = 0; i < FLIGHT; i++) {
		assert_int_equal(store_io_wait(&r[i]), 0);
		if (r[i].io.op == FIDO_BLK_READ)
			assert_memory_equal(store_io_data(&r[i]), model + r[i].io.offset,
				r[i].io.length);
		store_io_free(&r[i]);
	}
}

static void
run(const char *options)
{
	struct store_io *r = calloc(FLIGHT, sizeof(*r));
	struct store_test t;
	uint64_t random = 1;

	model = calloc(1, SIZE);
	memory = store_memory(SIZE, 1);
	store_test_start(&t);
	store_test_file("f", SIZE, 0);
	store_test_open(&t, "file:%s%s", store_test_path("f"), options);
	assert_int_equal(t.store->info.size, SIZE);
	for (uint32_t i = 0; i < test_rounds(20); i++)
		batch(&t, r, &random);
	assert_int_equal(store_op(&t, FIDO_BLK_FLUSH, 0, 0), 0);
	assert_int_equal(t.store->copied, 0);
	store_test_close(&t);

	/* The data is there at the next open. */
	store_test_open(&t, "file:%s", store_test_path("f"));
	for (size_t at = 0; at < SIZE; at += 1 << 20) {
		assert_int_equal(store_read(&t, at, memory, 1 << 20), 0);
		assert_memory_equal(memory, model + at, 1 << 20);
	}
	store_test_close(&t);
	unlink(store_test_path("f"));
	store_test_end(&t);
	free(model);
	free(memory);
	free(r);
}

static void
buffered(void **state)
{
	run("");
}

static void
direct(void **state)
{
	run(",direct=on");
}

TEST_MAIN(cmocka_unit_test(buffered), cmocka_unit_test(direct))
