/* SPDX-License-Identifier: BSD-3-Clause */
/* A slot's address range is reserved for one generation of one layout until its last release. */
#include "test.h"

#include <sys/mman.h>

#include "map.h"

static const struct fido_layout layout = TEST_LAYOUT;

static void
counted(void **state)
{
	assert_int_equal(fido_slot_reserve(&layout, 3, 77), 0);
	assert_int_equal(fido_slot_reserve(&layout, 3, 77), 0);
	fido_slot_release(&layout, 3);
	assert_int_equal(fido_slot_reserve(&layout, 3, 78), -EBUSY);
	fido_slot_release(&layout, 3);
	assert_int_equal(fido_slot_reserve(&layout, 3, 78), 0);
	fido_slot_release(&layout, 3);
}

static void
other_layout_overlaps(void **state)
{
	const struct fido_layout larger = {TEST_BASE, TEST_SLOT_SHIFT + 1, 8};
	const struct fido_layout smaller = {TEST_BASE, TEST_SLOT_SHIFT - 1, 16};
	const struct fido_layout shifted = {TEST_BASE + (UINT64_C(1) << (TEST_SLOT_SHIFT - 1)),
		TEST_SLOT_SHIFT, 16};

	assert_int_equal(fido_slot_reserve(&layout, 3, 77), 0);
	assert_int_equal(fido_slot_reserve(&larger, 1, 77), -EBUSY);  /* covers slots 2 and 3 */
	assert_int_equal(fido_slot_reserve(&smaller, 6, 77), -EBUSY); /* lower half of slot 3 */
	assert_int_equal(fido_slot_reserve(&smaller, 7, 77), -EBUSY); /* upper half of slot 3 */
	assert_int_equal(fido_slot_reserve(&shifted, 2, 77), -EBUSY);
	assert_int_equal(fido_slot_reserve(&shifted, 3, 77), -EBUSY);
	assert_int_equal(fido_slot_reserve(&shifted, 4, 77), 0);
	fido_slot_release(&shifted, 4);
	fido_slot_release(&layout, 3);
}

static void
other_mapping_is_there(void **state)
{
	void *at = (void *)(uintptr_t)(fido_layout_slot_base(&layout, 5) + 4096 * 100);
	void *p = mmap(at, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_equal(p, at);
	assert_int_equal(fido_slot_reserve(&layout, 5, 77), -EBUSY);
	*(char *)p = 1; /* and it is still mapped */
	munmap(p, 4096);
	assert_int_equal(fido_slot_reserve(&layout, 5, 77), 0);
	fido_slot_release(&layout, 5);
}

TEST_MAIN(cmocka_unit_test(counted), cmocka_unit_test(other_layout_overlaps),
	cmocka_unit_test(other_mapping_is_there))
