/* SPDX-License-Identifier: BSD-3-Clause */
/* Two domains can have many links, distinguished by name, each with its own traffic. */
#include "test.h"

#define LINKS 5

static void
several(void **state)
{
	static const char *const names[LINKS] = {NULL, "1", "control", "data", "Z_9-."};
	struct fido_link *ab[LINKS], *ba[LINKS];
	struct test_pair p;

	test_pair_join(&p);
	for (int i = 0; i < LINKS; i++)
		ab[i] = test_link(p.a, "b", names[i], 1, 1, 64);
	for (int i = LINKS; i-- > 0;) /* created in another order: the name decides */
		ba[i] = test_link(p.b, "a", names[i], 1, 1, 64);
	for (int i = 0; i < LINKS; i++)
		test_wait_up(ab[i], ba[i]);
	for (uint32_t i = 0; i < LINKS; i++)
		TEST_WAIT(test_post(fido_link_txq(ab[i], 0), p.mem, 10 + i) == 1);
	for (uint32_t i = 0; i < LINKS; i++) {
		struct fido_rx rx = test_poll(fido_link_rxq(ba[i], 0));

		assert_true(test_filled(rx.desc.data, rx.desc.len, 10 + i));
		test_complete(fido_link_rxq(ba[i], 0), &rx, FIDO_STATUS_OK);
	}
	for (uint32_t i = 0; i < LINKS; i++)
		assert_int_equal(test_take(fido_link_txq(ab[i], 0)), 11 + i);
	/* One goes down alone. */
	fido_link_close(ba[2]);
	TEST_WAIT(!fido_link_is_up(ab[2]));
	for (uint32_t i = 0; i < LINKS; i++)
		assert_int_equal(fido_link_is_up(ab[i]), i != 2);
	for (int i = 1; i < LINKS; i++) {
		fido_link_destroy(ab[i]);
		fido_link_destroy(ba[i]);
	}
	p.ab = ab[0];
	p.ba = ba[0];
	test_pair_end(&p);
}

TEST_MAIN_ONE(several)
