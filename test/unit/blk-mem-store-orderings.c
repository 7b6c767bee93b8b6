/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads that share a page through the memory store alone never read a half-written page. */
#include "test.h"

#include <pthread.h>

#include "size.c"
#include "store_mem.c"

#define WORDS (PAGE / sizeof(uint64_t))

static struct blk_store *store;

void
blk_io_done(struct blk_io *io, int error)
{
	io->error = error;
}

static struct blk_channel *
channel_open(void)
{
	struct blk_channel *c;

	if (blk_store_mem.channel_open(store, NULL, &c) != 0)
		abort();
	return c;
}

/* Write pages that each repeat one word; now and then rewrite a part with the same word. */
static void *
writer(void *arg)
{
	struct blk_channel *c = channel_open();
	static uint64_t page[2][WORDS];
	uint64_t *mine = page[arg != NULL];

	for (uint64_t i = 1; i <= test_rounds(2000); i++) {
		struct iovec iov = {mine, PAGE};
		struct blk_io io = {.op = FIDO_BLK_WRITE, .length = PAGE, .iov = &iov, .iovcnt = 1};

		for (uint64_t w = 0; w < WORDS; w++)
			mine[w] = i << 1 | (arg != NULL);
		blk_store_mem.submit(c, &io);
		while (blk_store_mem.arm(c, &(int){0}, &(short){0}))
			blk_store_mem.poll(c);
	}
	blk_store_mem.channel_close(c);
	return NULL;
}

static void *
reader(void *arg)
{
	struct blk_channel *c = channel_open();
	struct iovec iov[2];
	void *lent[2];

	(void)arg;
	for (uint32_t i = 0; i < test_rounds(4000); i++) {
		struct blk_io io = {.op = FIDO_BLK_READ, .length = PAGE, .iov = iov, .lent = lent};
		const uint64_t *page;

		blk_store_mem.submit(c, &io);
		page = iov[0].iov_base;
		for (uint64_t w = 1; w < WORDS; w++)
			if (page[w] != page[0])
				abort();
		blk_store_mem.release(c, lent[0]);
	}
	blk_store_mem.channel_close(c);
	return NULL;
}

static void
orderings(void **state)
{
	struct fido_domain *d = test_join("disk");
	pthread_t threads[4];

	assert_int_equal(blk_store_mem.open(&store,
				 &(struct blk_store_config){.domain = d,
					 .volume = "v",
					 .arg = "64K"}),
		0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i < 2 ? writer : reader,
					 i % 2 ? d : NULL),
			0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	/* Every frame belongs to a page or is free. */
	assert_int_equal(((struct mem_store *)store)->free_count,
		((struct mem_store *)store)->frames - 16);
	blk_store_mem.close(store);
	fido_domain_leave(d);
	test_rundir_empty();
}

TEST_MAIN_ONE(orderings)
