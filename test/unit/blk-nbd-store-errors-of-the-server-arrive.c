/* SPDX-License-Identifier: BSD-3-Clause */
/* A request that an NBD server fails gets the server's errno; others and the connection go on. */
#include "blk_store_test.h"

#include <fcntl.h>

static const char flag[] = "fail-now";

/* Create or remove the file that makes the filter fail requests. */
static void
fail_now(bool on)
{
	if (on)
		close(open(store_test_path(flag), O_CREAT | O_WRONLY, 0600));
	else
		unlink(store_test_path(flag));
}

static void
errors(void **state)
{
	char file[600];
	const char *const args[] = {"--filter=error", "memory", "16M", "error-rate=1",
		"error-pread=EIO", "error-pwrite=ENOSPC", "error-zero=EPERM", "error-trim=EINVAL",
		file, NULL};
	uint8_t *p = store_memory(1 << 20, 5);
	struct store_test t;

	store_test_start(&t);
	snprintf(file, sizeof(file), "error-file=%s", store_test_path(flag));
	store_test_nbdkit(args);
	store_test_open(&t, "nbd:%s", store_test_uri());
	for (int i = 0; i < 3; i++) {
		assert_int_equal(store_write(&t, 0, p, 1 << 20), 0);
		store_reads(&t, 0, 1 << 20, 5);
		fail_now(true);
		assert_int_equal(store_read(&t, 0, p, 65536), -EIO);
		assert_int_equal(store_write(&t, 0, p, 65536), -ENOSPC);
		assert_int_equal(store_op(&t, FIDO_BLK_WRITE_ZEROES, 0, 65536), -EPERM);
		assert_int_equal(store_op(&t, FIDO_BLK_DISCARD, 0, 65536), -EINVAL);
		assert_int_equal(store_op(&t, FIDO_BLK_FLUSH, 0, 0), 0);
		fail_now(false);
	}
	store_test_close(&t);
	store_test_nbdkit_kill();
	store_test_end(&t);
	free(p);
}

TEST_MAIN_ONE(errors)
