/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Becoming a member: find a free slot of this machine, and keep the connection to fido-vmd.
 *
 * In a guest each slot has a port, which one process at a time can open: the open port is the
 * claim. On the host fido-vmd gives us a slot. What a frame says is acted on by transport_vm.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <fido/log.h>

#include "fork_guard.h"
#include "vm_private.h"

/* How long fido-vmd may take to answer: QEMU looks for it once a second. */
#define ANSWER_MS 5000
/* How long to wait for a slot whose former memory others still map. */
#define SLOT_WAIT_MS 500
/* How long a process of the host waits for a fido-vmd that is being started again. */
#define RESTART_WAIT_MS 1500
#define RETRY_MS 50
/* How often to look for fido-vmd when the connection is lost. */
#define RECONNECT_MS 200

/* ---- saying HELLO ---- */

static void
make_hello(const struct fido_vm *v, struct fido_vm_hello *hello)
{
	const struct fido_domain *d = v->domain;

	*hello = (struct fido_vm_hello){.version = FIDO_VM_VERSION,
		.layout = FIDO_LAYOUT_VERSION,
		.slot = v->welcome.size != 0 ? v->welcome.slot : FIDO_VM_ANY,
		.observes = d->observes,
		.pid = (uint64_t)getpid(),
		.testament = fido_vm_vectors_can_testify(&v->vectors)};
	memcpy(hello->name, d->name, sizeof(hello->name));
}

void
fido_vm_member_hello(struct fido_vm *v)
{
	struct fido_vm_hello hello;

	make_hello(v, &hello);
	fido_vm_member_watch(v, fido_vm_port_restart(&v->port, FIDO_VM_HELLO, &hello));
}

/* ---- joining ---- */

static int
open_port(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 ? fido_fork_guard(fd) : -errno;
}

static int
refused(const struct fido_vm *v, const struct fido_vm_refuse *r)
{
	const struct fido_domain *d = v->domain;
	char who[FIDO_NAME_MAX];

	fido_control_name(who, r->who);
	switch (r->reason) {
	case FIDO_VM_REASON_NAME:
		fido_log(FIDO_LOG_ERROR,
			"group vm:%s: there is a domain %s already: choose another name "
			"(domain=NAME), or stop that one",
			d->group, d->name);
		return -EEXIST;
	case FIDO_VM_REASON_HELD:
	case FIDO_VM_REASON_FULL:
	case FIDO_VM_REASON_TAKEN:
		return -EBUSY;
	default:
		fido_log(FIDO_LOG_ERROR,
			"group vm:%s: fido-vmd refused %s: use the same version of Fido on the "
			"host and in all virtual machines",
			d->group, d->name);
		return -EPROTO;
	}
}

/* Connect to fido-vmd of the host. @return false: it is not there */
static bool
connect_host(struct fido_vm *v)
{
	int fd = fido_vm_place_connect(&v->place);

	if (fd >= 0)
		fido_vm_port_use(&v->port, fd);
	return fd >= 0;
}

/*
 * Wait for the answer to our HELLO. @return 0, -EBUSY: this slot is not free, -ETIMEDOUT, other
 * -errno (logged)
 */
static int
await_welcome(struct fido_vm *v)
{
	uint64_t until = fido_now_ms() + ANSWER_MS;
	struct fido_vm_hello hello;
	struct fido_vm_frame f;

	make_hello(v, &hello);
	fido_vm_port_restart(&v->port, FIDO_VM_HELLO, &hello);
	for (uint64_t now; (now = fido_now_ms()) < until;) {
		struct pollfd p = {.fd = v->port.fd, .events = POLLIN};

		fido_vm_port_flush(&v->port);
		poll(&p, 1, 20);
		if (fido_vm_port_read(&v->port) == -EPIPE) {
			/*
			 * Nobody is connected to the port's other end yet. On the host fido-vmd has
			 * ended: the next one has another socket.
			 */
			usleep(20000);
			if (v->place.is_host)
				connect_host(v);
			fido_vm_port_restart(&v->port, FIDO_VM_HELLO, &hello);
		}
		while (fido_vm_port_next(&v->port, &f)) {
			if (f.type == FIDO_VM_REFUSE)
				return refused(v, &f.refuse);
			if (f.type == FIDO_VM_WHO)
				fido_vm_port_restart(&v->port, FIDO_VM_HELLO, &hello);
			if (f.type == FIDO_VM_WELCOME) {
				v->welcome = f.welcome;
				return 0;
			}
		}
	}
	return -ETIMEDOUT;
}

static void
say_silent(const struct fido_vm *v)
{
	fido_log(FIDO_LOG_ERROR,
		"group vm:%s: fido-vmd does not answer: start it on the host (systemctl start "
		"fido-vmd, or fido-vmd serve)%s",
		v->domain->group,
		v->place.is_host ? ""
				 : ", and start this machine with what `fido-vmd args` prints");
}

/* Try the ports of this machine, one after the other. @return as await_welcome() */
static int
try_ports(struct fido_vm *v)
{
	int ret = -EBUSY;
	char path[300];

	for (uint32_t slot = 0; fido_vm_place_port(&v->place, &slot, path, sizeof(path)); slot++) {
		int fd = open_port(path);

		if (fd == -EBUSY)
			continue; /* Another process of this machine has the slot. */
		if (fd < 0) {
			fido_log(FIDO_LOG_ERROR,
				"group vm:%s: cannot open %s: %s: run as root, or give this user "
				"the port (udev)",
				v->domain->group, path, strerror(-fd));
			return fd;
		}
		fido_vm_port_use(&v->port, fd);
		ret = await_welcome(v);
		if (ret != -EBUSY)
			return ret;
	}
	return ret;
}

static int
try_host(struct fido_vm *v)
{
	int fd = fido_vm_place_connect(&v->place);

	if (fd < 0) {
		if (fd == -ECONNREFUSED || fd == -ENOENT || fd == -EAGAIN)
			return -ETIMEDOUT;
		fido_log(FIDO_LOG_ERROR,
			"group vm:%s: cannot connect to %s/" FIDO_VM_HOST_SOCKET
			": %s: this user needs permission for the group's folder",
			v->domain->group, v->place.folder.dir, strerror(-fd));
		return fd;
	}
	fido_vm_port_use(&v->port, fd);
	return await_welcome(v);
}

/* @return 0, -EPROTO (logged) */
static int
take_welcome(struct fido_vm *v)
{
	const struct fido_vm_welcome *w = &v->welcome;
	struct fido_domain *d = v->domain;
	struct fido_layout layout = {w->base, w->slot_shift, w->slots};
	const struct fido_layout *wanted = &d->layout;

	if (w->slots > FIDO_SLOTS_MAX || w->slot >= w->slots || w->size % FIDO_GRANULE_SIZE != 0 ||
		w->size < d->control_size + FIDO_GRANULE_SIZE || w->slot_shift > 63 ||
		w->size > UINT64_C(1) << w->slot_shift) {
		fido_log(FIDO_LOG_ERROR,
			"group vm:%s: slots of %llu bytes are too small for a control region of "
			"%zu: create the group with larger ones (fido-vmd create --size), or use "
			"a smaller control_size",
			d->group, (unsigned long long)w->size, d->control_size);
		return -EPROTO;
	}
	if ((wanted->base != 0 && wanted->base != layout.base) ||
		(wanted->slot_shift != 0 && wanted->slot_shift != layout.slot_shift) ||
		(wanted->slots != 0 && wanted->slots != layout.slots)) {
		fido_log(FIDO_LOG_ERROR,
			"group vm:%s has another layout than the one that %s asks for: leave the "
			"layout out",
			d->group, d->name);
		return -EINVAL;
	}
	d->layout = layout;
	d->slot = w->slot;
	d->memory_size = w->size;
	return 0;
}

/* @return for how long, from the beginning, to try again after that error */
static uint64_t
patience(const struct fido_vm *v, int err)
{
	if (err == -EBUSY)
		return SLOT_WAIT_MS;
	return err == -ETIMEDOUT && v->place.is_host ? RESTART_WAIT_MS : 0;
}

int
fido_vm_member_join(struct fido_vm *v)
{
	uint64_t began = fido_now_ms();
	int ret;

	for (;;) {
		ret = v->place.is_host ? try_host(v) : try_ports(v);
		if (fido_now_ms() - began >= patience(v, ret))
			break;
		usleep(RETRY_MS * 1000);
	}
	if (ret == -ETIMEDOUT)
		say_silent(v);
	if (ret == -EBUSY) {
		fido_log(FIDO_LOG_ERROR,
			"group vm:%s: all slots of this machine are taken, or other domains still "
			"map memory of their previous owners: stop a domain, or create the group "
			"with more slots (fido-vmd create --slots-per-vm N)",
			v->domain->group);
		return -ENOSPC;
	}
	if (ret == 0)
		ret = take_welcome(v);
	v->connected = ret == 0;
	return ret;
}

/* ---- the connection, afterwards ---- */

void
fido_vm_member_watch(struct fido_vm *v, bool waits)
{
	struct epoll_event ev = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.fd = v->port.fd};

	if (!v->connected)
		return;
	if (epoll_ctl(v->epoll_fd, EPOLL_CTL_MOD, v->port.fd, &ev) != 0)
		epoll_ctl(v->epoll_fd, EPOLL_CTL_ADD, v->port.fd, &ev);
}

static void
set_timer(const struct fido_vm *v, unsigned int ms)
{
	struct itimerspec t = {.it_interval.tv_nsec = ms * 1000000L,
		.it_value.tv_nsec = ms * 1000000L};

	timerfd_settime(v->timer_fd, 0, &t, NULL);
}

/* A guest keeps its port open: it is the claim to the slot. A host's socket is of no use. */
void
fido_vm_member_disconnected(struct fido_vm *v)
{
	if (!v->connected)
		return;
	v->connected = false;
	epoll_ctl(v->epoll_fd, EPOLL_CTL_DEL, v->port.fd, NULL);
	if (v->place.is_host)
		fido_vm_port_use(&v->port, -1);
	set_timer(v, RECONNECT_MS);
}

void
fido_vm_member_end(struct fido_vm *v)
{
	fido_vm_member_disconnected(v);
	set_timer(v, 0);
}

/* @return true: fido-vmd is at the other end */
static bool
is_back(struct fido_vm *v)
{
	struct pollfd p = {.fd = v->port.fd, .events = POLLIN};

	if (v->place.is_host)
		return connect_host(v);
	return poll(&p, 1, 0) >= 0 && (p.revents & POLLHUP) == 0;
}

void
fido_vm_member_reconnect(struct fido_vm *v)
{
	uint64_t expired;
	ssize_t n = read(v->timer_fd, &expired, sizeof(expired));

	if (n != sizeof(expired) || v->connected || !is_back(v))
		return;
	v->connected = true;
	set_timer(v, 0);
	fido_vm_member_hello(v);
}
