/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: a slot's header is the info block that Linux expects, byte by byte; it is written again
 * when a byte of it differs, and only then; a file that its owner cuts short is an error, not the
 * end of fido-vmd.
 */
#include <sys/mman.h>

#include "header.h"
#include "test.h"
#include "vm_protocol.h"

#define SIZE (UINT64_C(8) << 20)

static uint64_t
read_at(const unsigned char *p, size_t offset, size_t bytes)
{
	uint64_t n = 0;

	for (size_t i = bytes; i-- > 0;)
		n = n << 8 | p[offset + i];
	return n;
}

static void
block_is_right(void **state)
{
	const struct fido_vm_uuid uuid = fido_vm_uuid("demo", 7);
	int fd = memfd_create("slot", MFD_CLOEXEC);
	unsigned char b[4096];
	uint64_t low = 0, high = 0;
	char text[FIDO_VM_UUID_TEXT];

	(void)state;
	fido_vm_uuid_text(&uuid, text);
	assert_string_equal(text, "96d37642-671b-84a5-a669-646f2d766d07");
	assert_int_equal(ftruncate(fd, SIZE), 0);
	assert_int_equal(vmd_header_repair(fd, SIZE, &uuid), 1);
	assert_int_equal(pread(fd, b, sizeof(b), 4096), sizeof(b));
	assert_memory_equal(b, "NVDIMM_DAX_INFO", 16);
	assert_memory_equal(b + 16, uuid.bytes, 16);
	/* Version, where data begin, pages of 4 KiB, mode RAM, alignment, page, struct page. */
	assert_int_equal(read_at(b, 52, 2), 1);
	assert_int_equal(read_at(b, 54, 2), 4);
	assert_int_equal(read_at(b, 56, 8), FIDO_VM_HEADER_SIZE);
	assert_int_equal(read_at(b, 64, 8), (SIZE - FIDO_VM_HEADER_SIZE) / 4096);
	assert_int_equal(read_at(b, 72, 4), 1);
	assert_int_equal(read_at(b, 84, 4), 2 << 20);
	assert_int_equal(read_at(b, 88, 4), 4096);
	assert_int_equal(read_at(b, 92, 2), 64);
	for (size_t i = 0; i < 4088; i += 4) {
		low = (low + read_at(b, i, 4)) & UINT32_MAX;
		high += low;
	}
	/* The two words of the sum itself count as 0. */
	high += 2 * low;
	assert_int_equal(read_at(b, 4088, 8), (high << 32 | low));
	close(fd);
}

static void
damage(void **state)
{
	const struct fido_vm_uuid uuid = fido_vm_uuid("demo", 7);
	int fd = memfd_create("slot", MFD_CLOEXEC);
	char was, is;

	(void)state;
	assert_int_equal(ftruncate(fd, SIZE), 0);
	assert_int_equal(vmd_header_repair(fd, SIZE, &uuid), 1);
	for (off_t at = 4096; at < 8192; at += 31) {
		assert_int_equal(vmd_header_repair(fd, SIZE, &uuid), 0);
		assert_int_equal(pread(fd, &was, 1, at), 1);
		is = (char)~was;
		assert_int_equal(pwrite(fd, &is, 1, at), 1);
		assert_int_equal(vmd_header_repair(fd, SIZE, &uuid), 1);
		assert_int_equal(pread(fd, &is, 1, at), 1);
		assert_int_equal(is, was);
	}
	/* The memory behind it belongs to others. */
	assert_int_equal(pwrite(fd, "x", 1, (off_t)FIDO_VM_HEADER_SIZE), 1);
	assert_int_equal(vmd_header_repair(fd, SIZE, &uuid), 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_true(vmd_header_repair(fd, SIZE, &uuid) < 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_true(vmd_header_repair(fd, SIZE, &uuid) < 0);
	close(fd);
}

TEST_MAIN(cmocka_unit_test(block_is_right), cmocka_unit_test(damage))
