/* SPDX-License-Identifier: BSD-3-Clause */
#include "stranger.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "local_folder.h"
#include "test.h"

#define GENERATION 77

int
test_stranger_connect(const char *name)
{
	struct fido_local_folder g;
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(fido_local_folder_open(&g, TEST_GROUP, false), 0);
	assert_int_equal(fido_local_folder_address(&g, name, &address), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

int
test_stranger_control(uint32_t slot, bool seal)
{
	int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct fido_control_shm *c;

	assert_int_equal(ftruncate(fd, TEST_STRANGER_SIZE), 0);
	c = mmap(NULL, TEST_STRANGER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(c, MAP_FAILED);
	*c = (struct fido_control_shm){.magic = FIDO_CONTROL_MAGIC,
		.version = FIDO_LAYOUT_VERSION,
		.generation = GENERATION,
		.slot = slot,
		.layout_base = TEST_BASE,
		.slot_shift = TEST_SLOT_SHIFT,
		.slots = TEST_SLOTS};
	munmap(c, TEST_STRANGER_SIZE);
	if (seal)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	return fd;
}

struct fido_host_hello
test_stranger_hello(uint32_t slot, const char *name)
{
	struct fido_host_hello hello = {.layout_base = TEST_BASE,
		.slot_shift = TEST_SLOT_SHIFT,
		.slots = TEST_SLOTS,
		.generation = GENERATION,
		.control_size = TEST_STRANGER_SIZE,
		.slot = slot};

	snprintf(hello.name, sizeof(hello.name), "%s", name);
	return hello;
}
