/* SPDX-License-Identifier: BSD-3-Clause */
/* The NBD store reads back what was written: many connections, pieces and requests in flight. */
#include "blk_store_test.h"

#define SIZE (16u << 20)
#define BLOCK 512u
#define FLIGHT 200
#define CHANNELS 3

static uint8_t *model, *memory;

/* Two pieces apart in memory, if there are enough blocks. */
static void
scatter(struct store_io *r, uint8_t *p, size_t len)
{
	size_t first = len / 2 / BLOCK * BLOCK;

	if (first == 0)
		return;
	r->iov[0] = (struct iovec){p + len - first, first};
	r->iov[1] = (struct iovec){p, len - first};
	r->io.iovcnt = 2;
}

static void
to_model(const struct store_io *r)
{
	uint8_t *p = model + r->io.offset;

	for (uint32_t i = 0; i < r->io.iovcnt; i++) {
		memcpy(p, r->iov[i].iov_base, r->iov[i].iov_len);
		p += r->iov[i].iov_len;
	}
}

static void
batch(struct store_test *t, struct store_io *r, uint64_t *random)
{
	const size_t part = SIZE / FLIGHT / BLOCK * BLOCK;

	for (size_t i = 0; i < FLIGHT; i++) {
		size_t len = (1 + test_random(random) % (part / BLOCK / 2)) * BLOCK;
		size_t offset = i * part + test_random(random) % (part / BLOCK / 2) * BLOCK;
		bool write = test_random(random) % 2;

		store_io_init(&r[i], t, write ? FIDO_BLK_WRITE : FIDO_BLK_READ, offset,
			memory + offset, len);
		if (write) {
			test_fill(memory + offset, len, test_random(random));
			if (test_random(random) % 2)
				scatter(&r[i], memory + offset, len);
			to_model(&r[i]);
		}
		r[i].channel = t->channels[test_random(random) % CHANNELS];
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
read_back(void **state)
{
	static const char *const args[] = {"memory", "16M", NULL};
	struct store_io *r = calloc(FLIGHT, sizeof(*r));
	struct store_test t;
	uint64_t random = 1;

	model = calloc(1, SIZE);
	memory = store_memory(SIZE, 1);
	store_test_start(&t);
	store_test_nbdkit(args);
	store_test_open(&t, "nbd:%s", store_test_uri());
	assert_int_equal(t.store->info.size, SIZE);
	assert_int_equal(t.store->info.block_size, BLOCK);
	assert_false(t.store->one_channel);
	while (t.channels[CHANNELS - 1] == NULL)
		store_test_channel(&t);
	for (uint32_t i = 0; i < test_rounds(20); i++)
		batch(&t, r, &random);
	assert_int_equal(store_op(&t, FIDO_BLK_FLUSH, 0, 0), 0);
	store_test_close(&t);

	/* The data is there for the next connection. */
	store_test_open(&t, "nbd:%s", store_test_uri());
	for (size_t at = 0; at < SIZE; at += 1 << 20) {
		assert_int_equal(store_read(&t, at, memory, 1 << 20), 0);
		assert_memory_equal(memory, model + at, 1 << 20);
	}
	store_test_close(&t);
	store_test_nbdkit_kill();
	store_test_end(&t);
	free(model);
	free(memory);
	free(r);
}

TEST_MAIN_ONE(read_back)
