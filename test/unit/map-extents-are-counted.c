/* SPDX-License-Identifier: BSD-3-Clause */
/* An extent is mapped once however often requested, and reads as zeros after its last unmap. */
#include "test.h"

#include <sys/mman.h>

#include "map.h"

static const struct fido_layout layout = TEST_LAYOUT;
static unsigned int calls;

static int
map_ones(void *arg, void *addr, size_t len)
{
	void *p = mmap(addr, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		-1, 0);

	calls++;
	if (p == MAP_FAILED)
		return -errno;
	memset(p, 1, len);
	return arg != NULL ? *(int *)arg : 0;
}

static void
counted(void **state)
{
	const uint64_t base = fido_layout_slot_base(&layout, 2), len = 2 * FIDO_GRANULE_SIZE;
	volatile char *p = (volatile char *)(uintptr_t)base;

	assert_int_equal(fido_slot_reserve(&layout, 2, 1), 0);
	assert_int_equal(fido_slot_map(&layout, base, len, map_ones, NULL), 0);
	assert_int_equal(fido_slot_map(&layout, base, len, map_ones, NULL), 0);
	assert_int_equal(calls, 1);
	fido_slot_unmap(&layout, base, len);
	assert_int_equal(p[len - 1], 1);
	fido_slot_unmap(&layout, base, len);
	assert_int_equal(p[0], 0);
	assert_int_equal(p[len - 1], 0);
	fido_slot_unmap(&layout, base, len); /* once too often: no effect */
	fido_slot_release(&layout, 2);
}

static void
refused(void **state)
{
	const uint64_t base = fido_layout_slot_base(&layout, 2), G = FIDO_GRANULE_SIZE;
	const uint64_t size = UINT64_C(1) << TEST_SLOT_SHIFT;
	int err = -EIO;

	assert_int_equal(fido_slot_map(&layout, base, G, map_ones, NULL),
		-EINVAL); /* not reserved */
	assert_int_equal(fido_slot_reserve(&layout, 2, 1), 0);
	assert_int_equal(fido_slot_map(&layout, base + G, 2 * G, map_ones, NULL), 0);
	calls = 0;
	assert_int_equal(fido_slot_map(&layout, base, 2 * G, map_ones, NULL), -EBUSY);
	assert_int_equal(fido_slot_map(&layout, base + 2 * G, 2 * G, map_ones, NULL), -EBUSY);
	assert_int_equal(fido_slot_map(&layout, base, 0, map_ones, NULL), -EINVAL);
	assert_int_equal(fido_slot_map(&layout, base + size - G, 2 * G, map_ones, NULL), -EINVAL);
	assert_int_equal(fido_slot_map(&layout, base + G, UINT64_MAX, map_ones, NULL), -EINVAL);
	assert_int_equal(fido_slot_map(&layout, 0, G, map_ones, NULL), -EINVAL);
	assert_int_equal(calls, 0);
	/* The error of the mapping function is returned, and the range is free again. */
	assert_int_equal(fido_slot_map(&layout, base + 8 * G, G, map_ones, &err), -EIO);
	assert_int_equal(fido_slot_map(&layout, base + 8 * G, 2 * G, map_ones, NULL), 0);
	fido_slot_release(&layout, 2);
}

TEST_MAIN(cmocka_unit_test(counted), cmocka_unit_test(refused))
