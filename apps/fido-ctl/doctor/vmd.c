/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fido/clock.h>

#include "vm_frame.h"

#define ANSWER_MS 1000
/* Of nobody. */
#define GENERATION 1

/* The path of the folder may be longer than an address. @return a socket, -errno */
static int
connect_to(const char *dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd, err = errno;

	if (folder < 0)
		return -err;
	snprintf(address.sun_path, sizeof(address.sun_path),
		"/proc/self/fd/%d/" FIDO_VM_HOST_SOCKET, folder);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const void *)&address, sizeof(address)) != 0) {
		err = errno;
		close(fd);
		fd = -1;
	}
	close(folder);
	return fd >= 0 ? fd : -err;
}

/* @return 0: a frame has come, -ETIMEDOUT, -ECONNREFUSED: the connection has ended */
static int
await_frame(int fd)
{
	uint64_t until = fido_now_ms() + ANSWER_MS;
	struct fido_vm_stream s = {0};
	struct fido_vm_frame f;

	for (uint64_t now; (now = fido_now_ms()) < until;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		size_t room;
		char *to = fido_vm_stream_room(&s, &room);
		ssize_t n;

		if (poll(&p, 1, (int)(until - now)) <= 0)
			continue;
		n = recv(fd, to, room, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return -ECONNREFUSED;
		if (n > 0)
			fido_vm_stream_added(&s, (size_t)n);
		if (fido_vm_stream_next(&s, &f))
			return 0;
	}
	return -ETIMEDOUT;
}

int
doctor_vmd_ask(const char *dir)
{
	const struct fido_vm_hello hello = {.version = 0, .slot = FIDO_VM_ANY, .name = "doctor"};
	struct fido_vm_frame f;
	size_t len = fido_vm_frame_make(&f, FIDO_VM_HELLO, GENERATION, &hello);
	int fd = connect_to(dir), ret;

	if (fd < 0)
		return fd == -EAGAIN ? -ETIMEDOUT : fd;
	ret = send(fd, &f, len, MSG_NOSIGNAL) == (ssize_t)len ? await_frame(fd) : -ECONNREFUSED;
	close(fd);
	return ret;
}
