/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When a front-end is killed, its requests end, its lent memory returns and its volume is free
 * again.
 */
#include "blk_test.h"

#include <sys/prctl.h>

#define DEPTH 64u

/* Open v0 exclusively, then write forever and keep the lent memory. */
static int
front(const char *arg)
{
	struct fido_blk_config config = {.backend = "disk",
		.volume = "v0",
		.depth = DEPTH,
		.exclusive = true};
	struct fido_blk_completion c[DEPTH];
	struct iovec iov;
	struct blk_test t;

	(void)arg;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	blk_test_open(&t, &config);
	iov = (struct iovec){(void *)t.mem->va, 65536};
	for (uint64_t i = 0;; i++) {
		struct fido_blk_request r = {.op = i % 2 ? FIDO_BLK_READ : FIDO_BLK_WRITE,
			.offset = i % 64 * 65536,
			.length = 65536,
			.iov = &iov,
			.iovcnt = 1,
			.flags = i % 2 ? FIDO_BLK_LEND : 0};
		unsigned int n = fido_blk_poll(t.q, c, DEPTH);

		if (i == 1000) {
			printf("ready\n");
			fflush(stdout);
		}
		/* Keep the last few. */
		for (unsigned int k = 0; k < n; k++)
			if (c[k].lent != NULL && fido_blk_inflight(t.q) > DEPTH / 2)
				fido_blk_release(t.q, &c[k].lent, 1);
		fido_blk_submit(t.q, &r, 1);
	}
	return 0;
}

static const struct fido_blk_queue_shm *
queue_shm(const struct fido_blk_shm *shm)
{
	return (const struct fido_blk_queue_shm *)(uintptr_t)shm->queues;
}

static void
killed(void **state)
{
	struct blk_test_process process;
	struct blk_test t;
	const struct fido_blk_shm *shm;
	const struct fido_blk_volume_shm *volume;

	blk_test_serve(&t, (const char *const[]){"mem:8M", NULL}, 1);
	shm = (const struct fido_blk_shm
			*)(uintptr_t)((const struct fido_control_shm *)(uintptr_t)
					      fido_layout_slot_base(fido_domain_layout(t.disk),
						      fido_domain_slot(t.disk)))
		      ->table;
	volume = (const struct fido_blk_volume_shm *)(uintptr_t)shm->volumes;
	for (int i = 0; i < 3; i++) {
		blk_test_spawn(&process, "--front", "");
		assert_int_equal(fido_load_relaxed(&volume->clients), 1);
		assert_int_equal(fido_load_relaxed(&volume->exclusive), 1);
		assert_string_equal(queue_shm(shm)->client, "vm");
		blk_test_kill(&process);
		TEST_WAIT(fido_load_relaxed(&volume->clients) == 0);
		assert_int_equal(fido_load_relaxed(&volume->exclusive), 0);
	}
	/* The next client finds the volume free and the lent memory returned. */
	blk_test_open(&t,
		&(struct fido_blk_config){.backend = "disk", .volume = "v0", .exclusive = true});
	assert_int_equal(blk_test_write(t.q, (void *)t.mem->va, 0, 4096, 1), 0);
	blk_test_close(&t);
	TEST_WAIT(fido_load_relaxed(&volume->closed.lent) ==
		fido_load_relaxed(&volume->closed.returned));
	blk_test_unserve(&t);
	test_rundir_empty();
}

BLK_TEST_MAIN(front, cmocka_unit_test(killed))
