/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes that need a copy go on after the backend has died and come back.
 *
 * This holds even if the copies of the interrupted writes fill all the memory for copies and other
 * writes queue before them.
 */
#include "blk_test.h"

#include <fcntl.h>
#include <stdlib.h>

#define LEN (128u << 10)
#define WRITES 32u

/* Room for the copies of a few of the writes. */
#define BOUNCE (1u << 20)

static void
all_complete(void **state)
{
	struct fido_blk_config config = {.backend = "disk",
		.volume = "v0",
		.bounce_size = BOUNCE,
		.depth = WRITES};
	struct fido_blk_completion c[WRITES];
	struct blk_test_process backend;
	char store[4096], *memory = malloc(WRITES * LEN);
	unsigned int done = 0;
	struct fido_blk_stats stats;
	struct blk_test t;
	int fd;

	assert_non_null(memory);
	snprintf(store, sizeof(store), "file:%s/../blk-copied-%d", test_rundir(), (int)getpid());
	fd = open(store + 5, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0 && ftruncate(fd, WRITES * LEN) == 0);
	blk_test_spawn(&backend, "--backend", store);
	blk_test_open(&t, &config);
	/* A stopped backend answers nothing. */
	kill(backend.pid, SIGSTOP);
	for (unsigned int i = 0; i < WRITES; i++) {
		struct iovec iov = {memory + (size_t)i * LEN, LEN};

		test_fill(iov.iov_base, LEN, i + 1);
		assert_int_equal(fido_blk_submit(t.q,
					 &(struct fido_blk_request){.op = FIDO_BLK_WRITE,
						 .offset = (uint64_t)i * LEN,
						 .length = LEN,
						 .iov = &iov,
						 .iovcnt = 1},
					 1),
			1);
	}
	blk_test_kill(&backend);
	/* Their tickets come back before the next session begins. */
	for (unsigned int i = 0; i < 300; i++) {
		done += fido_blk_poll(t.q, c, WRITES);
		usleep(1000);
	}
	assert_int_equal(done, 0);
	blk_test_spawn(&backend, "--backend", store);
	TEST_WAIT((done += fido_blk_poll(t.q, c, WRITES)) == WRITES);
	for (unsigned int i = 0; i < WRITES; i++) {
		assert_int_equal(blk_test_read(t.q, memory, (uint64_t)i * LEN, LEN), 0);
		assert_true(test_filled(memory, LEN, i + 1));
	}
	fido_blk_queue_stats(t.q, &stats);
	assert_true(stats.resent != 0 && stats.resent < WRITES);
	assert_true(stats.copied_writes >= WRITES);
	blk_test_close(&t);
	blk_test_kill(&backend);
	close(fd);
	unlink(store + 5);
	free(memory);
}

static int
no_front(const char *arg)
{
	(void)arg;
	return 1;
}

BLK_TEST_MAIN(no_front, cmocka_unit_test(all_complete))
