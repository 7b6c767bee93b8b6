/* SPDX-License-Identifier: BSD-3-Clause */
/* The unexported part of a partly mapped granule reads as zeros, without a fault. */
#include "test.h"

#include <sys/mman.h>

#include "map.h"

#define PAGE 4096u

static const struct fido_layout layout = TEST_LAYOUT;

static int
map_ones(void *arg, void *addr, size_t len)
{
	void *p = mmap(addr, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		-1, 0);

	if (p == MAP_FAILED)
		return -errno;
	memset(p, 1, len);
	return 0;
}

static unsigned int
sum(uint64_t gaddr, uint64_t len)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)gaddr;
	unsigned int n = 0;

	for (uint64_t i = 0; i < len; i++)
		n += p[i];
	return n;
}

static void
partial(void **state)
{
	const uint64_t base = fido_layout_slot_base(&layout, 1);
	const uint64_t at =
		base + FIDO_GRANULE_SIZE - PAGE; /* last page of a granule, first of the next */

	assert_int_equal(fido_slot_reserve(&layout, 1, 1), 0);
	assert_int_equal(fido_slot_map(&layout, at, 2 * PAGE, map_ones, NULL), 0);
	assert_int_equal(sum(base, 2 * FIDO_GRANULE_SIZE), 2 * PAGE);
	assert_int_equal(sum(at, 2 * PAGE), 2 * PAGE);
	/* A second extent in the same granules does not change the first. */
	assert_int_equal(fido_slot_map(&layout, base + PAGE, PAGE, map_ones, NULL), 0);
	assert_int_equal(sum(base, 2 * FIDO_GRANULE_SIZE), 3 * PAGE);
	fido_slot_unmap(&layout, at, 2 * PAGE);
	assert_int_equal(sum(base, 2 * FIDO_GRANULE_SIZE), PAGE);
	fido_slot_release(&layout, 1);
}

static void
inside_one_granule(void **state)
{
	const uint64_t base = fido_layout_slot_base(&layout, 1);

	for (unsigned int page = 0; page < 3; page++) {
		assert_int_equal(fido_slot_reserve(&layout, 1, 1), 0);
		assert_int_equal(fido_slot_map(&layout, base + page * PAGE, PAGE, map_ones, NULL),
			0);
		assert_int_equal(sum(base, FIDO_GRANULE_SIZE), PAGE);
		fido_slot_release(&layout, 1);
	}
}

TEST_MAIN(cmocka_unit_test(partial), cmocka_unit_test(inside_one_granule))
