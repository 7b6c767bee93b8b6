/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file open for writing in one backend cannot be opened by another until the first closes or
 * dies.
 */
#include "blk_store_test.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static struct store_test t;

/*
 * A thread that opens a file in use. The open fails after the seconds granted to a killed backend
 * to exit.
 */
struct newcomer {
	pthread_t thread;
	struct store_test test;
	const char *file;
	bool read_only;
	int ret;
	char message[512];
};

static void *
comes(void *arg)
{
	struct newcomer *n = arg;

	n->ret = store_test_try(&n->test, n->read_only, "file:%s", n->file);
	snprintf(n->message, sizeof(n->message), "%s", fido_last_error());
	return NULL;
}

static void
begin(struct newcomer *n, const char *file, bool read_only)
{
	*n = (struct newcomer){.test.domain = t.domain, .file = file, .read_only = read_only};
	assert_int_equal(pthread_create(&n->thread, NULL, comes, n), 0);
}

static void
is_refused(struct newcomer *n)
{
	pthread_join(n->thread, NULL);
	assert_int_equal(n->ret, -EBUSY);
	assert_non_null(strstr(n->message, "volume v"));
	assert_non_null(strstr(n->message, "in use"));
	assert_non_null(strstr(n->message, "fuser -v"));
}

/* One file has a writer; the other had two readers and keeps one. */
static void
in_use(void **state)
{
	static struct newcomer writer, reader, among_readers;
	struct store_test readers[2];
	char of_writer[PATH_MAX], of_readers[PATH_MAX];

	store_test_start(&t);
	store_test_file("w", 1 << 20, 0);
	store_test_file("r", 1 << 20, 0);
	strcpy(of_writer, store_test_path("w"));
	strcpy(of_readers, store_test_path("r"));
	store_test_open(&t, "file:%s", of_writer);
	for (int i = 0; i < 2; i++) {
		readers[i] = (struct store_test){.domain = t.domain};
		assert_int_equal(store_test_try(&readers[i], true, "file:%s", of_readers), 0);
	}
	blk_store_close(readers[1].store);
	begin(&writer, of_writer, false);
	begin(&reader, of_writer, true);
	begin(&among_readers, of_readers, false);
	is_refused(&writer);
	is_refused(&reader);
	is_refused(&among_readers);
	blk_store_close(readers[0].store);
	store_test_close(&t);
	/* No process has them open any more. */
	store_test_open(&t, "file:%s", of_writer);
	store_test_close(&t);
	store_test_open(&t, "file:%s", of_readers);
	store_test_close(&t);
	unlink(of_writer);
	unlink(of_readers);
	store_test_end(&t);
}

/* Killed with requests in flight; the next open does not wait for the kernel to finish them. */
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

TEST_MAIN(cmocka_unit_test(in_use), cmocka_unit_test(killed))
