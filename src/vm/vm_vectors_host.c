/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Vectors on the host: the eventfds themselves, of all devices, from the process that holds them
 * (apps/fido-vmd/bell_holder.h says what it sends).
 */

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "event.h"
#include "fork_guard.h"
#include "vm_vectors.h"

/* The holder has nothing else to do. */
#define ANSWER_MS 2000

static int *
eventfds_of(const struct fido_vm_vectors *v, uint32_t id)
{
	return v->eventfds + (size_t)id * FIDO_BELL_VECTORS_MAX;
}

static int
take(struct fido_vm_vectors *v, uint32_t *vector)
{
	return fido_vm_vectors_take_eventfd(v, eventfds_of(v, v->id), vector);
}

static bool
ring(const struct fido_vm_vectors *v, uint32_t id, uint32_t vector)
{
	int fd = id < v->ids ? eventfds_of(v, id)[vector] : -1;

	if (fd >= 0)
		fido_event_signal(fd); /* Its other holders must not make us block (event.h). */
	return fd >= 0;
}

static void
close_host(struct fido_vm_vectors *v)
{
	for (uint32_t i = 0; v->eventfds != NULL && i < v->ids * FIDO_BELL_VECTORS_MAX; i++)
		if (v->eventfds[i] >= 0)
			close(v->eventfds[i]);
	free(v->eventfds);
}

static const struct fido_vm_vectors_ops ops = {.name = "eventfds",
	.take = take,
	.drop = fido_vm_vectors_drop_own,
	.ring = ring,
	.close = close_host};

/* ---- what the holder sends ---- */

/* @return 1, and the message; 0: the end; -errno */
static int
read_message(int socket, int64_t *number, int *fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec bytes = {number, sizeof(*number)};
	struct msghdr msg = {.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct pollfd p = {.fd = socket, .events = POLLIN};
	ssize_t n;

	*fd = -1;
	if (poll(&p, 1, ANSWER_MS) <= 0)
		return -ETIMEDOUT;
	n = recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n == 0 ? 0 : -errno;
	if (CMSG_FIRSTHDR(&msg) != NULL && CMSG_FIRSTHDR(&msg)->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(*fd));
	*number = (int64_t)le64toh((uint64_t)*number);
	return n == sizeof(*number) && (msg.msg_flags & MSG_CTRUNC) == 0 ? 1 : -EPROTO;
}

/* Keep an eventfd, in the order of its device's vectors. @return false: there is no room */
static bool
keep(struct fido_vm_vectors *v, int64_t id, int fd)
{
	uint32_t vector = 0;

	if (id <= 0 || id >= v->ids)
		return false;
	while (vector < FIDO_BELL_VECTORS_MAX && eventfds_of(v, (uint32_t)id)[vector] >= 0)
		vector++;
	if (vector == FIDO_BELL_VECTORS_MAX)
		return false;
	eventfds_of(v, (uint32_t)id)[vector] = fd;
	if (v->count < vector + 1)
		v->count = vector + 1;
	return true;
}

static int
read_all(struct fido_vm_vectors *v, int socket)
{
	int64_t number;
	int ret, fd;

	while ((ret = read_message(socket, &number, &fd)) > 0)
		if (fd >= 0 && !keep(v, number, fd))
			close(fd); /* The label, for which a process of the host has no use. */
	if (ret < 0 && fd >= 0)
		close(fd);
	return ret;
}

static int
connect_holder(const struct fido_vm_place *place)
{
	char name[] = FIDO_VM_HOST_BELLS;

	name[sizeof(FIDO_VM_HOST_BELLS) - sizeof(".sock")] = '\0';
	return fido_local_folder_connect_stream(&place->folder, name);
}

bool
fido_vm_vectors_open_host(struct fido_vm_vectors *v, const struct fido_vm_place *place, uint32_t id)
{
	const size_t count = (size_t)FIDO_VM_BELL_IDS_MAX * FIDO_BELL_VECTORS_MAX;
	int fd = connect_holder(place), ret;

	if (fd < 0)
		return false;
	v->ids = FIDO_VM_BELL_IDS_MAX;
	v->eventfds = malloc(count * sizeof(*v->eventfds));
	ret = v->eventfds != NULL ? 0 : -ENOMEM;
	for (size_t i = 0; ret == 0 && i < count; i++)
		v->eventfds[i] = -1;
	if (ret == 0)
		ret = read_all(v, fd);
	fido_fork_close(fd);
	if (ret == 0 && id < v->ids && v->count > 0 && eventfds_of(v, id)[v->count - 1] >= 0) {
		v->ops = &ops;
		v->id = id;
		return true;
	}
	close_host(v);
	fido_vm_vectors_init(v);
	return false;
}
