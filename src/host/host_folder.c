/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain's entries in the group's folder. The domain creates them when it joins and removes them
 * when it leaves. If something else removes them meanwhile (rm -rf, a cleaner of old files,
 * systemd's RuntimeDirectory=), the domain restores them, so that domains that join later find it.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/log.h>

#include "domain_private.h"
#include "fork_guard.h"
#include "host_private.h"
#include "local_slot.h"
#include "peer.h"

/*
 * How long a joining domain waits for a slot when all are in use: longer than peers keep a dead
 * domain mapped when they hold none of its buffers.
 */
#define SLOT_WAIT_MS 250
#define LOCK_BUSY_NS UINT64_C(10000000)
/*
 * Restore files this many times without delay, then less and less often: each time leaves one more
 * descriptor open, that of the former slot's file.
 */
#define PUT_BACK_MAX 16
/*
 * Retry interval when the folder cannot be restored, and poll interval when it cannot be watched.
 */
#define LATER_NS UINT64_C(5000000000)

/* @return as fido_host_claim() */
static int
enter_once(struct host *h)
{
	struct fido_domain *d = h->domain;
	int ret = fido_local_folder_lock(&h->group);

	if (ret != 0)
		return ret;
	fido_local_folder_clean_if_empty(&h->group);
	ret = fido_local_folder_layout(&h->group, &d->layout);
	if (ret == 0)
		ret = fido_host_claim(&h->group, d, &h->claim);
	if (ret != 0)
		fido_local_folder_remove_if_empty(&h->group);
	fido_local_folder_unlock(&h->group);
	return ret;
}

int
fido_host_enter(struct host *h)
{
	uint64_t until = fido_now_ms() + SLOT_WAIT_MS;
	int ret;

	while ((ret = enter_once(h)) == -EBUSY && fido_now_ms() < until)
		usleep(2000);
	if (ret == -EBUSY) {
		fido_host_claim_explain(&h->group, h->domain);
		ret = -ENOSPC;
	}
	if (ret != 0)
		fido_local_folder_tidy(&h->group);
	return ret;
}

static void
socket_path(const struct host *h, char *out)
{
	char file[FIDO_NAME_MAX + 8];

	snprintf(file, sizeof(file), "%s.sock", h->domain->name);
	fido_local_folder_path(&h->group, file, out);
}

static bool
socket_is_there(const struct host *h)
{
	char path[FIDO_LOCAL_PATH_MAX];
	struct stat st;

	socket_path(h, path);
	return lstat(path, &st) == 0 && st.st_dev == h->socket_dev && st.st_ino == h->socket_ino;
}

static int
listen_there(struct host *h)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
	char path[FIDO_LOCAL_PATH_MAX];
	struct stat st;
	int fd = fido_local_folder_listen(&h->group, h->domain->name);

	if (fd < 0)
		return fd;
	socket_path(h, path);
	if (lstat(path, &st) != 0 || epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
		int err = errno;

		fido_fork_close(fd);
		unlink(path);
		return -err;
	}
	h->socket_dev = st.st_dev;
	h->socket_ino = st.st_ino;
	if (h->listen_fd >= 0) {
		epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, h->listen_fd, NULL);
		fido_fork_close(h->listen_fd);
	}
	h->listen_fd = fd;
	h->accept_at_ns = 0;
	return 0;
}

/* Watch the folder, which may be a new one. Without a watch (there may be none left) we poll it. */
static void
watch(struct host *h)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &h->watch_fd};

	if (h->watch_fd < 0) {
		h->watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		if (h->watch_fd >= 0)
			epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, h->watch_fd, &ev);
	}
	if (h->watch_fd >= 0 &&
		inotify_add_watch(h->watch_fd, h->group.dir,
			IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) >=
			0)
		return;
	if (h->watch_fd >= 0)
		close(h->watch_fd);
	h->watch_fd = -1;
}

int
fido_host_appear(struct host *h)
{
	int ret = listen_there(h);

	if (ret != 0)
		return ret;
	watch(h);
	h->look_at_ns = 1; /* The socket may have been removed before the watch began. */
	return 0;
}

/* @return true: the file is ours, or one that every domain needs */
static bool
is_ours(const struct host *h, const char *name)
{
	char slot[16], socket[FIDO_NAME_MAX + 8];

	snprintf(slot, sizeof(slot), "slot.%u", h->domain->slot);
	snprintf(socket, sizeof(socket), "%s.sock", h->domain->name);
	return strcmp(name, "lock") == 0 || strcmp(name, "group") == 0 || strcmp(name, slot) == 0 ||
		strcmp(name, socket) == 0;
}

void
fido_host_watch_read(struct host *h)
{
	union {
		struct inotify_event align;
		char bytes[4096];
	} buf;
	ssize_t n;

	while ((n = read(h->watch_fd, buf.bytes, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const void *)(buf.bytes + at);

			if (e->len == 0 || is_ours(h, e->name))
				h->look_at_ns = 1;
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
}

static bool
is_whole(const struct host *h)
{
	char path[FIDO_LOCAL_PATH_MAX];

	fido_local_folder_path(&h->group, "group", path);
	if (access(path, F_OK) != 0 || !socket_is_there(h) ||
		!fido_local_slot_is(&h->group, h->domain->slot, h->claim.slot))
		return false;
	fido_local_folder_path(&h->group, "lock", path);
	return fido_local_is_file(path, h->claim.slots);
}

/* Restore the missing files. The folder's lock is held. @return 0, -EEXIST, -errno */
static int
put_back(struct host *h)
{
	struct fido_domain *d = h->domain;
	struct fido_layout layout = d->layout;
	uint64_t mapped = 0;
	int ret;

	for (const struct fido_peer *p = d->peers; p != NULL; p = p->next)
		mapped |= UINT64_C(1) << p->slot;
	ret = fido_local_folder_layout(&h->group, &layout);
	if (ret == 0)
		ret = fido_host_claim_again(&h->group, d, &h->claim, mapped);
	if (ret == 0 && !socket_is_there(h)) {
		char path[FIDO_LOCAL_PATH_MAX];

		fido_host_accept(h); /* connections to the old socket */
		socket_path(h, path);
		unlink(path);
		ret = listen_there(h);
	}
	return ret;
}

static bool
is_short(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM;
}

static uint64_t
wait_after(const struct host *h)
{
	unsigned int n = h->claim.former_count;

	return LOCK_BUSY_NS << (n < PUT_BACK_MAX      ? 0
			       : n < 2 * PUT_BACK_MAX ? n - PUT_BACK_MAX
						      : PUT_BACK_MAX);
}

static void
say(struct host *h, int ret)
{
	const struct fido_domain *d = h->domain;

	if (ret == 0 && !h->put_back)
		fido_log(FIDO_LOG_WARNING,
			"group %s: %s: files of the group were removed from %s and have been "
			"restored: "
			"exclude that folder from cleaners (systemd: RuntimeDirectoryPreserve=yes)",
			d->group, d->name, h->group.dir);
	else if (ret != 0 && !h->lost)
		fido_log(FIDO_LOG_ERROR,
			"group %s: %s: files of the group were removed from %s and cannot be "
			"restored: "
			"%s: domains that join from now on do not find %s: %s",
			d->group, d->name, h->group.dir,
			ret == -EEXIST ? "another domain has taken its name or its slot"
				       : strerror(-ret),
			d->name,
			ret == -EEXIST          ? "restart it"
				: is_short(ret) ? fido_memory_advice(d, ret)
						: "give its user write permission there");
	h->put_back |= ret == 0;
	h->lost = ret != 0;
}

uint64_t
fido_host_folder_step(struct host *h, uint64_t now)
{
	int ret;

	if (h->look_at_ns == 0 || h->look_at_ns > now)
		return h->look_at_ns;
	if (now < h->put_back_ns)
		return h->look_at_ns = h->put_back_ns;
	h->look_at_ns = h->watch_fd >= 0 ? 0 : now + LATER_NS;
	if (is_whole(h))
		return h->look_at_ns;
	ret = fido_local_folder_try_lock(&h->group);
	if (ret == -EAGAIN)
		return h->look_at_ns = now + LOCK_BUSY_NS;
	if (ret == 0) {
		ret = is_whole(h) ? 1 : put_back(h);
		fido_local_folder_unlock(&h->group);
	}
	if (ret <= 0)
		say(h, ret);
	if (ret < 0)
		return h->look_at_ns = now + (is_short(ret) ? LATER_NS : 12 * LATER_NS);
	watch(h);
	fido_host_greet_all(h); /* Domains that joined meanwhile have not seen us. */
	h->put_back_ns = now + wait_after(h);
	return h->look_at_ns = h->put_back_ns; /* More files may be removed meanwhile. */
}

void
fido_host_disappear(struct host *h)
{
	char path[FIDO_LOCAL_PATH_MAX];

	if (h->watch_fd >= 0)
		close(h->watch_fd);
	h->watch_fd = -1;
	if (h->listen_fd < 0)
		return;
	socket_path(h, path);
	if (socket_is_there(h))
		unlink(path);
	fido_fork_close(h->listen_fd);
	h->listen_fd = -1;
}
