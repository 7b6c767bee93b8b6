/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/log.h>

#include "fork_guard.h"
#include "host_observe.h"
#include "host_session.h"
#include "local_slot.h"

#define ANSWER_MS 500

/* @return 0: m is the domain's HELLO with one descriptor; -ETIMEDOUT, -EPROTO, -EPIPE */
static int
ask(int fd, struct fido_host_message *m)
{
	struct fido_host_session s = {.fd = fd, .out_end = &s.out};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct fido_host_header msg;
	unsigned int version;
	int ret = fido_host_send(&s, FIDO_HOST_OBSERVE, &msg, sizeof(msg), NULL, 0, false);

	if (ret != 0)
		return ret;
	if (poll(&p, 1, ANSWER_MS) <= 0)
		return -ETIMEDOUT;
	ret = fido_host_receive(fd, m, &version);
	if (ret == 1 && m->h.type == FIDO_HOST_HELLO && m->nfds == 1)
		return 0;
	if (ret == 1)
		fido_host_message_close(m);
	if (version != 0 && version != FIDO_LAYOUT_VERSION)
		fido_log(FIDO_LOG_ERROR,
			"a domain has protocol version %u, this program %u: use the same version "
			"of Fido",
			version, FIDO_LAYOUT_VERSION);
	return ret < 0 ? ret : -EPROTO;
}

static int
map_control(struct fido_observation *o, const struct fido_host_message *m)
{
	int seals = fcntl(m->fds[0], F_GET_SEALS);
	struct stat st;
	void *p;

	o->size = m->hello.control_size;
	o->generation = m->hello.generation;
	/* Without the seal the file could shrink while we read it: a SIGBUS. */
	if (fstat(m->fds[0], &st) != 0 || (uint64_t)st.st_size < o->size ||
		o->size < FIDO_CONTROL_HEAP_OFFSET || seals < 0 || !(seals & F_SEAL_SHRINK))
		return -EPROTO;
	p = mmap(NULL, o->size, PROT_READ, MAP_SHARED, m->fds[0], 0);
	if (p == MAP_FAILED)
		return -errno;
	o->control = p;
	if (fido_control_check(o->control, o->size) == 0)
		return 0;
	munmap(p, o->size);
	o->control = NULL;
	return -EPROTO;
}

int
fido_host_observe(const struct fido_local_folder *g, const char *name, struct fido_observation *o)
{
	struct fido_host_message m;
	int ret;

	*o = (struct fido_observation){.socket = -1};
	snprintf(o->name, sizeof(o->name), "%s", name);
	o->socket = fido_local_folder_connect(g, name);
	if (o->socket < 0) {
		ret = o->socket == -ECONNREFUSED ? -ENOENT : o->socket;
		goto err_close;
	}
	o->alive = true;
	ret = ask(o->socket, &m);
	if (ret != 0)
		goto err_close;
	ret = map_control(o, &m);
	fido_host_message_close(&m);
	if (ret == 0)
		return 0;
err_close:
	o->moved_ns = fido_local_slot_moved_at(g, name);
	if (ret == -EPIPE && o->moved_ns == 0)
		ret = -ENOENT; /* It exited before it answered. */
	fido_fork_close(o->socket);
	o->socket = -1;
	return ret;
}

void
fido_host_observation_end(struct fido_observation *o)
{
	if (o->control != NULL)
		munmap((void *)(uintptr_t)o->control, o->size);
	fido_fork_close(o->socket);
	o->control = NULL;
	o->socket = -1;
}

struct each {
	const struct fido_local_folder *group;
	int (*fn)(void *arg, struct fido_observation *o);
	void *arg;
};

static int
observe_one(void *arg, const char *name)
{
	const struct each *e = arg;
	struct fido_observation o;
	int ret = fido_host_observe(e->group, name, &o);

	/* Report a domain that does not answer, but not one that does not exist. */
	return ret == -ENOENT ? 0 : e->fn(e->arg, &o);
}

int
fido_host_observe_all(const char *group, int (*fn)(void *arg, struct fido_observation *o),
	void *arg)
{
	struct fido_local_folder g;
	struct each e = {&g, fn, arg};
	int ret = fido_local_folder_open(&g, group, false);

	return ret != 0 ? ret : fido_local_folder_each(&g, observe_one, &e);
}
