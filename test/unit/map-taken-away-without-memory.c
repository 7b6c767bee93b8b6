/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any mapped granules can be unmapped when no memory is left: they read as zeros, the rest stays.
 */
#include "test.h"

#include <sys/mman.h>

#include "failing_memory.h"
#include "map.h"

#define G FIDO_GRANULE_SIZE
#define EXTENTS 16
#define EACH 9 /* granules */

static const struct fido_layout layout = TEST_LAYOUT;

static int
map_ones(void *arg, void *addr, size_t len)
{
	void *p = mmap(addr, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	(void)arg;
	if (p == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < len; i += G)
		((char *)p)[i] = 1;
	return 0;
}

static char
byte(uint64_t gaddr)
{
	return *(const volatile char *)(uintptr_t)gaddr;
}

static void
taken_away(void **state)
{
	const uint64_t base = fido_layout_slot_base(&layout, 1);

	assert_int_equal(fido_slot_reserve(&layout, 1, 1), 0);
	for (uint64_t i = 0; i < EXTENTS; i++)
		assert_int_equal(fido_slot_map(&layout, base + i * EACH * G, EACH * G, map_ones,
					 NULL),
			0);
	failing_memory_set(true);
	for (uint64_t g = 1; g < EXTENTS * EACH; g += 2)
		fido_slot_unmap(&layout, base + g * G, G);
	for (uint64_t g = 0; g < EXTENTS * EACH; g++)
		assert_int_equal(byte(base + g * G), g % 2 == 0);
	for (uint64_t g = 0; g < EXTENTS * EACH; g += 2)
		fido_slot_unmap(&layout, base + g * G, G);
	for (uint64_t g = 0; g < EXTENTS * EACH; g++)
		assert_int_equal(byte(base + g * G), 0);
	failing_memory_set(false);
	fido_slot_release(&layout, 1);
}

/* Mapped twice and unmapped once, part by part: each part has its own count. */
static void
counted(void **state)
{
	const uint64_t base = fido_layout_slot_base(&layout, 1);

	assert_int_equal(fido_slot_reserve(&layout, 1, 1), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fido_slot_map(&layout, base, 64 * G, map_ones, NULL), 0);
	failing_memory_set(true);
	for (uint64_t g = 1; g < 64; g += 2)
		fido_slot_unmap(&layout, base + g * G, G);
	fido_slot_unmap(&layout, base, 64 * G);
	for (uint64_t g = 0; g < 64; g++)
		assert_int_equal(byte(base + g * G), g % 2 == 0);
	failing_memory_set(false);
	fido_slot_release(&layout, 1);
}

/* Mapping may fail, and then maps nothing. */
static void
refused(void **state)
{
	const uint64_t base = fido_layout_slot_base(&layout, 1);

	assert_int_equal(fido_slot_reserve(&layout, 1, 1), 0);
	failing_memory_set(true);
	assert_int_equal(fido_slot_map(&layout, base, 2 * G, map_ones, NULL), -ENOMEM);
	failing_memory_set(false);
	assert_int_equal(fido_slot_map(&layout, base, 2 * G, map_ones, NULL), 0);
	assert_int_equal(byte(base), 1);
	fido_slot_release(&layout, 1);
}

TEST_MAIN(cmocka_unit_test(taken_away), cmocka_unit_test(counted), cmocka_unit_test(refused))
