/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of "file:" work, or are refused with a message that says what to write or do. */
#include "blk_store_test.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct store_test t;

static void
refused(int error, const char *spec, const char *hint)
{
	assert_int_equal(store_test_try(&t, false, "%s", spec), error);
	test_message_has("volume v", hint, NULL);
	assert_null(t.store);
}

static void
not_options(void **state)
{
	store_test_start(&t);
	refused(-EINVAL, "file:", "file:PATH");
	refused(-EINVAL, "file:,direct=on", "file:PATH");
	refused(-EINVAL, "file:/x,direct", "direct=on");
	refused(-EINVAL, "file:/x,direct=maybe", "direct=off");
	refused(-EINVAL, "file:/x,", "no option ''");
	refused(-EINVAL, "file:/x,readonly=on", "create=SIZE");
	refused(-EINVAL, "file:/x,create=", "SIZE");
	refused(-EINVAL, "file:/x,create=0", "SIZE");
	refused(-EINVAL, "file:/x,create=513", "SIZE");
	refused(-EINVAL, "file:/x,create=-1M", "SIZE");
	refused(-EINVAL, "file:/x,create=1Mi", "SIZE");
	refused(-EINVAL, "file:/x,create=9999999T", "SIZE");
	refused(-EINVAL, "file:/x,create=99999999999999999999", "SIZE");
	store_test_end(&t);
}

static void
not_files(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char spec[512];

	store_test_start(&t);
	refused(-EISDIR, "file:/", "cannot open /");
	refused(-EINVAL, "file:/dev/zero", "neither a regular file nor a block device");
	snprintf(spec, sizeof(spec), "file:%s", store_test_path("f"));
	refused(-ENOENT, spec, "create=SIZE");
	assert_int_equal(mkfifo(store_test_path("f"), 0600), 0);
	refused(-EINVAL, spec, "neither a regular file");
	unlink(store_test_path("f"));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", store_test_path("f"));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	refused(-ENXIO, spec, "cannot open");
	close(fd);
	unlink(store_test_path("f"));
	store_test_file("f", 511, 0);
	refused(-EINVAL, spec, "truncate -s");
	unlink(store_test_path("f"));
	assert_int_equal(store_test_try(&t, false, "file:%s,create=1M", store_test_path("none/f")),
		-ENOENT);
	assert_int_equal(store_test_try(&t, true, "file:%s,create=1M", store_test_path("f")),
		-ENOENT);
	test_message_has("volume v", "for writing", NULL);
	store_test_end(&t);
}

static void
created(void **state)
{
	struct stat st;

	store_test_start(&t);
	store_test_open(&t, "file:%s,create=3M", store_test_path("a,,b"));
	assert_int_equal(t.store->info.size, 3 << 20);
	assert_int_equal(stat(store_test_path("a,b"), &st), 0);
	assert_int_equal(st.st_size, 3 << 20);
	assert_int_equal(st.st_mode & 0777, 0600);
	store_reads(&t, (3 << 20) - 4096, 4096, 0);
	store_test_close(&t);
	/* An existing file keeps its content. */
	assert_int_equal(truncate(store_test_path("a,b"), (1 << 20) + 700), 0);
	store_test_open(&t, "file:%s,direct=off,create=8M", store_test_path("a,,b"));
	assert_int_equal(t.store->info.size, (1 << 20) + 512);
	assert_int_equal(t.store->info.block_size, 512);
	store_test_close(&t);
	unlink(store_test_path("a,b"));
	store_test_end(&t);
}

TEST_MAIN(cmocka_unit_test(not_options), cmocka_unit_test(not_files), cmocka_unit_test(created))
