/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain that asks for another layout than its group's is refused; one that asks for none gets
 * it.
 *
 * The message names both layouts.
 */
#include "test.h"

static void
other_layout(void **state)
{
	static const struct fido_layout other[] = {
		{TEST_BASE + (UINT64_C(1) << 40), TEST_SLOT_SHIFT, TEST_SLOTS},
		{TEST_BASE, TEST_SLOT_SHIFT + 1, TEST_SLOTS},
		{TEST_BASE, TEST_SLOT_SHIFT, TEST_SLOTS - 1},
	};
	struct fido_domain *a = test_join("a"), *b = NULL;
	struct fido_domain_config config = test_config("b");
	char base[32];

	snprintf(base, sizeof(base), "base 0x%lx", (unsigned long)TEST_BASE);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		config.layout = other[i];
		assert_int_equal(fido_domain_join(&b, &config), -EINVAL);
		assert_null(b);
		test_message_has(base, "16 slots", "2^32", NULL);
	}
	config.layout = (struct fido_layout){0};
	assert_int_equal(fido_domain_join(&b, &config), 0);
	assert_int_equal(fido_domain_layout(b)->base, TEST_BASE);
	assert_int_equal(fido_domain_layout(b)->slot_shift, TEST_SLOT_SHIFT);
	assert_int_equal(fido_domain_layout(b)->slots, TEST_SLOTS);
	TEST_WAIT(fido_domain_peer_count(a) == 1);
	fido_domain_leave(a);
	fido_domain_leave(b);
	test_rundir_empty();
}

TEST_MAIN_ONE(other_layout)
