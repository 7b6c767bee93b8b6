/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whichever transport call fails, the error is returned, nothing is left, and the next try works.
 */
#include "test.h"

#include "transport_fault.h"

#define GROUP "fault:" TEST_GROUP

/* Join, allocate, create a link, as an application does when it starts. @return the first error */
static int
start(struct fido_domain **d, struct fido_link **link)
{
	struct fido_domain_config config = test_config("a");
	struct fido_link_config link_config = {.peer = "b"};
	struct fido_region *mem;
	int ret;

	*d = NULL;
	*link = NULL;
	config.group = GROUP;
	ret = fido_domain_join(d, &config);
	if (ret != 0) {
		*d = NULL;
		return ret;
	}
	ret = fido_arena_create(*d, 1 << 21, &mem);
	if (ret == 0)
		ret = fido_link_create(*d, &link_config, link);
	if (ret == 0)
		ret = fido_link_configure(*link, 2, 2, 64);
	return ret == 0 ? fido_link_open(*link) : ret;
}

static void
end(struct fido_domain *d, struct fido_link *link)
{
	fido_link_destroy(link);
	fido_domain_leave(d);
	test_rundir_empty();
}

static void
each_fails(void **state)
{
	static const int errors[] = {-ENOMEM, -EMFILE, -EIO};
	struct fido_domain *d;
	struct fido_link *link;
	uint32_t count;

	fault_plan(&(struct fault_plan){0});
	assert_int_equal(start(&d, &link), 0);
	count = fault_calls_that_fail();
	assert_in_range(count, 8,
		100); /* join, start, control block, arena (each with its seal), four doorbells */
	end(d, link);
	for (uint32_t n = 1; n <= count; n++) {
		int error = errors[n % 3];

		fault_plan(&(struct fault_plan){.fail_at = n, .error = error});
		assert_int_equal(start(&d, &link), error);
		end(d, link);
		fault_plan(&(struct fault_plan){0});
		assert_int_equal(start(&d, &link), 0);
		end(d, link);
	}
}

/* What failed once works later in the same domain: nothing of the first try is in the way. */
static void
tried_again(void **state)
{
	struct test_pair p = {0};
	struct fido_domain_config config = test_config("a");
	struct fido_link_config link_config = {.peer = "b"};
	struct fido_region *mem;

	config.group = GROUP;
	fault_plan(&(struct fault_plan){0});
	assert_int_equal(fido_domain_join(&p.a, &config), 0);
	p.b = test_join("b");
	for (uint32_t n = 1; n <= 2; n++) {
		fault_plan(&(struct fault_plan){.fail_at = n, .error = -ENOMEM});
		assert_int_equal(fido_arena_create(p.a, 1 << 21, &mem), -ENOMEM);
	}
	fault_plan(&(struct fault_plan){0});
	assert_int_equal(fido_arena_create(p.a, 1 << 21, &p.mem), 0);
	assert_int_equal(fido_link_create(p.a, &link_config, &p.ab), 0);
	for (uint32_t n = 1; n <= 3; n++) {
		fault_plan(&(struct fault_plan){.fail_at = 1, .error = -EMFILE});
		assert_int_equal(fido_link_configure(p.ab, (uint16_t)n, (uint16_t)n, 64), -EMFILE);
		fault_plan(&(struct fault_plan){0});
		assert_int_equal(fido_link_configure(p.ab, (uint16_t)n, (uint16_t)n, 64), 0);
	}
	assert_int_equal(fido_link_open(p.ab), 0);
	p.ba = test_link(p.b, "a", NULL, 1, 1, 64);
	test_wait_up(p.ab, p.ba);
	for (uint32_t i = 0; i < 10; i++) {
		struct fido_rx rx;

		TEST_WAIT(test_post(fido_link_txq(p.ab, 0), p.mem, i) == 1);
		rx = test_poll(fido_link_rxq(p.ba, 0));
		assert_true(test_filled(rx.desc.data, TEST_BUF, i));
		test_complete(fido_link_rxq(p.ba, 0), &rx, FIDO_STATUS_OK);
		assert_int_equal(test_take(fido_link_txq(p.ab, 0)), i + 1);
	}
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(each_fails), cmocka_unit_test(tried_again))
