/* SPDX-License-Identifier: BSD-3-Clause */
/* An export of partial granules, outside the region or file, or exported already is refused. */
#include "test.h"

#define M (UINT64_C(1) << 20)

static void
bad_ranges(void **state)
{
	struct fido_domain *a = test_join("a"), *b = test_join("b");
	struct fido_region *r;
	int fd;
	char *va = test_memory(8 * M, &fd);

	assert_int_equal(fido_region_import(a, va, 7 * M, 4096, &r), 0);
	assert_int_equal(fido_region_export(r, 0, 0, fd, 0), -EINVAL);
	assert_int_equal(fido_region_export(r, 0, 8 * M, fd, 0), -EINVAL);
	assert_int_equal(fido_region_export(r, 8 * M, 2 * M, fd, 0), -EINVAL);
	assert_int_equal(fido_region_export(r, 2 * M, UINT64_MAX, fd, 0), -EINVAL);
	assert_int_equal(fido_region_export(r, UINT64_MAX - M + 1, 2 * M, fd, 0), -EINVAL);
	/* A sender checks exports by the granule: pages of half a granule cannot be told apart. */
	assert_int_equal(fido_region_export(r, 4096, 2 * M, fd, 0), -EINVAL);
	assert_int_equal(fido_region_export(r, 0, 4096, fd, 0), -EINVAL);
	assert_int_equal(fido_region_export(r, 2 * M, 3 * M, fd, 0), -EINVAL);
	/* Pages beyond the end of the file would raise SIGBUS, here and in every peer. */
	assert_int_equal(fido_region_export(r, 0, 2 * M, fd, 7 * M), -EINVAL);
	assert_int_equal(fido_region_export(r, 0, 2 * M, fd, UINT64_MAX - M + 1), -EINVAL);
	assert_int_equal(fido_region_export(r, 0, 2 * M, -1, 0), -EBADF);
	/*
	 * The refused exports left nothing: the whole region, with its odd end, can be exported,
	 * and only once.
	 */
	assert_int_equal(fido_region_export(r, 0, 7 * M, fd, 0), 0);
	assert_int_equal(fido_region_export(r, 2 * M, 2 * M, fd, 2 * M), -EBUSY);
	assert_int_equal(fido_region_withdraw(r, 0, 0, 0), -EINVAL);
	assert_int_equal(fido_region_withdraw(r, 0, 8 * M, 0), -EINVAL);
	assert_int_equal(fido_region_withdraw(r, 4096, 2 * M, 0), -EINVAL);
	TEST_WAIT(fido_domain_peer_count(a) == 1 && fido_domain_peer_count(b) == 1);
	TEST_WAIT(fido_map_ptr(fido_domain_map(b), r->gaddr, (uint32_t)(7 * M)) != NULL);
	fido_region_destroy(r);
	fido_domain_leave(a);
	fido_domain_leave(b);
	test_rundir_empty();
}

TEST_MAIN_ONE(bad_ranges)
