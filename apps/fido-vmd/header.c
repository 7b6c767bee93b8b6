/* SPDX-License-Identifier: BSD-3-Clause */
#include "header.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vm_header.h"
#include "vm_protocol.h"

/*
 * Files of hugetlbfs can be written through a mapping only. Their owner may cut them short at any
 * time: the kernel writes to the mapping, and reports EFAULT where a store would end the process.
 */
static int
write_mapped(int fd, const struct fido_vm_block *block)
{
	char *map = mmap(NULL, FIDO_VM_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct iovec from = {(void *)(uintptr_t)block, sizeof(*block)}, to;
	int ret = 0;

	if (map == MAP_FAILED)
		return -errno;
	to = (struct iovec){map + FIDO_VM_BLOCK_OFFSET, sizeof(*block)};
	if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) != (ssize_t)sizeof(*block))
		ret = -EIO;
	munmap(map, FIDO_VM_HEADER_SIZE);
	return ret;
}

int
vmd_header_repair(int fd, uint64_t file_size, const struct fido_vm_uuid *uuid)
{
	struct fido_vm_block want, have;
	ssize_t n = pread(fd, &have, sizeof(have), FIDO_VM_BLOCK_OFFSET);
	int ret;

	if (n < 0)
		return -errno;
	fido_vm_block_make(&want, file_size, uuid);
	if (n == sizeof(have) && memcmp(&have, &want, sizeof(have)) == 0)
		return 0;
	ret = write_mapped(fd, &want);
	return ret != 0 ? ret : 1;
}
