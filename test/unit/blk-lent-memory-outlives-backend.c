/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lent memory stays readable and unchanged until released, even if the backend exits before that.
 */
#include "blk_test.h"

#define LEN 32768

static void
outlives(const char *store)
{
	struct fido_blk_request read = {.op = FIDO_BLK_READ,
		.flags = FIDO_BLK_LEND,
		.offset = 8192,
		.length = LEN};
	struct fido_blk_completion lent;
	struct blk_test t;

	blk_test_serve(&t, (const char *const[]){store, NULL}, 1);
	blk_test_open(&t, NULL);
	assert_int_equal(blk_test_write(t.q, (char *)t.mem->va, 8192, LEN, 1), 0);
	assert_int_equal(blk_test_do(t.q, read, &lent), 0);
	blk_test_unserve(&t);
	for (int i = 0; i < 20; i++) {
		size_t at = 0;

		for (unsigned int k = 0; k < lent.iovcnt; at += lent.iov[k++].iov_len)
			assert_memory_equal(lent.iov[k].iov_base, (char *)t.mem->va + at,
				lent.iov[k].iov_len);
		assert_int_equal(at, LEN);
		usleep(20000);
	}
	fido_blk_release(t.q, &lent.lent, 1);
	blk_test_close(&t);
	test_rundir_empty();
}

/* Lent from the store's own memory. */
static void
of_memory(void **state)
{
	(void)state;
	outlives("mem:8M");
}

/* Lent from a worker's buffers. */
static void
of_a_file(void **state)
{
	char store[4096];
	FILE *f;

	(void)state;
	snprintf(store, sizeof(store), "file:%s/../blk-lent-%d", test_rundir(), (int)getpid());
	f = fopen(store + 5, "w");
	assert_true(f != NULL && ftruncate(fileno(f), 1 << 20) == 0);
	fclose(f);
	outlives(store);
	unlink(store + 5);
}

TEST_MAIN(cmocka_unit_test(of_memory), cmocka_unit_test(of_a_file))
