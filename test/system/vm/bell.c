/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel module fido-bell promises (fido_bell.h), in a guest:
 *
 *   bell refuse          what it refuses, whoever has which vector, rings to ourselves
 *   bell hold            take a vector; print `ready`; when the device has gone, try every use
 *   bell flood ID N      ring all vectors of a device N times each, and some that are none
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fido_bell.h"

#define DEVICE "/dev/fido-bell0"
#define NOWHERE ((void *)8)

#define CHECK(what)                                                                          \
	do {                                                                                 \
		if (!(what)) {                                                               \
			printf("FAIL line %d: %s (%s)\n", __LINE__, #what, strerror(errno)); \
			exit(1);                                                             \
		}                                                                            \
	} while (0)
#define CHECK_FAILS(call, err) CHECK((call) == -1 && errno == (err))

static int
open_device(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(ioctl(fd, FIDO_BELL_IOC_ABI) == FIDO_BELL_ABI);
	return fd;
}

static struct fido_bell_info
info_of(int fd)
{
	struct fido_bell_info info;

	CHECK(ioctl(fd, FIDO_BELL_IOC_INFO, &info) == 0);
	CHECK(info.vectors > 0 && info.vectors <= FIDO_BELL_VECTORS_MAX);
	return info;
}

/* @return its eventfd */
static int
take(int fd, uint32_t *vector)
{
	struct fido_bell_take t = {.eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};

	CHECK(t.eventfd >= 0);
	CHECK(ioctl(fd, FIDO_BELL_IOC_TAKE, &t) == 0);
	*vector = t.vector;
	return t.eventfd;
}

static volatile uint32_t *
map(int fd)
{
	char *p = mmap(NULL, FIDO_BELL_MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	return (volatile uint32_t *)(void *)(p + FIDO_BELL_RING);
}

static int
is_rung(int eventfd, int ms)
{
	struct pollfd p = {.fd = eventfd, .events = POLLIN};

	return poll(&p, 1, ms) == 1 && eventfd_read(eventfd, &(eventfd_t){0}) == 0;
}

static void
refuse_arguments(int fd)
{
	struct fido_bell_take t = {.eventfd = -1};
	struct fido_bell_testament testament = {.count = FIDO_BELL_TESTAMENT_MAX + 1};

	CHECK_FAILS(ioctl(fd, _IO(0xF2, 77)), ENOTTY);
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_INFO, NOWHERE), EFAULT);
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_TAKE, NOWHERE), EFAULT);
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_TAKE, &t), EBADF);
	t.eventfd = fd;
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_TAKE, &t), EINVAL);
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_DROP, 0ul), ENOENT);
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_DROP, ~0ul), ENOENT);
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_TESTAMENT, NOWHERE), EFAULT);
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_TESTAMENT, &testament), EINVAL);
	testament.count = UINT32_MAX;
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_TESTAMENT, &testament), EINVAL);
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_RING, 1ul << 32), EINVAL);
}

static void
refuse_mappings(int fd)
{
	const int both = PROT_READ | PROT_WRITE;

	CHECK_FAILS((intptr_t)mmap(NULL, 2 * FIDO_BELL_MAP_SIZE, both, MAP_SHARED, fd, 0), EINVAL);
	CHECK_FAILS((intptr_t)mmap(NULL, FIDO_BELL_MAP_SIZE, both, MAP_SHARED, fd, 4096), EINVAL);
	CHECK_FAILS((intptr_t)mmap(NULL, FIDO_BELL_MAP_SIZE, both, MAP_PRIVATE, fd, 0), EINVAL);
}

/* A result that cannot be written takes nothing. */
static void
refuse_results(int fd, uint32_t vectors)
{
	struct fido_bell_take *t =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(t != MAP_FAILED);
	t->eventfd = eventfd(0, 0);
	CHECK(mprotect(t, 4096, PROT_READ) == 0);
	for (uint32_t i = 0; i < 2 * vectors; i++)
		CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_TAKE, t), EFAULT);
	munmap(t, 4096);
}

/* Two open files share the vectors: what one has, the other does not get. */
static void
share(int fd, const struct fido_bell_info *info)
{
	struct fido_bell_take t = {.eventfd = eventfd(0, 0)};
	int other = open_device(), first;
	uint32_t vector, has = 0;

	first = take(fd, &vector);
	for (uint32_t i = 1, v; i < info->vectors; i++) {
		take(other, &v);
		CHECK(v != vector && v < info->vectors);
		has = v;
	}
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_TAKE, &t), ENOSPC);
	CHECK_FAILS(ioctl(other, FIDO_BELL_IOC_DROP, (unsigned long)vector), ENOENT);
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_DROP, (unsigned long)has), ENOENT);
	close(other);
	CHECK(ioctl(fd, FIDO_BELL_IOC_TAKE, &t) == 0);
	CHECK(ioctl(fd, FIDO_BELL_IOC_DROP, (unsigned long)t.vector) == 0);
	CHECK(ioctl(fd, FIDO_BELL_IOC_DROP, (unsigned long)vector) == 0);
	close(first);
}

static void
ring_ourselves(int fd, uint32_t id)
{
	volatile uint32_t *ring = map(fd);
	uint32_t a, b;
	int first = take(fd, &a), second = take(fd, &b);

	for (int i = 0; i < 100; i++) {
		*ring = FIDO_BELL_WORD(id, a);
		CHECK(is_rung(first, 2000));
		CHECK(ioctl(fd, FIDO_BELL_IOC_RING, (unsigned long)FIDO_BELL_WORD(id, b)) == 0);
		CHECK(is_rung(second, 2000));
	}
	CHECK(!is_rung(first, 50) && !is_rung(second, 0));
	CHECK(ioctl(fd, FIDO_BELL_IOC_DROP, (unsigned long)a) == 0);
	*ring = FIDO_BELL_WORD(id, a);
	CHECK(!is_rung(first, 50));
	/* The eventfd is closed: a ring has no effect. */
	close(second);
	*ring = FIDO_BELL_WORD(id, b);
	CHECK(ioctl(fd, FIDO_BELL_IOC_DROP, (unsigned long)b) == 0);
	/* Neither the id nor the vector exists. */
	*ring = UINT32_MAX;
	close(first);
}

/* A process that is killed leaves its testament, however many hold the file; no earlier. */
static void
leave_testament(int fd, uint32_t id)
{
	uint32_t vector;
	int bell = take(fd, &vector), status;
	pid_t pid = fork();

	if (pid == 0) {
		struct fido_bell_testament t = {.count = 1, .words = {FIDO_BELL_WORD(id, vector)}};
		int mine = open_device();
		volatile uint32_t *mapped = map(mine);

		CHECK(ioctl(mine, FIDO_BELL_IOC_TESTAMENT, &t) == 0);
		*mapped = FIDO_BELL_WORD(id, 60000);
		close(mine); /* The mapping keeps it open. */
		raise(SIGSTOP);
		pause();
	}
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	CHECK(!is_rung(bell, 100));
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(is_rung(bell, 2000));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(!is_rung(bell, 50));
	CHECK(ioctl(fd, FIDO_BELL_IOC_DROP, (unsigned long)vector) == 0);
	close(bell);
}

static int
refuse(void)
{
	int fd = open_device();
	struct fido_bell_info info = info_of(fd);

	refuse_arguments(fd);
	refuse_mappings(fd);
	refuse_results(fd, info.vectors);
	share(fd, &info);
	ring_ourselves(fd, info.id);
	leave_testament(fd, info.id);
	printf("ok: id %u, %u vectors, group %.*s\n", info.id, info.vectors, FIDO_BELL_GROUP_MAX,
		info.group);
	return 0;
}

static int
hold(void)
{
	int fd = open_device();
	struct fido_bell_info info = info_of(fd);
	struct fido_bell_take t;
	volatile uint32_t *ring = map(fd), *untouched = map(fd);
	struct pollfd p = {.fd = fd};
	uint32_t vector;
	int bell = take(fd, &vector);

	*ring = FIDO_BELL_WORD(info.id, vector);
	CHECK(is_rung(bell, 2000));
	printf("ready\n");
	fflush(stdout);
	CHECK(poll(&p, 1, 20000) == 1 && (p.revents & POLLHUP));
	*ring = FIDO_BELL_WORD(info.id, vector);
	*untouched = FIDO_BELL_WORD(info.id, vector);
	CHECK(!is_rung(bell, 50));
	t.eventfd = bell;
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_TAKE, &t), ENODEV);
	CHECK_FAILS(ioctl(fd, FIDO_BELL_IOC_RING, 0ul), ENODEV);
	CHECK(ioctl(fd, FIDO_BELL_IOC_DROP, (unsigned long)vector) == 0);
	printf("gone\n");
	return 0;
}

static int
flood(uint32_t id, unsigned long count)
{
	int fd = open_device();
	volatile uint32_t *ring = map(fd);
	uint32_t vectors = info_of(fd).vectors;

	for (unsigned long i = 0; i < count; i++)
		for (uint32_t v = 0; v < vectors + 3; v++)
			*ring = FIDO_BELL_WORD(id, v);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "refuse") == 0)
		return refuse();
	if (argc == 2 && strcmp(argv[1], "hold") == 0)
		return hold();
	if (argc == 4 && strcmp(argv[1], "flood") == 0)
		return flood((uint32_t)strtoul(argv[2], NULL, 0), strtoul(argv[3], NULL, 0));
	fprintf(stderr, "usage: bell refuse | hold | flood ID N\n");
	return 2;
}
