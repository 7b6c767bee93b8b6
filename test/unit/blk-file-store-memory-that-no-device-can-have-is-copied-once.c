/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that is readable but unusable for device I/O is copied once and written.
 *
 * Some memory of a hypervisor is of this kind.
 */
#include "blk_store_test.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#define LEN 65536u

static struct store_test t;

/* memfd_secret(2): older glibc headers lack it. */
static uint8_t *
secret_memory(void)
{
	int fd = (int)syscall(447, 0);
	void *p;

	if (fd < 0)
		return NULL;
	assert_int_equal(ftruncate(fd, LEN), 0);
	p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	close(fd);
	return p;
}

/* Where secret memory is disabled: the kernel's clock page, which is read-only and changes. */
static uint8_t *
clock_page(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[256];
	unsigned long at = 0;

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
		if (strstr(line, "[vvar]") != NULL)
			sscanf(line, "%lx", &at);
	if (maps != NULL)
		fclose(maps);
	return (uint8_t *)at;
}

/* The first piece is usable: the kernel writes it before it fails at the second. */
static void
copied(void **state)
{
	uint8_t *p = store_memory(LEN, 8), *secret = secret_memory(), *got = malloc(2 * LEN);
	static struct store_io r;
	size_t len = secret != NULL ? LEN : 4096;

	store_test_start(&t);
	store_test_file("f", 1 << 20, 0);
	if (store_test_try(&t, false, "file:%s,direct=on", store_test_path("f")) != 0) {
		unlink(store_test_path("f"));
		TEST_SKIP("%s", fido_last_error());
	}
	t.channel = store_test_channel(&t);
	if (secret != NULL)
		test_fill(secret, len, 9);
	for (uint64_t round = 1; round <= 3; round++) {
		store_io_init(&r, &t, FIDO_BLK_WRITE, 8192, NULL, LEN + len);
		r.iov[0] = (struct iovec){p, LEN};
		r.iov[1] = (struct iovec){secret != NULL ? secret : clock_page(), len};
		r.io.iovcnt = 2;
		assert_int_equal(store_io_run(&r), 0);
		assert_int_equal(t.store->copied, round);
	}
	assert_int_equal(store_read(&t, 8192, got, LEN + len), 0);
	assert_true(test_filled(got, LEN, 8));
	assert_true(secret == NULL || test_filled(got + LEN, len, 9));
	store_test_close(&t);
	unlink(store_test_path("f"));
	store_test_end(&t);
	free(got);
	free(p);
}

TEST_MAIN_ONE(copied)
