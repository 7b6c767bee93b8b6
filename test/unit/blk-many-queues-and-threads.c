/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * With many queues, volumes, clients and threads each reads what it wrote and no memory stays lent.
 *
 * The queues also sleep and are woken.
 */
#include "blk_test.h"

#include <poll.h>

#define QUEUES 3u
#define DEPTH 16u
#define BLOCK 8192u

struct user {
	pthread_t thread;
	struct fido_blk_queue *q;
	char *mem;      /* DEPTH blocks */
	uint64_t first; /* first of its DEPTH blocks in the volume */
	uint32_t rounds;
	bool sleeps;
};

static void
wait_for_something(struct user *u)
{
	struct pollfd fd = {.fd = fido_blk_fd(u->q), .events = POLLIN};

	if (!u->sleeps)
		return;
	if (!fido_blk_arm(u->q) && poll(&fd, 1, TEST_LIMIT_MS) == 0)
		abort();
	fido_blk_disarm(u->q);
}

/*
 * A store may lend a block in pieces: a block whose pages were written while lent is no longer
 * contiguous.
 */
static bool
all_filled(const struct fido_blk_completion *c, uint32_t seed)
{
	char whole[BLOCK];
	size_t len = 0;

	for (unsigned int i = 0; i < c->iovcnt && c->iov[i].iov_len <= BLOCK - len; i++) {
		memcpy(whole + len, c->iov[i].iov_base, c->iov[i].iov_len);
		len += c->iov[i].iov_len;
	}
	return len == BLOCK && test_filled(whole, BLOCK, seed);
}

/* Do one operation on all blocks. Check lent blocks. */
static void
round_of(struct user *u, enum fido_blk_op op, uint32_t seed)
{
	struct fido_blk_completion c[DEPTH];
	unsigned int done = 0;

	for (uint32_t i = 0; i < DEPTH; i++) {
		struct iovec iov = {u->mem + i * BLOCK, BLOCK};
		struct fido_blk_request r = {.op = op,
			.offset = (u->first + i) * BLOCK,
			.length = BLOCK,
			.iov = &iov,
			.iovcnt = 1,
			.flags = op == FIDO_BLK_READ ? FIDO_BLK_LEND : 0,
			.cookie = (void *)(uintptr_t)i};

		if (op == FIDO_BLK_WRITE)
			test_fill(iov.iov_base, BLOCK, seed + i);
		if (fido_blk_submit(u->q, &r, 1) != 1)
			abort();
	}
	while (done < DEPTH) {
		unsigned int n = fido_blk_poll(u->q, c, DEPTH);

		for (unsigned int i = 0; i < n; i++) {
			uint32_t k = (uint32_t)(uintptr_t)c[i].cookie;

			if (c[i].error != 0)
				abort();
			if (c[i].lent == NULL)
				continue;
			if (!all_filled(&c[i], seed + k))
				abort();
			fido_blk_release(u->q, &c[i].lent, 1);
		}
		done += n;
		if (n == 0)
			wait_for_something(u);
	}
}

static void *
use(void *arg)
{
	struct user *u = arg;

	for (uint32_t i = 0; i < u->rounds; i++) {
		round_of(u, FIDO_BLK_WRITE, i * 1000);
		round_of(u, FIDO_BLK_READ, i * 1000);
		if (u->sleeps && i % 8 == 0)
			usleep(1000); /* the backend sleeps too */
	}
	return NULL;
}

static void
run(const char *store, bool sleeps)
{
	struct fido_blk_config config = {.backend = "disk",
		.volume = "v1",
		.queues = QUEUES,
		.depth = DEPTH};
	struct user users[2 * QUEUES];
	const struct fido_control_shm *control;
	const struct fido_blk_shm *table;
	const struct fido_blk_volume_shm *v;
	struct fido_blk *other;
	struct blk_test t;

	blk_test_serve(&t, (const char *const[]){store, store, NULL}, 2);
	blk_test_open(&t, &config);
	config.volume = "v0";
	assert_int_equal(fido_blk_open(t.vm, &config, &other), 0);
	for (uint32_t i = 0; i < 2 * QUEUES; i++) {
		users[i] = (struct user){.q = fido_blk_queue(i < QUEUES ? t.blk : other,
						 (uint16_t)(i % QUEUES)),
			.mem = (char *)t.mem->va + i * DEPTH * BLOCK,
			.first = i % QUEUES * DEPTH,
			.rounds = test_rounds(100),
			.sleeps = sleeps};
		assert_int_equal(pthread_create(&users[i].thread, NULL, use, &users[i]), 0);
	}
	for (uint32_t i = 0; i < 2 * QUEUES; i++)
		pthread_join(users[i].thread, NULL);
	fido_blk_close(other);
	blk_test_close(&t);
	control = (const void *)(uintptr_t)fido_layout_slot_base(fido_domain_layout(t.disk),
		fido_domain_slot(t.disk));
	table = (const void *)(uintptr_t)control->table;
	v = (const void *)(uintptr_t)table->volumes;
	for (int i = 0; i < 2; i++)
		TEST_WAIT(fido_load_relaxed(&v[i].clients) == 0 &&
			fido_load_relaxed(&v[i].closed.lent) ==
				fido_load_relaxed(&v[i].closed.returned) &&
			fido_load_relaxed(&v[i].closed.requests[FIDO_BLK_WRITE]) ==
				QUEUES * DEPTH * test_rounds(100));
	blk_test_unserve(&t);
	test_rundir_empty();
}

static void
polling(void **state)
{
	run("mem:8M", false);
}

static void
sleeping(void **state)
{
	run("mem:8M", true);
}

TEST_MAIN(cmocka_unit_test(polling), cmocka_unit_test(sleeping))
