/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A backend out of descriptors or control memory refuses new clients and keeps serving the others.
 *
 * Both the backend and the client report the refusal. When some clients leave, new ones are
 * accepted.
 */
#include "blk_test.h"

/* A backend without limits would accept them all. */
#define CLIENTS 40u
#define LEN 4096u

/* "files": few descriptors; "memory": a small control region. */
static int
small_backend(const char *what)
{
	return strcmp(what, "files") == 0 ? blk_test_small_backend(100, 0)
					  : blk_test_small_backend(0, 4 << 20);
}

static int
open_one(struct fido_domain *vm, unsigned int timeout_ms, struct fido_blk **out)
{
	return fido_blk_open(vm,
		&(struct fido_blk_config){.backend = "disk",
			.volume = "v0",
			.bounce_size = 1 << 20,
			.timeout_ms = (int)timeout_ms},
		out);
}

/* Each client issues a request after the backend has fallen asleep. */
static void
all_are_served(struct fido_blk **blk, unsigned int n, char *buf)
{
	for (unsigned int i = 0; i < n; i++) {
		struct fido_blk_queue *q = fido_blk_queue(blk[i], 0);

		usleep(2000);
		assert_int_equal(blk_test_write(q, buf, i * LEN, LEN, i + 1), 0);
		usleep(2000);
		assert_int_equal(blk_test_read(q, buf, i * LEN, LEN), 0);
		assert_true(test_filled(buf, LEN, i + 1));
	}
}

static void
refuses(const char *what)
{
	struct fido_domain_config config = test_config("vm");
	struct blk_test_process backend;
	struct fido_blk *blk[CLIENTS];
	struct fido_domain *vm;
	struct fido_region *mem;
	unsigned int n = 0;
	int ret = 0;

	blk_test_spawn(&backend, "--front", what);
	config.control_size = 64 << 20;
	assert_int_equal(fido_domain_join(&vm, &config), 0);
	mem = test_arena(vm, 2 << 20);
	while (n < CLIENTS && (ret = open_one(vm, 3000, &blk[n])) == 0)
		n++;
	assert_int_equal(ret, -ENOSPC);
	assert_true(n >= 4);
	test_message_has("no room for one more client", NULL);
	all_are_served(blk, n, (char *)mem->va);
	/* Two more attempts: the clients being served are not affected. */
	assert_int_equal(open_one(vm, 500, &blk[n]), -ENOSPC);
	all_are_served(blk, n, (char *)mem->va);
	/* Two clients leave, one joins. */
	assert_int_equal(fido_blk_close(blk[--n]), 0);
	assert_int_equal(fido_blk_close(blk[--n]), 0);
	assert_int_equal(open_one(vm, TEST_LIMIT_MS, &blk[n++]), 0);
	all_are_served(blk, n, (char *)mem->va);
	while (n != 0)
		assert_int_equal(fido_blk_close(blk[--n]), 0);
	fido_region_destroy(mem);
	fido_domain_leave(vm);
	blk_test_kill(&backend);
}

static void
descriptors(void **state)
{
	(void)state;
	refuses("files");
}

static void
control_memory(void **state)
{
	(void)state;
	refuses("memory");
}

BLK_TEST_MAIN(small_backend, cmocka_unit_test(descriptors), cmocka_unit_test(control_memory))
