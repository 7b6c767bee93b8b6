/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client that keeps all memory it is lent gets at most half of it, so that others can still read.
 */
#include <fcntl.h>
#include <unistd.h>

#include "blk_test.h"

#define MIB ((uint64_t)1 << 20)
/* blk_test_serve() gives each thread 4 MiB of buffers. */
#define BUFFERS 4u

static void
poll_for_a_while(struct fido_blk_queue *q, struct fido_blk_completion *done, unsigned int *n)
{
	for (unsigned int i = 0; i < 200; i++) {
		*n += fido_blk_poll(q, done + *n, BUFFERS - *n);
		usleep(1000);
	}
}

static void
greedy(void **state)
{
	struct fido_blk_request read = {.op = FIDO_BLK_READ, .flags = FIDO_BLK_LEND, .length = MIB};
	struct fido_blk_completion kept[BUFFERS], other;
	char path[] = "/tmp/fido-greedy.XXXXXX", store[64];
	struct fido_blk *blk;
	struct blk_test t;
	unsigned int n = 0;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8 * MIB), 0);
	close(fd);
	snprintf(store, sizeof(store), "file:%s", path);
	blk_test_serve(&t, (const char *const[]){store, NULL}, 1);
	blk_test_open(&t, NULL);
	for (unsigned int i = 0; i < BUFFERS; i++, read.offset += MIB)
		assert_int_equal(fido_blk_submit(t.q, &read, 1), 1);
	poll_for_a_while(t.q, kept, &n);
	assert_int_equal(n, BUFFERS / 2);
	/* Another client reads without limit, as long as it returns the memory. */
	assert_int_equal(fido_blk_open(t.vm,
				 &(struct fido_blk_config){.backend = "disk", .volume = "v0"},
				 &blk),
		0);
	for (read.offset = 0; read.offset < 8 * MIB; read.offset += MIB) {
		assert_int_equal(blk_test_do(fido_blk_queue(blk, 0), read, &other), 0);
		fido_blk_release(fido_blk_queue(blk, 0), &other.lent, 1);
	}
	/* The greedy client gets again what it returns. */
	for (unsigned int i = 0; i < n; i++)
		fido_blk_release(t.q, &kept[i].lent, 1);
	for (unsigned int more = 0; more < BUFFERS - n;) {
		unsigned int got = fido_blk_poll(t.q, &other, 1);

		if (got == 1)
			fido_blk_release(t.q, &other.lent, 1);
		more += got;
	}
	fido_blk_close(blk);
	blk_test_end(&t);
	unlink(path);
}

TEST_MAIN_ONE(greedy)
