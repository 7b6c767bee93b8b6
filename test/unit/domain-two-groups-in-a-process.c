/* SPDX-License-Identifier: BSD-3-Clause */
/* Two groups in one process work in disjoint layouts and are refused in overlapping ones. */
#include "test.h"

static int
join_other(struct fido_domain **out, const char *name, uint64_t base, uint32_t shift,
	uint32_t slots)
{
	struct fido_domain_config config = test_config(name);

	config.group = "other";
	config.layout = (struct fido_layout){base, shift, slots};
	*out = NULL;
	return fido_domain_join(out, &config);
}

static void
overlapping(void **state)
{
	const uint64_t slot = UINT64_C(1) << TEST_SLOT_SHIFT;
	struct fido_domain *a = test_join("a"), *b = test_join("b"), *x;
	const struct fido_layout other[] = {
		{TEST_BASE, TEST_SLOT_SHIFT, TEST_SLOTS},        /* the same */
		{TEST_BASE + slot, TEST_SLOT_SHIFT, TEST_SLOTS}, /* its first slot is b's */
		{TEST_BASE + 15 * slot, TEST_SLOT_SHIFT,
			TEST_SLOTS},                    /* shares a slot that is not yet used */
		{TEST_BASE - slot, TEST_SLOT_SHIFT, 2}, /* its second is a's */
		{TEST_BASE + 2 * slot, TEST_SLOT_SHIFT - 4, 2},
	};

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		assert_int_equal(join_other(&x, "x", other[i].base, other[i].slot_shift,
					 other[i].slots),
			-EBUSY);
		assert_null(x);
		test_message_has("group other", "another group", "base", NULL);
	}
	fido_domain_leave(a);
	fido_domain_leave(b);
	test_rundir_empty();
	/* When the other group is gone, its address range is free. */
	assert_int_equal(join_other(&x, "x", TEST_BASE, TEST_SLOT_SHIFT, TEST_SLOTS), 0);
	fido_domain_leave(x);
	test_rundir_empty();
}

static void
disjoint(void **state)
{
	struct fido_domain *x, *y;
	struct fido_link *xy, *yx;
	struct test_pair p;

	test_pair_start(&p, 64);
	assert_int_equal(join_other(&x, "a", TEST_BASE + (UINT64_C(1) << 36), 32, 4), 0);
	assert_int_equal(join_other(&y, "b", TEST_BASE + (UINT64_C(1) << 36), 32, 4), 0);
	xy = test_link(x, "b", NULL, 1, 1, 64);
	yx = test_link(y, "a", NULL, 1, 1, 64);
	test_wait_up(xy, yx);
	assert_int_equal(fido_domain_peer_count(x), 1);
	assert_int_equal(fido_domain_peer_count(p.a), 1);
	fido_link_destroy(xy);
	fido_link_destroy(yx);
	fido_domain_leave(x);
	fido_domain_leave(y);
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(overlapping), cmocka_unit_test(disjoint))
