/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory is not posted by address to a peer that was not sent it, until it is sent.
 *
 * Whatever else reaches that peer later.
 */
#include "test.h"

#include "transport_fault.h"

#define G FIDO_GRANULE_SIZE
#define REGIONS 4u

static bool
reaches(struct test_pair *p, const struct fido_region *r)
{
	uint64_t gaddr;

	return test_reach(fido_link_txq(p->ab, 0), (const void *)r->va, 1, &gaddr) ==
		FIDO_REACH_OWN;
}

static void
not_sent(void **state)
{
	struct fido_domain_config config = test_config("a");
	struct fido_region *r[REGIONS], *other;
	struct test_pair p = {0};
	int fd;
	void *va = test_memory(G, &fd);

	config.group = "fault:" TEST_GROUP;
	fault_plan(&(struct fault_plan){0});
	assert_int_equal(fido_domain_join(&p.a, &config), 0);
	p.b = test_join("b");
	p.mem = test_arena(p.a, G);
	p.ab = test_link(p.a, "b", NULL, 1, 1, 64);
	p.ba = test_link(p.b, "a", NULL, 1, 1, 64);
	test_wait_up(p.ab, p.ba);
	fault_plan(&(struct fault_plan){.lose_exports = REGIONS});
	for (unsigned int i = 0; i < REGIONS; i++)
		r[i] = test_arena(p.a, G);
	/*
	 * A withdrawal starts an epoch too, and completes although memory of an earlier one is
	 * missing.
	 */
	assert_int_equal(fido_region_import(p.a, va, G, G, &other), 0);
	fault_plan(&(struct fault_plan){.lose_exports = 1});
	assert_int_equal(fido_region_export(other, 0, G, fd, 0), 0);
	assert_int_equal(fido_region_withdraw(other, 0, G, (unsigned int)TEST_LIMIT_MS), 0);
	/* The control thread may have sent it by now; the sender's view must be true. */
	for (unsigned int i = 0; i < REGIONS; i++)
		assert_true(!reaches(&p, r[i]) ||
			fido_map_ptr(fido_domain_map(p.b), r[i]->gaddr, G) != NULL);
	assert_true(fido_link_is_up(p.ab));
	fault_plan(&(struct fault_plan){0});
	assert_int_equal(fido_region_export(other, 0, G, fd, 0), 0);
	TEST_WAIT(reaches(&p, other));
	for (unsigned int i = 0; i < REGIONS; i++) {
		struct fido_buf buf = {(void *)r[i]->va, 64, 0, &p};
		struct fido_rx rx;

		assert_true(reaches(&p, r[i]));
		test_fill((void *)r[i]->va, 64, i);
		assert_int_equal(fido_txq_post(fido_link_txq(p.ab, 0), &buf, 1), 1);
		rx = test_poll(fido_link_rxq(p.ba, 0));
		assert_true(test_filled(rx.desc.data, 64, i));
		test_complete(fido_link_rxq(p.ba, 0), &rx, FIDO_STATUS_OK);
		assert_int_equal(test_take_all(fido_link_txq(p.ab, 0), 1), 1);
	}
	fido_region_destroy(other);
	test_pair_end(&p);
	close(fd);
}

TEST_MAIN_ONE(not_sent)
