/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rings too large for the control region are refused with a message; the link can be made smaller.
 */
#include "test.h"

static void
full(void **state)
{
	struct fido_domain_config config = test_config("a");
	struct fido_link_config link_config = {.peer = "b"};
	struct fido_domain *a = NULL, *b = test_join("b");
	struct fido_link *ab, *ba;

	config.control_size = 1; /* 2 MiB: 1.5 for rings */
	assert_int_equal(fido_domain_join(&a, &config), 0);
	assert_int_equal(fido_link_create(a, &link_config, &ab), 0);
	assert_int_equal(fido_link_configure(ab, 4, 1, 32768), 0); /* half a MiB each */
	assert_int_equal(fido_link_open(ab), -ENOSPC);
	test_message_has("link 0 of a to b", "4 rings of 32768", "control_size", NULL);
	assert_int_equal(fido_link_open(ab),
		-ENOSPC); /* the first attempt left nothing allocated */
	assert_int_equal(fido_link_configure(ab, 2, 1, 32768), 0);
	assert_int_equal(fido_link_open(ab), 0);
	/*
	 * The peer's rings need room for completions here: the link stays down, and nothing else
	 * happens.
	 */
	ba = test_link(b, "a", NULL, 6, 1, 32768);
	usleep(50000);
	assert_false(fido_link_is_up(ab) || fido_link_is_up(ba));
	fido_link_close(ba);
	assert_int_equal(fido_link_configure(ba, 1, 1, 64), 0);
	fido_link_close(ab);
	assert_int_equal(fido_link_open(ab), 0);
	assert_int_equal(fido_link_open(ba), 0);
	test_wait_up(ab, ba);
	/* Many times: closing frees the memory. */
	for (int i = 0; i < 20; i++) {
		fido_link_close(ab);
		TEST_WAIT(fido_link_open(ab) == 0);
		test_wait_up(ab, ba);
	}
	fido_link_destroy(ab);
	fido_link_destroy(ba);
	fido_domain_leave(a);
	fido_domain_leave(b);
	test_rundir_empty();
}

TEST_MAIN_ONE(full)
