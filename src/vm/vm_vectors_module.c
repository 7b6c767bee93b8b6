/* SPDX-License-Identifier: BSD-3-Clause */
/* Vectors by the kernel module fido-bell: /dev/fido-bell<n>. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fork_guard.h"
#include "vm_vectors.h"

#define DEVICES "/dev"
#define PREFIX "fido-bell"

static int
take(struct fido_vm_vectors *v, uint32_t *vector)
{
	struct fido_bell_take t = {.eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	int ret;

	if (t.eventfd < 0)
		return -errno;
	if (ioctl(v->device_fd, FIDO_BELL_IOC_TAKE, &t) != 0) {
		ret = -errno;
		close(t.eventfd);
		return ret;
	}
	*vector = t.vector;
	return t.eventfd;
}

static void
drop(struct fido_vm_vectors *v, uint32_t vector)
{
	ioctl(v->device_fd, FIDO_BELL_IOC_DROP, (unsigned long)vector);
}

static bool
ring(const struct fido_vm_vectors *v, uint32_t id, uint32_t vector)
{
	return ioctl(v->device_fd, FIDO_BELL_IOC_RING, (unsigned long)FIDO_BELL_WORD(id, vector)) ==
		0;
}

static void
close_module(struct fido_vm_vectors *v)
{
	if (v->registers != NULL)
		munmap(v->registers, FIDO_BELL_MAP_SIZE);
	fido_fork_close(v->device_fd);
}

static const struct fido_vm_vectors_ops ops = {.name = "the module fido-bell",
	.take = take,
	.drop = drop,
	.ring = ring,
	.close = close_module};

static bool
is_of_group(int fd, const char *group, struct fido_bell_info *info)
{
	return ioctl(fd, FIDO_BELL_IOC_ABI) == FIDO_BELL_ABI &&
		ioctl(fd, FIDO_BELL_IOC_INFO, info) == 0 &&
		strncmp(info->group, group, sizeof(info->group)) == 0 &&
		info->vectors <= FIDO_BELL_VECTORS_MAX;
}

static bool
try_device(struct fido_vm_vectors *v, const char *name, const char *group)
{
	char path[sizeof(DEVICES) + NAME_MAX + 1];
	struct fido_bell_info info;
	void *registers;
	int fd;

	snprintf(path, sizeof(path), DEVICES "/%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (!is_of_group(fd, group, &info)) {
		close(fd);
		return false;
	}
	registers = mmap(NULL, FIDO_BELL_MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	v->registers = registers != MAP_FAILED ? registers : NULL;
	v->ops = &ops;
	v->id = info.id;
	v->count = info.vectors;
	/* A child must not delay the testament. The kernel does not copy the mapping. */
	v->device_fd = fido_fork_guard(fd);
	return true;
}

bool
fido_vm_vectors_open_module(struct fido_vm_vectors *v, const char *group)
{
	DIR *d = opendir(DEVICES);
	struct dirent *e;
	bool found = false;

	while (!found && d != NULL && (e = readdir(d)) != NULL)
		found = strncmp(e->d_name, PREFIX, strlen(PREFIX)) == 0 &&
			try_device(v, e->d_name, group);
	if (d != NULL)
		closedir(d);
	return found;
}
