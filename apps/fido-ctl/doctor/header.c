/* SPDX-License-Identifier: BSD-3-Clause */
#include "header.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm_header.h"

int
doctor_header_check(const char *path, const char *group, uint32_t file)
{
	const struct fido_vm_uuid uuid = fido_vm_uuid(group, file);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct fido_vm_block have, want;
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		fido_vm_block_make(&want, (uint64_t)st.st_size, &uuid);
		n = pread(fd, &have, sizeof(have), FIDO_VM_BLOCK_OFFSET);
	}
	close(fd);
	return n == sizeof(have) && memcmp(&have, &want, sizeof(have)) == 0 ? 0 : -EUCLEAN;
}
