/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening a volume fails with the reason, and works once the reason is gone.
 *
 * No backend, no such volume, in use, read-only, invalid configuration.
 */
#include "blk_test.h"

#include <errno.h>

static int
open_as(struct blk_test *t, struct fido_blk_config config)
{
	struct fido_blk *blk;
	int ret;

	if (config.backend == NULL)
		config.backend = "disk";
	if (config.volume == NULL)
		config.volume = "v0";
	ret = fido_blk_open(t->vm, &config, &blk);
	if (ret == 0)
		fido_blk_close(blk);
	return ret;
}

static void
refused(void **state)
{
	struct blk_test t;

	blk_test_start(&t);
	assert_int_equal(open_as(&t,
				 (struct fido_blk_config){.backend = "nobody", .timeout_ms = 50}),
		-ETIMEDOUT);
	test_message_has("v0", "nobody", "fido-ctl list", NULL);
	assert_int_equal(open_as(&t, (struct fido_blk_config){.volume = "v1"}), -ENOENT);
	test_message_has("v1", "disk", "fido-ctl", NULL);
	assert_int_equal(open_as(&t, (struct fido_blk_config){.queues = 33}), -EINVAL);
	assert_int_equal(open_as(&t, (struct fido_blk_config){.depth = 100000}), -EINVAL);
	assert_int_equal(open_as(&t, (struct fido_blk_config){.volume = ""}), -EINVAL);
	/* Refused opens leave nothing harmful behind: all of the above, many times. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(open_as(&t, (struct fido_blk_config){.volume = "v1"}), -ENOENT);
	assert_int_equal(open_as(&t, (struct fido_blk_config){.queues = 4}), 0);
	blk_test_end(&t);
}

static void
exclusive(void **state)
{
	struct fido_blk_config one = {.backend = "disk", .volume = "v0", .exclusive = true};
	struct blk_test t;

	blk_test_serve(&t, (const char *const[]){"mem:8M", NULL}, 2);
	blk_test_open(&t, &one);
	assert_int_equal(open_as(&t, (struct fido_blk_config){.volume = "v0"}), -EBUSY);
	fido_blk_close(t.blk);
	/* The backend notices the close by itself. */
	TEST_WAIT(open_as(&t, (struct fido_blk_config){.volume = "v0"}) == 0);
	assert_int_equal(fido_blk_open(t.vm,
				 &(struct fido_blk_config){.backend = "disk", .volume = "v0"},
				 &t.blk),
		0);
	assert_int_equal(open_as(&t, one), -EBUSY);
	assert_int_equal(open_as(&t, (struct fido_blk_config){.queues = 3}), 0);
	blk_test_end(&t);
}

static void
read_only(void **state)
{
	struct blk_volume_config volume = {.name = "v0", .store = "mem:1M", .read_only = true};
	struct blk_server_config config = {.volume_count = 1, .volumes = &volume};
	struct iovec iov;
	struct blk_test t;

	blk_test_serve(&t, (const char *const[]){"mem:8M", NULL}, 1);
	blk_test_open(&t,
		&(struct fido_blk_config){.backend = "disk", .volume = "v0", .read_only = true});
	iov = (struct iovec){(void *)t.mem->va, 4096};
	assert_int_equal(fido_blk_submit(t.q,
				 &(struct fido_blk_request){.op = FIDO_BLK_WRITE,
					 .length = 4096,
					 .iov = &iov,
					 .iovcnt = 1},
				 1),
		-EROFS);
	fido_blk_close(t.blk);
	blk_test_unserve(&t);
	t.disk = test_join("disk");
	assert_int_equal(blk_server_create(&t.server, t.disk, &config), 0);
	blk_server_destroy(t.server);
	fido_domain_leave(t.disk);
	fido_region_destroy(t.mem);
	fido_domain_leave(t.vm);
	test_rundir_empty();
}

static void
bad_servers(void **state)
{
	static const struct blk_volume_config bad[] = {{"a/b", "mem:1M", false},
		{"", "mem:1M", false}, {"v", "mem:0", false}, {"v", "mem:1x", false},
		{"v", "mem:5000", false}, {"v", "tape:x", false}, {"v", "mem", false},
		{"v", "mem:1048576T", false}};
	struct fido_domain *disk = test_join("disk");
	struct blk_server *server;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct blk_server_config config = {.volume_count = 1, .volumes = &bad[i]};

		assert_true(blk_server_create(&server, disk, &config) < 0);
	}
	fido_domain_leave(disk);
}

TEST_MAIN(cmocka_unit_test(refused), cmocka_unit_test(exclusive), cmocka_unit_test(read_only),
	cmocka_unit_test(bad_servers))
