/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A link with a taken or bad name, to the domain itself or of bad shape is refused with a message.
 */
#include "test.h"

static int
create(struct fido_domain *d, const char *peer, const char *name)
{
	struct fido_link_config config = {.peer = peer, .name = name};
	struct fido_link *link = NULL;
	int ret = fido_link_create(d, &config, &link);

	assert_int_equal(link != NULL, ret == 0);
	return ret;
}

static void
names(void **state)
{
	static const char *const bad[] = {"", "a b", "a/b", ".x",
		"01234567890123456789012345678901"};
	struct fido_domain *d = test_join("a");

	assert_int_equal(create(d, "b", NULL), 0);
	assert_int_equal(create(d, "b", "0"), -EEXIST); /* NULL is "0" */
	test_message_has("domain a", "link 0 to b", "link=NAME", NULL);
	assert_int_equal(create(d, "b", "1"), 0);
	assert_int_equal(create(d, "b", "1"), -EEXIST);
	assert_int_equal(create(d, "c", "1"), 0);
	assert_int_equal(create(d, "a", NULL), -EINVAL);
	test_message_has("domain a", "another domain", NULL);
	assert_int_equal(create(d, NULL, NULL), -EINVAL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(create(d, bad[i], NULL), -EINVAL);
		assert_int_equal(create(d, "b", bad[i]), -EINVAL);
		test_message_has("A-Z a-z 0-9", NULL);
	}
	fido_domain_leave(d); /* also with links that were not destroyed */
	test_rundir_empty();
}

static void
too_many(void **state)
{
	struct fido_domain *d = test_join("a");
	char name[16];

	for (int i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		assert_int_equal(create(d, "b", name), 0);
	}
	assert_int_equal(create(d, "b", "one-more"), -ENOSPC);
	test_message_has("domain a", "64 links", NULL);
	fido_domain_leave(d);
}

static void
shape(void **state)
{
	static const uint32_t sizes[] = {0, 1, 15, 24, 100, 1023, 65536, UINT32_MAX};
	struct fido_domain *d = test_join("a");
	struct fido_link_config config = {.peer = "b"};
	struct fido_link *link;

	assert_int_equal(fido_link_create(d, &config, &link), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(fido_link_configure(link, 1, 1, sizes[i]), -EINVAL);
		test_message_has("link 0 to b", "power of two from 16 to 32768", NULL);
	}
	assert_int_equal(fido_link_configure(link, FIDO_LINK_QUEUES_MAX + 1, 1, 64), -EINVAL);
	test_message_has("33 tx", "at most 32", NULL);
	assert_int_equal(fido_link_configure(link, 1, 65535, 64), -EINVAL);
	assert_int_equal(fido_link_configure(link, 2, 3, 64), 0);
	assert_non_null(fido_link_txq(link, 1));
	assert_non_null(fido_link_rxq(link, 2));
	assert_null(fido_link_txq(link, 2));
	assert_null(fido_link_rxq(link, 3));
	assert_null(fido_link_txq(link, 32));
	assert_null(fido_link_rxq(link, 65535));
	assert_int_equal(fido_link_open(link), 0);
	assert_int_equal(fido_link_configure(link, 1, 1, 64), -EBUSY);
	fido_link_close(link);
	assert_int_equal(fido_link_configure(link, 1, 1, 64), 0);
	fido_link_destroy(link);
	fido_link_destroy(NULL);
	fido_domain_leave(d);
}

TEST_MAIN(cmocka_unit_test(names), cmocka_unit_test(too_many), cmocka_unit_test(shape))
