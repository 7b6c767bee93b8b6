/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control region's size is rounded up; an impossible one is refused with a message.
 *
 * Nothing is left behind.
 */
#include "test.h"

static int
join(size_t control_size, uint32_t slot_shift)
{
	struct fido_domain_config config = test_config("a");
	struct fido_domain *d = NULL;
	int ret;

	config.control_size = control_size;
	config.layout.slot_shift = slot_shift;
	ret = fido_domain_join(&d, &config);
	if (ret != 0)
		assert_null(d);
	fido_domain_leave(d);
	test_rundir_empty();
	return ret;
}

static void
limits(void **state)
{
	assert_int_equal(join(1, 32), 0);
	assert_int_equal(join(FIDO_GRANULE_SIZE + 1, 32), 0);
	assert_int_equal(join((1u << 30) + 1, 32), -EINVAL);
	test_message_has("control_size", "1073741824", NULL);
	assert_int_equal(join(SIZE_MAX, 32), -EINVAL);
	test_message_has("control_size", "18446744073709551615", NULL);
	assert_int_equal(join(16u << 20, 24), 0);
	assert_int_equal(join((16u << 20) + 1, 24), -EINVAL);
	test_message_has("control_size", "slot", NULL);
}

TEST_MAIN_ONE(limits)
