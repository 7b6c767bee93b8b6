/* SPDX-License-Identifier: BSD-3-Clause */
/* Any part of a mapping can be mapped again or unmapped by itself: pages are counted one by one. */
#include "test.h"

#include <sys/mman.h>

#include "map.h"

#define PAGES 24
#define PAGE 4096u

static const struct fido_layout layout = TEST_LAYOUT;
static uint8_t next_content = 1;

/* Each call brings other pages: what stays mapped must keep the old ones. */
static int
map_content(void *arg, void *addr, size_t len)
{
	void *p = mmap(addr, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		-1, 0);

	if (p == MAP_FAILED)
		return -errno;
	memset(p, next_content, len);
	return 0;
}

struct page {
	unsigned int refs;
	uint8_t content;
};

static void
step_map(struct page *pages, uint64_t base, unsigned int first, unsigned int count)
{
	unsigned int mapped = 0;
	int want, ret;

	for (unsigned int i = first; i < first + count; i++)
		mapped += pages[i].refs != 0;
	want = mapped == 0 || mapped == count ? 0 : -EBUSY;
	next_content = (uint8_t)(next_content % 255 + 1);
	ret = fido_slot_map(&layout, base + first * PAGE, count * PAGE, map_content, NULL);
	assert_int_equal(ret, want);
	if (ret != 0)
		return;
	for (unsigned int i = first; i < first + count; i++)
		if (pages[i].refs++ == 0)
			pages[i].content = next_content;
}

static void
step_unmap(struct page *pages, uint64_t base, unsigned int first, unsigned int count)
{
	fido_slot_unmap(&layout, base + first * PAGE, count * PAGE);
	for (unsigned int i = first; i < first + count; i++)
		if (pages[i].refs != 0 && --pages[i].refs == 0)
			pages[i].content = 0;
}

static void
parts(void **state)
{
	const uint64_t base =
		fido_layout_slot_base(&layout, 1) + FIDO_GRANULE_SIZE - PAGES / 2 * PAGE;
	const volatile uint8_t *p = (const volatile uint8_t *)(uintptr_t)base;
	struct page pages[PAGES] = {{0}};
	uint64_t seed = 1;

	assert_int_equal(fido_slot_reserve(&layout, 1, 1), 0);
	assert_int_equal(fido_slot_map(&layout, base - PAGE, PAGE, map_content, NULL), 0);
	assert_int_equal(fido_slot_map(&layout, base + PAGES * PAGE, PAGE, map_content, NULL), 0);
	for (int i = 0; i < 5000; i++) {
		unsigned int first = (unsigned int)(test_random(&seed) % PAGES);
		unsigned int count = 1 + (unsigned int)(test_random(&seed) % (PAGES - first));

		if (test_random(&seed) % 2)
			step_map(pages, base, first, count);
		else
			step_unmap(pages, base, first, count);
		for (unsigned int k = 0; k < PAGES; k++)
			assert_int_equal(p[k * PAGE + 5], pages[k].content);
	}
	fido_slot_release(&layout, 1);
}

TEST_MAIN_ONE(parts)
