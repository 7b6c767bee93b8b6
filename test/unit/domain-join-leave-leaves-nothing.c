/* SPDX-License-Identifier: BSD-3-Clause */
/* A domain that joins and leaves leaves no file, mapping, descriptor or thread behind. */
#include "test.h"

#include <sys/mman.h>

static bool
slot_is_unmapped(uint32_t slot)
{
	const struct fido_layout layout = TEST_LAYOUT;
	void *at = (void *)(uintptr_t)fido_layout_slot_base(&layout, slot);
	size_t len = (size_t)1 << TEST_SLOT_SHIFT;
	void *p = mmap(at, len, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != MAP_FAILED)
		munmap(p, len);
	return p == at;
}

static void
alone(void **state)
{
	fido_domain_leave(test_join("a")); /* the C library allocates once */
	for (int i = 0; i < 5; i++) {
		unsigned int fds = test_entries("/proc/self/fd"),
			     tasks = test_entries("/proc/self/task");
		struct fido_domain *d = test_join("a");
		char path[96];

		snprintf(path, sizeof(path), "%s/" TEST_GROUP "/a.sock", test_rundir());
		assert_int_equal(access(path, F_OK), 0);
		assert_string_equal(fido_domain_name(d), "a");
		assert_string_equal(fido_domain_group(d), TEST_GROUP);
		assert_int_equal(fido_domain_layout(d)->base, TEST_BASE);
		test_arena(d, 1 << 21);
		assert_false(slot_is_unmapped(fido_domain_slot(d)));
		fido_domain_leave(d);
		test_rundir_empty();
		assert_true(slot_is_unmapped(0));
		assert_int_equal(test_entries("/proc/self/fd"), fds);
		assert_int_equal(test_entries("/proc/self/task"), tasks);
	}
	fido_domain_leave(NULL);
}

static void
in_company(void **state)
{
	unsigned int fds = test_entries("/proc/self/fd");
	struct fido_domain *d[4];
	static const char *const names[] = {"a", "b", "c", "d"};

	for (int i = 0; i < 4; i++) {
		d[i] = test_join(names[i]);
		test_arena(d[i], 1 << 21);
	}
	for (int i = 0; i < 4; i++)
		TEST_WAIT(fido_domain_peer_count(d[i]) == 3);
	for (int i = 0; i < 4; i++) {
		fido_domain_leave(d[i]);
		for (int k = i + 1; k < 4; k++)
			TEST_WAIT(fido_domain_peer_count(d[k]) == 2u - (unsigned int)i);
	}
	test_rundir_empty();
	for (uint32_t slot = 0; slot < 4; slot++)
		assert_true(slot_is_unmapped(slot));
	assert_int_equal(test_entries("/proc/self/fd"), fds);
}

TEST_MAIN(cmocka_unit_test(alone), cmocka_unit_test(in_company))
