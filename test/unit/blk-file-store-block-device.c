/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file store serves a block device with 4096-byte blocks.
 *
 * It serves the whole device, with direct I/O in the device's block size, to one backend at a time,
 * and recognizes it when opened again.
 */
#include "blk_store_test.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#define SIZE (8u << 20)

static char device[32];
static struct store_test t;

/* Create a loop device over the file; it disappears at its last close. @return its descriptor */
static int
loop_device(const char *name)
{
	struct loop_config config = {.block_size = 4096, .info.lo_flags = LO_FLAGS_AUTOCLEAR};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), fd = -1;

	config.fd = (uint32_t)open(store_test_path(name), O_RDWR | O_CLOEXEC);
	for (int tries = 0; control >= 0 && tries < 100; tries++) {
		snprintf(device, sizeof(device), "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
		fd = open(device, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) == 0)
			break;
		if (fd < 0 || errno != EBUSY) /* EBUSY: another process took it */
			tries = 100;
		close(fd);
		fd = -1;
	}
	close(control);
	close((int)config.fd);
	return fd;
}

static void
requests(const char *options, uint32_t block)
{
	uint8_t *p = store_memory(1 << 20, 3);

	store_test_open(&t, "file:%s%s", device, options);
	assert_int_equal(t.store->info.size, SIZE);
	assert_int_equal(t.store->info.block_size, block);
	assert_int_equal(store_write(&t, 1 << 20, p, 1 << 20), 0);
	store_reads(&t, 1 << 20, 1 << 20, 3);
	/* Also for part of a device block, where smaller blocks are served. */
	assert_int_equal(store_op(&t, FIDO_BLK_WRITE_ZEROES, (1 << 20) + block, block), 0);
	assert_int_equal(store_op(&t, FIDO_BLK_WRITE_ZEROES, (1 << 20) + 65536, 131072), 0);
	assert_int_equal(store_op(&t, FIDO_BLK_FLUSH, 0, 0), 0);
	memset(p + block, 0, block);
	memset(p + 65536, 0, 131072);
	{
		uint8_t *got = malloc(1 << 20);

		assert_int_equal(store_read(&t, 1 << 20, got, 1 << 20), 0);
		assert_memory_equal(got, p, 1 << 20);
		free(got);
	}
	assert_int_equal(store_op(&t, FIDO_BLK_DISCARD, 0, SIZE), 0);
	assert_int_equal(store_op(&t, FIDO_BLK_DISCARD, block, block), 0);
	store_test_close(&t);
	free(p);
}

static void
block_device(void **state)
{
	struct blk_store *first;
	uint64_t identity;
	int fd;

	store_test_file("f", SIZE, 0);
	fd = loop_device("f");
	if (fd < 0) {
		unlink(store_test_path("f"));
		TEST_SKIP("this user cannot create a loop device: %s", strerror(errno));
	}
	store_test_start(&t);
	requests("", 512);
	requests(",direct=on", 4096);

	store_test_open(&t, "file:%s", device);
	first = t.store;
	identity = first->info.identity;
	assert_int_equal(store_test_try(&t, false, "file:%s", device), -EBUSY);
	test_message_has("volume v", device, "mounted", NULL);
	t.store = first;
	store_test_close(&t);
	store_test_open(&t, "file:%s", device);
	assert_int_equal(t.store->info.identity, identity);
	store_test_close(&t);
	close(fd);

	/* Another medium in a device of the same name is another volume. */
	fd = loop_device("f");
	assert_true(fd >= 0);
	store_test_open(&t, "file:%s", device);
	assert_int_not_equal(t.store->info.identity, identity);
	store_test_close(&t);
	close(fd);
	unlink(store_test_path("f"));
	store_test_end(&t);
}

TEST_MAIN_ONE(block_device)
