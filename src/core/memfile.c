/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory files: sealed memfds. */

#include "memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define RESERVE_STEP (UINT64_C(32) << 20)

int
fido_memfile_create(void *transport, size_t size, bool huge, int *out)
{
	unsigned int flags =
		MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge ? MFD_HUGETLB | (21u << 26) : 0);
	int fd = memfd_create("fido", flags);
	int err;

	(void)transport;
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) != 0) {
		err = errno;
		close(fd);
		return -err;
	}
	*out = fd;
	return 0;
}

/* @return the number in a file, on the line that starts with key; UINT64_MAX: none, or "max" */
static uint64_t
read_number(const char *path, const char *key)
{
	uint64_t value = UINT64_MAX;
	char line[128];
	FILE *f = fopen(path, "re");

	while (f != NULL && value == UINT64_MAX && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0 &&
			sscanf(line + strlen(key), "%" SCNu64, &value) != 1)
			break;
	if (f != NULL)
		fclose(f);
	return value;
}

/* @return bytes left of a container's limit. The container sees its own cgroup as the root. */
static uint64_t
left_of_limit(const char *limit, const char *used)
{
	uint64_t max = read_number(limit, ""), now = read_number(used, "");

	if (max == UINT64_MAX || now == UINT64_MAX)
		return UINT64_MAX;
	return max > now ? max - now : 0;
}

/*
 * @return true: len bytes are available. fallocate() of too many ordinary pages does not fail: the
 * kernel kills a process to get them. So for a large piece ask first how much memory is left.
 */
static bool
is_there(int fd, uint64_t len)
{
	uint64_t kib = read_number("/proc/meminfo", "MemAvailable:");
	struct statfs fs;

	if (len < RESERVE_STEP || fstatfs(fd, &fs) != 0 || fs.f_type == HUGETLBFS_MAGIC)
		return true;
	return (kib == UINT64_MAX || len >> 10 < kib) &&
		len < left_of_limit("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current") &&
		len < left_of_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes",
			      "/sys/fs/cgroup/memory/memory.usage_in_bytes");
}

/* In pieces: when a signal comes, the kernel drops the pages of the interrupted call. */
int
fido_memfile_reserve(int fd, uint64_t offset, uint64_t len)
{
	if (!is_there(fd, len))
		return -ENOMEM;
	while (len != 0) {
		uint64_t n = len < RESERVE_STEP ? len : RESERVE_STEP;

		if (fallocate(fd, 0, (off_t)offset, (off_t)n) != 0) {
			if (errno == EINTR)
				continue;
			/* A device (gntalloc) has already allocated its memory. */
			return errno == ENODEV || errno == EOPNOTSUPP || errno == ESPIPE ? 0
											 : -errno;
		}
		offset += n;
		len -= n;
	}
	return 0;
}

int
fido_memfile_seal(void *transport, int fd)
{
	(void)transport;
	if (fcntl(fd, F_ADD_SEALS,
		    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0)
		return -errno;
	return 0;
}

int
fido_memfile_check(int fd, uint64_t end, bool sealed)
{
	struct statfs fs;
	struct stat st;
	int seals;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size < end)
		return -EPROTO;
	/*
	 * The kernel maps only whole huge pages. A shorter range would map over what lies behind.
	 */
	if (fstatfs(fd, &fs) != 0 ||
		(fs.f_type == HUGETLBFS_MAGIC && end % (uint64_t)fs.f_bsize != 0))
		return -EPROTO;
	seals = fcntl(fd, F_GET_SEALS);
	if (sealed && (seals < 0 || !(seals & F_SEAL_SHRINK)))
		return -EPROTO;
	return 0;
}
