/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is unreadable when sent costs one connection; later writes are copied first. */
#include "blk_store_test.h"

#include <sys/mman.h>

#define LEN 131072u

static void
memory_gone(void **state)
{
	static const char *const args[] = {"memory", "16M", NULL};
	uint8_t *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct store_test t;

	assert_ptr_not_equal(p, MAP_FAILED);
	test_fill(p, LEN, 3);
	store_test_start(&t);
	store_test_nbdkit(args);
	store_test_open(&t, "nbd:%s", store_test_uri());
	assert_int_equal(store_write(&t, 0, p, LEN), 0);
	assert_int_equal(mprotect(p, LEN, PROT_NONE), 0);
	assert_int_equal(store_write(&t, LEN, p, LEN), -ENOTCONN);
	assert_int_equal(t.store->copied, 0);
	/*
	 * In a backend, missing memory reads as zeros after the first access; here it is restored.
	 */
	assert_int_equal(mprotect(p, LEN, PROT_READ), 0);
	TEST_WAIT(store_write(&t, LEN, p, LEN) == 0);
	assert_int_equal(t.store->copied, 1);
	store_reads(&t, LEN, LEN, 3);
	store_reads(&t, 0, LEN, 3);
	store_test_close(&t);
	store_test_nbdkit_kill();
	store_test_end(&t);
	munmap(p, LEN);
}

TEST_MAIN_ONE(memory_gone)
