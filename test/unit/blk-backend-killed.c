/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests survive a backend that is killed under load and restarted.
 *
 * Each request completes; the backend may have executed it twice. No data is lost or damaged. If
 * the volume has lost its contents, its requests fail.
 */
#include "blk_test.h"

#include <errno.h>
#include <fcntl.h>

#define BLOCK 4096u
#define BLOCKS 512u
#define DEPTH 32u
#define KILLS 4u

/* Each write of a block carries a version; a block has one write in flight at a time. */
struct load {
	struct blk_test t;
	uint64_t version[BLOCKS];
	bool busy[BLOCKS];
	uint32_t slot_block[DEPTH];
	uint32_t free[DEPTH];
	uint32_t free_count;
	uint64_t random;
	uint64_t done;
};

static char *
slot_buf(struct load *l, uint32_t slot)
{
	return (char *)l->t.mem->va + slot * BLOCK;
}

static void
write_some(struct load *l)
{
	while (l->free_count != 0) {
		uint32_t block = (uint32_t)(test_random(&l->random) % BLOCKS),
			 slot = l->free[l->free_count - 1];
		struct iovec iov = {slot_buf(l, slot), BLOCK};

		if (l->busy[block])
			return;
		test_fill(iov.iov_base, BLOCK, ++l->version[block] << 16 | block);
		assert_int_equal(fido_blk_submit(l->t.q,
					 &(struct fido_blk_request){.op = FIDO_BLK_WRITE,
						 .offset = (uint64_t)block * BLOCK,
						 .length = BLOCK,
						 .iov = &iov,
						 .iovcnt = 1,
						 .cookie = (void *)(uintptr_t)slot},
					 1),
			1);
		l->busy[block] = true;
		l->slot_block[slot] = block;
		l->free_count--;
	}
}

static void
take_some(struct load *l)
{
	struct fido_blk_completion c[DEPTH];
	unsigned int n = fido_blk_poll(l->t.q, c, DEPTH);

	for (unsigned int i = 0; i < n; i++) {
		uint32_t slot = (uint32_t)(uintptr_t)c[i].cookie;

		assert_int_equal(c[i].error, 0);
		l->busy[l->slot_block[slot]] = false;
		l->free[l->free_count++] = slot;
		l->done++;
	}
}

static void
check_all(struct load *l)
{
	char *to = (char *)l->t.mem->va + (2 << 20);

	for (uint32_t b = 0; b < BLOCKS; b++) {
		if (l->version[b] == 0)
			continue;
		assert_int_equal(blk_test_read(l->t.q, to, (uint64_t)b * BLOCK, BLOCK), 0);
		assert_true(test_filled(to, BLOCK, l->version[b] << 16 | b));
	}
}

static void
killed_under_load(void **state)
{
	struct load l = {.free_count = DEPTH, .random = 1};
	struct blk_test_process backend;
	struct fido_blk_stats stats;
	char store[4096];
	int fd;

	snprintf(store, sizeof(store), "file:%s/../blk-killed-%d", test_rundir(), (int)getpid());
	fd = open(store + 5, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0 && ftruncate(fd, BLOCKS * BLOCK) == 0);
	for (uint32_t i = 0; i < DEPTH; i++)
		l.free[i] = i;
	blk_test_spawn(&backend, "--backend", store);
	blk_test_open(&l.t, NULL);
	for (unsigned int kills = 0; kills < KILLS; kills++) {
		uint64_t enough = l.done + 2000;

		while (l.done < enough) {
			write_some(&l);
			take_some(&l);
		}
		blk_test_kill(&backend);
		/* The backend dies and comes back. */
		write_some(&l);
		blk_test_spawn(&backend, "--backend", store);
	}
	TEST_WAIT((take_some(&l), l.free_count == DEPTH));
	check_all(&l);
	fido_blk_queue_stats(l.t.q, &stats);
	assert_true(stats.sessions >= KILLS + 1);
	assert_int_equal(stats.errors, 0);
	assert_int_equal(stats.copied_writes, 0);
	blk_test_close(&l.t);
	blk_test_kill(&backend);
	close(fd);
	unlink(store + 5);
}

static void
contents_lost(void **state)
{
	struct blk_test_process backend;
	struct fido_blk_completion lent;
	struct blk_test t;
	char *buf;

	blk_test_spawn(&backend, "--backend", "mem:8M");
	blk_test_open(&t, NULL);
	buf = (char *)t.mem->va;
	assert_int_equal(blk_test_write(t.q, buf, 0, 4096, 1), 0);
	assert_int_equal(blk_test_do(t.q,
				 (struct fido_blk_request){.op = FIDO_BLK_READ,
					 .flags = FIDO_BLK_LEND,
					 .length = 4096},
				 &lent),
		0);
	blk_test_kill(&backend);
	/* Lent memory keeps its content. */
	assert_true(test_filled(lent.iov[0].iov_base, 4096, 1));
	blk_test_spawn(&backend, "--backend", "mem:8M");
	assert_int_equal(blk_test_read(t.q, buf, 0, 4096), -ESTALE);
	assert_int_equal(blk_test_write(t.q, buf, 0, 4096, 1), -ESTALE);
	assert_true(test_filled(lent.iov[0].iov_base, 4096, 1));
	fido_blk_release(t.q, &lent.lent, 1);
	fido_blk_close(t.blk);
	/* Opened again, it is another volume. */
	assert_int_equal(fido_blk_open(t.vm,
				 &(struct fido_blk_config){.backend = "disk", .volume = "v0"},
				 &t.blk),
		0);
	t.q = fido_blk_queue(t.blk, 0);
	assert_int_equal(blk_test_write(t.q, buf, 0, 4096, 1), 0);
	blk_test_close(&t);
	blk_test_kill(&backend);
}

/*
 * More writes need a copy than bounce memory holds; those that already have one are resent first.
 */
static void
little_memory(void **state)
{
	struct fido_blk_config config = {.backend = "disk",
		.volume = "v0",
		.depth = 64,
		.bounce_size = 1 << 20};
	struct fido_blk_completion c[64];
	struct blk_test_process backend;
	char store[4096], *from = malloc(65536);
	struct iovec iov = {from, 65536};
	struct blk_test t;
	unsigned int done = 0, made = 0;

	snprintf(store, sizeof(store), "file:%s/../blk-killed-%d,create=4M", test_rundir(),
		(int)getpid());
	memset(from, 7, 65536);
	blk_test_spawn(&backend, "--backend", store);
	blk_test_open(&t, &config);
	for (int kills = 0; kills < 3; kills++) {
		for (; made < 64u * (unsigned int)(kills + 1); made++)
			assert_int_equal(fido_blk_submit(t.q,
						 &(struct fido_blk_request){.op = FIDO_BLK_WRITE,
							 .iov = &iov,
							 .iovcnt = 1,
							 .length = 65536,
							 .offset = made % 64 * 65536},
						 1),
				1);
		blk_test_kill(&backend);
		/* Recalled tickets come back before the backend does. */
		for (uint64_t until = test_now_ms() + 100; test_now_ms() < until;)
			done += fido_blk_poll(t.q, c, 64);
		blk_test_spawn(&backend, "--backend", store);
		TEST_WAIT((done += fido_blk_poll(t.q, c, 64)) == made);
	}
	blk_test_close(&t);
	blk_test_kill(&backend);
	*strchr(store, ',') = '\0';
	unlink(store + 5);
	free(from);
}

static int
no_front(const char *arg)
{
	(void)arg;
	return 1;
}

BLK_TEST_MAIN(no_front, cmocka_unit_test(killed_under_load), cmocka_unit_test(contents_lost),
	cmocka_unit_test(little_memory))
