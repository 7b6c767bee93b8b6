/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pages at another offset or of another file are not taken for those already mapped at an address.
 *
 * Another domain of the same process has mapped those.
 */
#include "test.h"

#include <sys/mman.h>

#include "map.h"

#define G FIDO_GRANULE_SIZE

static const struct fido_layout layout = TEST_LAYOUT;

static struct fido_fd_map
file(uint64_t offset)
{
	struct fido_fd_map m = {memfd_create("test", MFD_CLOEXEC), offset, PROT_READ};

	assert_true(m.fd >= 0);
	assert_int_equal(ftruncate(m.fd, (off_t)(8 * G)), 0);
	return m;
}

static void
not_the_same(void **state)
{
	uint64_t base = fido_layout_slot_base(&layout, 2);
	struct fido_fd_map a = file(0), other = file(0), behind = {a.fd, G, PROT_READ},
			   again = {dup(a.fd), 0, PROT_READ};

	assert_int_equal(fido_slot_reserve(&layout, 2, 1), 0);
	assert_int_equal(fido_slot_map(&layout, base, 4 * G, fido_map_fd, &a), 0);
	assert_int_equal(fido_slot_map(&layout, base, 4 * G, fido_map_fd, &other), -EBUSY);
	assert_int_equal(fido_slot_map(&layout, base, 4 * G, fido_map_fd, &behind), -EBUSY);
	assert_int_equal(fido_slot_map(&layout, base, 4 * G, fido_map_fd, &again), 0);
	/* A part of it. */
	assert_int_equal(fido_slot_map(&layout, base + G, G, fido_map_fd, &a), -EBUSY);
	assert_int_equal(fido_slot_map(&layout, base + G, G, fido_map_fd, &behind), 0);
	fido_slot_unmap(&layout, base + G, G);
	assert_int_equal(fido_slot_taken(base + G, 8 * G), base + 2 * G);
	fido_slot_unmap(&layout, base, 4 * G);
	fido_slot_unmap(&layout, base, 4 * G);
	assert_int_equal(fido_slot_taken(base, 8 * G), 0);
	assert_int_equal(fido_slot_map(&layout, base, 4 * G, fido_map_fd, &other), 0);
	fido_slot_release(&layout, 2);
	close(a.fd);
	close(other.fd);
	close(again.fd);
}

static int
granted(void *arg, void *addr, size_t len)
{
	(void)addr;
	(void)len;
	++*(unsigned int *)arg;
	return 0;
}

/*
 * As on Xen: the owner maps its file, its peer in the same process maps granted pages. Either may
 * be first.
 */
static void
of_no_file(void **state)
{
	uint64_t base = fido_layout_slot_base(&layout, 2);
	struct fido_fd_map own = file(0);
	unsigned int mapped = 0;

	assert_int_equal(fido_slot_reserve(&layout, 2, 1), 0);
	assert_int_equal(fido_slot_map(&layout, base, 2 * G, fido_map_fd, &own), 0);
	assert_int_equal(fido_slot_map(&layout, base, 2 * G, granted, &mapped), 0);
	assert_int_equal(mapped, 0);
	fido_slot_unmap(&layout, base, 2 * G);
	fido_slot_unmap(&layout, base, 2 * G);
	assert_int_equal(fido_slot_map(&layout, base, 2 * G, granted, &mapped), 0);
	assert_int_equal(mapped, 1);
	assert_int_equal(fido_slot_map(&layout, base, 2 * G, fido_map_fd, &own), 0);
	fido_slot_release(&layout, 2);
	close(own.fd);
}

TEST_MAIN(cmocka_unit_test(not_the_same), cmocka_unit_test(of_no_file))
