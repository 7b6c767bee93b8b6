/* SPDX-License-Identifier: BSD-3-Clause */
/* An arena, and the used part of the control region, have their pages before the first access. */
#include "test.h"

#include <sys/stat.h>

#include "domain_private.h"

#define LEN (16 * FIDO_GRANULE_SIZE)

static uint64_t
allocated(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static void
has_pages(void **state)
{
	struct fido_domain_config config = test_config("a");
	struct fido_domain *d;
	struct fido_region *r;
	uint64_t before;
	void *p;

	/* With and without hugepages; without hugepages on the machine both are the same. */
	for (int no_huge = 0; no_huge < 2; no_huge++) {
		config.no_hugepages = no_huge;
		assert_int_equal(fido_domain_join(&d, &config), 0);
		assert_int_equal(fido_arena_create(d, LEN, &r), 0);
		assert_true(allocated(r->fd) >= LEN);
		before = allocated(d->control_fd);
		assert_true(before >= FIDO_CONTROL_HEAP_OFFSET);
		assert_true(before < d->control_size); /* unused memory has no pages */
		p = fido_domain_shm_alloc(d, 1 << 20);
		assert_non_null(p);
		assert_true(allocated(d->control_fd) >= before + (1 << 20));
		fido_domain_leave(d);
	}
}

TEST_MAIN_ONE(has_pages)
