/* SPDX-License-Identifier: BSD-3-Clause */
#include "bell_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/log.h>

#include "bell_file.h"
#include "fido_bell.h"
#include "loop.h"
#include "output.h"
#include "process.h"
#include "unix_socket.h"

/* Members of the host that read at the same time. */
#define HOST_CLIENTS 16
/* Listeners: by machine; the host's is at VMD_HOST_INDEX. */
#define LISTENERS_MAX (VMD_VMS_MAX + 1)
#define LOCK "bells.lock"
#define DAEMON VMD_VMS_MAX

struct holder;

struct bell_client {
	struct source source; /* first */
	struct holder *holder;
	uint32_t what; /* index of its listener */
	uint32_t next; /* message */
	int label_fd;
};

struct bell_listener {
	struct source source; /* first */
	struct holder *holder;
	uint32_t what;
};

struct holder {
	struct vmd_group group;
	struct vmd_bells_shm *shm;
	int loop;
	int lock_fd;
	bool stop;
	struct source folder;
	int (*eventfds)[FIDO_BELL_VECTORS_MAX];   /* by id, from 1 on */
	int (*testaments)[FIDO_BELL_VECTORS_MAX]; /* by machine */
	struct bell_listener listeners[LISTENERS_MAX];
	/* By machine; then fido-vmd's; then those of the host's members. */
	struct bell_client clients[LISTENERS_MAX + HOST_CLIENTS];
	uint32_t next_host;
};

/* ---- what a client is told ---- */

struct bell_message {
	int64_t number;
	int fd; /* -1: none */
};

/* @return the n-th message about ids from first on, without one of them */
static struct bell_message
about_ids(const struct holder *h, uint32_t n, uint32_t first, uint32_t without)
{
	uint32_t id = first + n / h->group.bells;

	if (id >= without)
		id++;
	return (struct bell_message){id, h->eventfds[id][n % h->group.bells]};
}

/* What follows the page. @return false: nothing more */
static bool
bell_of(const struct holder *h, const struct bell_client *c, uint32_t n, struct bell_message *out)
{
	const uint32_t bells = h->group.bells, ids = vmd_bell_ids(&h->group);

	if (c->what == DAEMON) {
		uint32_t vm = VMD_HOST_INDEX + 1 + n / bells;

		if (vm >= h->group.vm_count)
			return false;
		*out = (struct bell_message){vm, h->testaments[vm][n % bells]};
	} else if (c->what == VMD_HOST_INDEX) {
		if (n >= (ids - 1) * bells)
			return false;
		*out = about_ids(h, n, 1, UINT32_MAX);
	} else if (n < bells) {
		*out = (struct bell_message){FIDO_VM_BELL_DAEMON, h->testaments[c->what][n]};
	} else if (n < (ids - 1) * bells) {
		*out = about_ids(h, n - bells, 1, c->what);
	} else if (n < ids * bells) {
		*out = (struct bell_message){c->what, h->eventfds[c->what][n % bells]};
	} else {
		return false;
	}
	return true;
}

static bool
next_message(const struct bell_client *c, struct bell_message *out)
{
	switch (c->next) {
	case 0:
		*out = (struct bell_message){0, -1};
		return true;
	case 1:
		*out = (struct bell_message){c->what != DAEMON ? c->what : FIDO_VM_BELL_DAEMON, -1};
		return true;
	case 2:
		*out = (struct bell_message){-1, c->label_fd};
		return true;
	default:
		return bell_of(c->holder, c, c->next - 3, out);
	}
}

/* ---- clients ---- */

static int
make_label(const struct vmd_group *g)
{
	struct fido_bell_label label = {.magic = FIDO_BELL_LABEL_MAGIC,
		.version = FIDO_BELL_ABI,
		.vectors = g->bells};
	int fd = memfd_create("fido-bell", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	_Static_assert(sizeof(label.group) == FIDO_NAME_MAX, "every name fits");
	memcpy(label.group, g->name, sizeof(label.group));
	if (fd >= 0 &&
		(ftruncate(fd, FIDO_BELL_LABEL_SIZE) != 0 ||
			pwrite(fd, &label, sizeof(label), 0) != sizeof(label) ||
			fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void
set_connected(struct bell_client *c, bool connected)
{
	if (c->what != VMD_HOST_INDEX && c->what != DAEMON)
		fido_store_release(&c->holder->shm->machines[c->what].connected, connected);
}

static void
close_client(struct bell_client *c)
{
	if (c->source.fd >= 0)
		set_connected(c, false);
	source_close(&c->source);
	if (c->label_fd >= 0)
		close(c->label_fd);
	c->label_fd = -1;
}

static ssize_t
send_message(int socket, const struct bell_message *m)
{
	int64_t number = (int64_t)htole64((uint64_t)m->number);
	struct iovec bytes = {&number, sizeof(number)};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {{0}};
	struct msghdr msg = {.msg_iov = &bytes, .msg_iovlen = 1};

	if (m->fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.header), &m->fd, sizeof(int));
	}
	return sendmsg(socket, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* It has all. QEMU's connection stays open: after a hang-up it might not read the rest. */
static void
finish(struct bell_client *c)
{
	if (c->what == VMD_HOST_INDEX) {
		close_client(c);
		return;
	}
	source_change(&c->source, EPOLLIN);
	set_connected(c, true);
}

static void
send_more(struct bell_client *c)
{
	struct bell_message m;

	while (next_message(c, &m)) {
		if (send_message(c->source.fd, &m) < 0) {
			if (errno != EAGAIN && errno != EINTR && errno != ETOOMANYREFS)
				close_client(c);
			return;
		}
		c->next++;
	}
	finish(c);
}

static void
on_client(struct source *source, uint32_t events)
{
	struct bell_client *c = (struct bell_client *)source;
	char bytes[64];
	ssize_t n = recv(source->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	/* A client says nothing. */
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_client(c);
	else if (events & EPOLLOUT)
		send_more(c);
}

static struct bell_client *
client_for(struct holder *h, uint32_t what)
{
	return what != VMD_HOST_INDEX ? &h->clients[what]
				      : &h->clients[LISTENERS_MAX + h->next_host++ % HOST_CLIENTS];
}

static void
on_connection(struct source *source, uint32_t events)
{
	struct bell_listener *l = (struct bell_listener *)source;
	struct holder *h = l->holder;
	int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct bell_client *c;
	uint64_t pid, start;
	unsigned int uid;

	(void)events;
	if (fd < 0)
		return;
	/* The former one has ended, or does not need the connection any more. */
	c = client_for(h, l->what);
	close_client(c);
	c->what = l->what;
	c->next = 0;
	c->label_fd = make_label(&h->group);
	if (l->what != VMD_HOST_INDEX && l->what != DAEMON) {
		process_of_socket(fd, &pid, &start, &uid);
		fido_store_relaxed(&h->shm->machines[l->what].pid, pid);
		fido_store_relaxed(&h->shm->machines[l->what].start, start);
	}
	if (source_open(&c->source, h->loop, fd, EPOLLIN | EPOLLOUT) != 0 || c->label_fd < 0)
		close_client(c);
}

/* ---- the holder ---- */

/* @return true: the lock in the group's folder, if there is one, is not the one that is held */
static bool
is_removed(const struct holder *h)
{
	char path[VMD_PATH_MAX];
	struct stat there, held;

	return vmd_folder_path(path, h->group.dir, "%s", LOCK) != 0 || stat(path, &there) != 0 ||
		fstat(h->lock_fd, &held) != 0 || there.st_ino != held.st_ino ||
		there.st_dev != held.st_dev;
}

static void
on_folder(struct source *source, uint32_t events)
{
	struct holder *h = (struct holder *)((char *)source - offsetof(struct holder, folder));
	char buffer[4096];

	(void)events;
	if (read(source->fd, buffer, sizeof(buffer)) > 0 && is_removed(h))
		h->stop = true;
}

static int
watch_folder(struct holder *h)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	h->folder.ready = on_folder;
	/* IN_DELETE_SELF does not come while a file that was in the folder is open. */
	if (fd < 0 || inotify_add_watch(fd, h->group.dir, IN_MOVE_SELF | IN_DELETE) < 0)
		return -errno;
	return source_open(&h->folder, h->loop, fd, EPOLLIN);
}

static int
take_lock(struct holder *h)
{
	char path[VMD_PATH_MAX];
	int ret = vmd_folder_path(path, h->group.dir, "%s", LOCK);

	if (ret != 0)
		return ret;
	h->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (h->lock_fd >= 0 && flock(h->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return -errno;
}

static int
make_eventfds(struct holder *h)
{
	const uint32_t ids = vmd_bell_ids(&h->group);

	h->eventfds = calloc(ids, sizeof(*h->eventfds));
	h->testaments = calloc(h->group.vm_count, sizeof(*h->testaments));
	if (h->eventfds == NULL || h->testaments == NULL)
		return -ENOMEM;
	for (uint32_t v = 0; v < h->group.bells; v++) {
		for (uint32_t id = 1; id < ids; id++)
			if ((h->eventfds[id][v] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
				return -errno;
		for (uint32_t vm = VMD_HOST_INDEX + 1; vm < h->group.vm_count; vm++)
			if ((h->testaments[vm][v] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
				return -errno;
	}
	return 0;
}

static int
open_file(struct holder *h)
{
	int ret = vmd_bells_open(&h->shm, &h->group, true);
	uint64_t holder = 0;

	if (ret != 0)
		return ret;
	/* In this order: what is there is another holder's. */
	for (uint32_t i = 0; i < VMD_VMS_MAX; i++)
		fido_store_release(&h->shm->machines[i].connected, 0);
	while (holder == 0)
		if (getrandom(&holder, sizeof(holder), 0) != sizeof(holder))
			return -errno;
	fido_store_release(&h->shm->holder, holder);
	return 0;
}

static int
listen_at(struct holder *h, uint32_t what, mode_t mode, uid_t uid, gid_t gid, const char *name)
{
	struct bell_listener *l = &h->listeners[what];
	char path[VMD_PATH_MAX];
	int ret = vmd_folder_path(path, h->group.dir, "%s", name);

	if (ret == 0)
		ret = unix_listen(path, mode, uid, gid);
	if (ret < 0)
		return ret;
	l->source.ready = on_connection;
	l->holder = h;
	l->what = what;
	return source_open(&l->source, h->loop, ret, EPOLLIN);
}

static int
listen_all(struct holder *h)
{
	const struct vmd_group *g = &h->group;
	char name[FIDO_NAME_MAX + 8];
	int ret = listen_at(h, VMD_HOST_INDEX, g->shared ? 0660 : 0600, g->vms[VMD_HOST_INDEX].uid,
		g->gid, FIDO_VM_HOST_BELLS);

	for (uint32_t vm = VMD_HOST_INDEX + 1; vm < g->vm_count && ret == 0; vm++) {
		snprintf(name, sizeof(name), FIDO_VM_BELLS, g->vms[vm].name);
		ret = listen_at(h, vm, 0600, g->vms[vm].uid, (gid_t)-1, name);
	}
	if (ret == 0)
		ret = listen_at(h, DAEMON, 0600, geteuid(), (gid_t)-1, VMD_BELLS_SOCKET);
	return ret;
}

/* Three descriptors are enough for other purposes. */
static void
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
begin(struct holder *h, const char *group)
{
	int ret = vmd_group_load(&h->group, group);

	if (ret != 0)
		return ret;
	if (h->group.bells == 0)
		return -EINVAL;
	raise_limit();
	h->loop = loop_create();
	h->folder.fd = -1;
	for (uint32_t i = 0; i < LISTENERS_MAX; i++)
		h->listeners[i].source.fd = -1;
	for (uint32_t i = 0; i < LISTENERS_MAX + HOST_CLIENTS; i++)
		h->clients[i] = (struct bell_client){.source = {.fd = -1, .ready = on_client},
			.holder = h,
			.label_fd = -1};
	ret = h->loop >= 0 ? watch_folder(h) : h->loop;
	if (ret == 0)
		ret = take_lock(h);
	if (ret == 0)
		ret = make_eventfds(h);
	if (ret == 0)
		ret = open_file(h);
	return ret == 0 ? listen_all(h) : ret;
}

/* Whoever has started it does not wait for its end, which may come much later. */
static void
detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	printf("fido-vmd: holding\n");
	app_output_flush();
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (chdir("/") != 0)
		return; /* A folder that cannot be unmounted is no reason to end. */
}

int
vmd_bells_hold(const char *group)
{
	static struct holder h;
	int ret = begin(&h, group);

	if (ret != 0) {
		fido_log(FIDO_LOG_ERROR, "group %s: cannot hold its doorbells: %s", group,
			ret == -EWOULDBLOCK      ? "another process does"
				: ret == -EINVAL ? "it was created without --bells"
						 : strerror(-ret));
		return ret;
	}
	detach();
	while (!h.stop)
		loop_turn(h.loop, -1);
	return 0;
}
