/* A file that one backend writes cannot be opened by another; it can when the first has closed it, or was killed. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "blk_store_test.h"

#include <signal.h>
#include <sys/wait.h>

static struct store_test t;

static void
one_writer(void **state)
{
	struct blk_store *first;

	store_test_start(&t);
	store_test_file("f", 1 << 20, 0);
	store_test_open(&t, "file:%s", store_test_path("f"));
	first = t.store;
	for (int read_only = 0; read_only < 2; read_only++) {
		assert_int_equal(store_test_try(&t, read_only, "file:%s", store_test_path("f")), -EBUSY);
		test_message_has("volume v", "in use", "fuser -v", NULL);
	}
	t.store = first;
	store_test_close(&t);
	store_test_open(&t, "file:%s", store_test_path("f"));
	store_test_close(&t);
	unlink(store_test_path("f"));
	store_test_end(&t);
}

static void
many_readers(void **state)
{
	struct blk_store *first;

	store_test_start(&t);
	store_test_file("f", 1 << 20, 0);
	assert_int_equal(store_test_try(&t, true, "file:%s", store_test_path("f")), 0);
	first = t.store;
	assert_int_equal(store_test_try(&t, true, "file:%s", store_test_path("f")), 0);
	blk_store_close(t.store);
	assert_int_equal(store_test_try(&t, false, "file:%s", store_test_path("f")), -EBUSY);
	blk_store_close(first);
	assert_int_equal(store_test_try(&t, false, "file:%s", store_test_path("f")), 0);
	store_test_close(&t);
	unlink(store_test_path("f"));
	store_test_end(&t);
}

/* Requests are in flight when it is killed, and nobody waits until the kernel has let go of them. */
static void
killed_with_requests(void)
{
	static struct store_io r[64];
	struct store_test child;
	int to[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(to), 0);
	pid = fork();
	if (pid == 0) {
		child = (struct store_test){.domain = test_join("b")};
		blk_buffers_create(&child.buffers, child.domain, 8 << 20);
		store_test_open(&child, "file:%s", store_test_path("f"));
		for (size_t i = 0; i < 64; i++) {
			store_io_init(&r[i], &child, FIDO_BLK_READ, i << 16, NULL, 65536);
			store_io_submit(&r[i]);
		}
		child.store->ops->poll(child.channel);
		_exit(write(to[1], "x", 1) == 1 ? (pause(), 0) : 1);
	}
	assert_int_equal(read(to[0], &c, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(to[0]);
	close(to[1]);
}

static void
killed(void **state)
{
	for (int i = 0; i < 5; i++) {
		store_test_file("f", 8 << 20, 0);
		killed_with_requests();
		store_test_start(&t);
		store_test_open(&t, "file:%s", store_test_path("f"));
		store_test_close(&t);
		unlink(store_test_path("f"));
		store_test_end(&t);
	}
}

TEST_MAIN(cmocka_unit_test(one_writer), cmocka_unit_test(many_readers), cmocka_unit_test(killed))
