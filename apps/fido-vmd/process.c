/* SPDX-License-Identifier: BSD-3-Clause */
#include "process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t
process_start(uint64_t pid)
{
	unsigned long long start = 0;
	char path[64], line[1024], *rest, state;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
	f = pid != 0 ? fopen(path, "re") : NULL;
	if (f == NULL)
		return 0;
	n = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	line[n] = '\0';
	/* The name, the second field, may contain anything. */
	rest = strrchr(line, ')');
	if (rest == NULL ||
		sscanf(rest + 1,
			" %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			"%*s %llu",
			&state, &start) != 2 ||
		state == 'Z' || state == 'X')
		return 0;
	return start;
}

bool
process_lives(uint64_t pid, uint64_t start)
{
	return start != 0 && process_start(pid) == start;
}

int
process_open(uint64_t pid, uint64_t start)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

	if (fd < 0)
		return -errno;
	/* The descriptor is of the process that has the pid now: compare afterwards. */
	if (process_lives(pid, start))
		return fd;
	close(fd);
	return -ESRCH;
}

bool
process_of_socket(int fd, uint64_t *pid, uint64_t *start, unsigned int *uid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	*pid = 0;
	*start = 0;
	*uid = (unsigned int)-1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return false;
	*uid = cred.uid;
	if (cred.pid <= 0)
		return false;
	*start = process_start((uint64_t)cred.pid);
	*pid = *start != 0 ? (uint64_t)cred.pid : 0;
	return *pid != 0;
}
