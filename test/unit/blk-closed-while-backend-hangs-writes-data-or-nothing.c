/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hanging writes of a front-end that leaves store their data or nothing.
 *
 * The front-end closes, destroys its memory and leaves the group while the writes hang.
 */
#include "blk_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "client.h"
#include "queue.h"
#include "server_private.h"
#include "blk_store_test.h"

#define WRITES 4u
#define LEN ((size_t)1 << 20)
#define SIZE (WRITES * LEN)
#define SECTOR 512u
#define BEFORE 1000000u
#define DATA 2000000u

static void
fill(char *p, uint64_t seed)
{
	for (size_t at = 0; at < SIZE; at += SECTOR)
		test_fill(p + at, SECTOR, seed + at);
}

static void
submit_writes(struct fido_blk_queue *q, char *from)
{
	for (unsigned int i = 0; i < WRITES; i++) {
		struct iovec iov = {from + i * LEN, LEN};

		assert_int_equal(fido_blk_submit(q,
					 &(struct fido_blk_request){.op = FIDO_BLK_WRITE,
						 .offset = i * LEN,
						 .length = LEN,
						 .iov = &iov,
						 .iovcnt = 1},
					 1),
			1);
	}
}

/* @return number of sectors that hold the written data; all others are unchanged */
static size_t
count_written(const char *p)
{
	size_t written = 0;

	for (size_t at = 0; at < SIZE; at += SECTOR) {
		bool data = test_filled(p + at, SECTOR, DATA + at);

		assert_true(data || test_filled(p + at, SECTOR, BEFORE + at));
		written += data;
	}
	return written;
}

static unsigned int
in_flight(struct blk_server *s)
{
	unsigned int n = 0;

	pthread_mutex_lock(&s->lock);
	for (unsigned int i = 0; i < BACK_QUEUES_SHOWN; i++)
		if (fido_load_acquire(&s->queue_shm[i].used))
			n += (unsigned int)fido_load_relaxed(&s->queue_shm[i].counters.in_flight);
	pthread_mutex_unlock(&s->lock);
	return n;
}

/*
 * The backend runs but its medium hangs in the middle of the writes. @param from NULL: the VM's
 * arena
 */
static void
medium_hangs(char *from)
{
	static const char *const args[] = {"memory", "4M", NULL};
	const char *stores[2] = {NULL, NULL};
	char store[4096], *all = malloc(SIZE);
	struct blk_test t;

	store_test_nbdkit(args);
	snprintf(store, sizeof(store), "nbd:%s", store_test_uri());
	stores[0] = store;
	blk_test_serve(&t, stores, 1);
	blk_test_open(&t,
		&(struct fido_blk_config){.backend = "disk",
			.volume = "v0",
			.bounce_size = 2 * SIZE});
	fill(all, BEFORE);
	for (unsigned int i = 0; i < WRITES; i++)
		assert_int_equal(blk_test_do(t.q,
					 (struct fido_blk_request){.op = FIDO_BLK_WRITE,
						 .offset = i * LEN,
						 .length = LEN,
						 .iov = &(struct iovec){all + i * LEN, LEN},
						 .iovcnt = 1},
					 NULL),
			0);
	store_test_nbdkit_stop();
	fill(from != NULL ? from : (char *)t.mem->va, DATA);
	submit_writes(t.q, from != NULL ? from : (char *)t.mem->va);
	TEST_WAIT(in_flight(t.server) == WRITES);
	/* Closing reports whether requests still use the caller's own memory. */
	assert_int_equal(fido_blk_close(t.blk), from != NULL ? 0 : -EBUSY);
	fido_region_destroy(t.mem);
	fido_domain_leave(t.vm);
	if (from != NULL)
		memset(from, 0, SIZE);
	store_test_nbdkit_continue();
	blk_test_open(&t, NULL);
	for (unsigned int i = 0; i < WRITES; i++)
		assert_int_equal(blk_test_read(t.q, all + i * LEN, i * LEN, LEN), 0);
	/* Some of them were under way. */
	assert_true(count_written(all) != 0);
	blk_test_close(&t);
	blk_test_unserve(&t);
	store_test_nbdkit_kill();
	test_rundir_empty();
	free(all);
}

static void
medium_hangs_with_the_callers_memory(void **state)
{
	(void)state;
	medium_hangs(NULL);
}

static void
medium_hangs_with_copies(void **state)
{
	char *memory = malloc(SIZE);

	(void)state;
	medium_hangs(memory);
	free(memory);
}

/* The backend itself is stopped, before or after it has polled the writes. */
static void
backend_stopped(void **state)
{
	struct blk_test_process backend;
	char store[4096], *all = malloc(SIZE);
	struct blk_test t;
	int fd, status;

	(void)state;
	snprintf(store, sizeof(store), "file:%s/../blk-hangs-%d", test_rundir(), (int)getpid());
	fill(all, BEFORE);
	fd = open(store + 5, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0 && write(fd, all, SIZE) == (ssize_t)SIZE);
	blk_test_spawn(&backend, "--backend", store);
	blk_test_open(&t, NULL);
	kill(backend.pid, SIGSTOP);
	assert_true(waitpid(backend.pid, &status, WUNTRACED) == backend.pid && WIFSTOPPED(status));
	fill((char *)t.mem->va, DATA);
	submit_writes(t.q, (char *)t.mem->va);
	assert_int_equal(fido_blk_close(t.blk), -EBUSY);
	fido_region_destroy(t.mem);
	fido_domain_leave(t.vm);
	kill(backend.pid, SIGCONT);
	/* A backend that serves the next client has finished with the former one. */
	blk_test_open(&t,
		&(struct fido_blk_config){.backend = "disk",
			.volume = "v0",
			.exclusive = true,
			.timeout_ms = -1});
	assert_true(pread(fd, all, SIZE, 0) == (ssize_t)SIZE);
	count_written(all);
	blk_test_close(&t);
	blk_test_kill(&backend);
	close(fd);
	unlink(store + 5);
	free(all);
}

static int
no_front(const char *arg)
{
	(void)arg;
	return 1;
}

BLK_TEST_MAIN(no_front, cmocka_unit_test(medium_hangs_with_the_callers_memory),
	cmocka_unit_test(medium_hangs_with_copies), cmocka_unit_test(backend_stopped))
