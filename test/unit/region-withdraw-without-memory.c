/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any pages can be withdrawn when neither side has memory left: peers unmap them.
 *
 * They are not sent afterwards.
 */
#include "test.h"

#include "failing_memory.h"

#define G FIDO_GRANULE_SIZE
#define N 64u

static void
withdrawn(void **state)
{
	struct fido_region *r;
	struct test_pair p;
	const struct fido_map *map;
	uint64_t gaddr;
	int fd;
	char *va = test_memory(N * G, &fd);

	test_pair_start(&p, 64);
	map = fido_domain_map(p.b);
	assert_int_equal(fido_region_import(p.a, va, N * G, G, &r), 0);
	assert_int_equal(fido_region_export(r, 0, N * G, fd, 0), 0);
	TEST_WAIT(fido_map_ptr(map, r->gaddr + (N - 1) * G, 1) != NULL &&
		test_reach(fido_link_txq(p.ab, 0), va, 1, &gaddr) == FIDO_REACH_OWN);
	failing_memory_set(true);
	for (uint64_t i = 1; i < N; i += 2)
		if (fido_region_withdraw(r, i * G, G, (unsigned int)TEST_LIMIT_MS) != 0) {
			failing_memory_set(false);
			fail_msg("granule %u was not withdrawn", (unsigned int)i);
		}
	failing_memory_set(false);
	for (uint64_t i = 0; i < N; i++) {
		bool there = i % 2 == 0;

		assert_int_equal(fido_map_ptr(map, r->gaddr + i * G, 1) != NULL, there);
		TEST_WAIT((test_reach(fido_link_txq(p.ab, 0), va + i * G, 1, &gaddr) ==
				  FIDO_REACH_OWN) == there);
	}
	fido_region_destroy(r);
	test_pair_end(&p);
}

TEST_MAIN_ONE(withdrawn)
