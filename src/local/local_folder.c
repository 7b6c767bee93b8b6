/* SPDX-License-Identifier: BSD-3-Clause */
/* Create, trust and lock a group's folder; read or write its layout. */

#include "local_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/clock.h>
#include <fido/control_shm.h>
#include <fido/log.h>

#include "fork_guard.h"

/* How long a joining domain waits for the folder's lock. Others hold it for microseconds only. */
#define LOCK_WAIT_MS 10000

#define FOR_SEVERAL_USERS                                                                        \
	"; to share a group between users, create it as root: fido-ctl create GROUP --gid NAME " \
	"(a Unix group that they are in)"

int
fido_group_run_dir(char *out, size_t size)
{
	const char *env = getenv("FIDO_RUNDIR");
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	int n;

	if (env != NULL && env[0] != '\0')
		n = snprintf(out, size, "%s", env);
	else if (geteuid() == 0)
		n = snprintf(out, size, FIDO_LOCAL_RUN);
	else if (xdg != NULL && xdg[0] != '\0')
		n = snprintf(out, size, "%s/fido", xdg);
	else
		n = snprintf(out, size, "/tmp/fido-%u", (unsigned int)geteuid());
	if (n < 0 || (size_t)n >= size) {
		fido_log(FIDO_LOG_ERROR,
			"the path of the folder for groups is too long (at most %zu bytes): set "
			"FIDO_RUNDIR to a shorter one",
			size - 1);
		return -ENAMETOOLONG;
	}
	return 0;
}

static bool
in_group(gid_t gid)
{
	gid_t groups[256];
	int n = getgroups((int)(sizeof(groups) / sizeof(groups[0])), groups);

	if (gid == getegid())
		return true;
	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

/*
 * In /tmp anybody may have created a folder of this name. Trust it if this user owns it, or if this
 * user named it (FIDO_RUNDIR) and it is for a Unix group that the user is in. root may observe any.
 */
static int
check_owner(const char *dir, bool create)
{
	const char *env = getenv("FIDO_RUNDIR");
	bool named = env != NULL && env[0] != '\0';
	struct stat st;

	if (lstat(dir, &st) != 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (strncmp(dir, "/tmp/", 5) != 0 || st.st_uid == geteuid() || (geteuid() == 0 && !create))
		return 0;
	return named && (st.st_mode & S_ISGID) && (st.st_mode & S_IWGRP) && in_group(st.st_gid)
		? 0
		: -EPERM;
}

/* A folder created in one for a Unix group (setgid, group-writable) is for that Unix group too. */
static void
inherit(const char *parent, const char *dir)
{
	struct stat st;

	if (stat(parent, &st) == 0 && (st.st_mode & S_ISGID) && (st.st_mode & S_IWGRP)) {
		if (chown(dir, (uid_t)-1, st.st_gid) == 0)
			chmod(dir, st.st_mode & 02777);
	}
}

static int
make_dir(const char *parent, const char *dir, bool create, bool *made)
{
	int ret = 0;

	*made = create && mkdir(dir, 0750) == 0;
	if (create && !*made)
		ret = errno == EEXIST ? 0 : -errno;
	else if (create && parent != NULL)
		inherit(parent, dir);
	if (ret == 0)
		ret = check_owner(dir, create);
	if (ret != 0 && (create || ret != -ENOENT))
		fido_log(FIDO_LOG_ERROR,
			"cannot use folder %s: %s: make it writable for this user, or set "
			"FIDO_RUNDIR to one that is%s",
			dir, strerror(-ret),
			ret == -EACCES || ret == -EPERM ? FOR_SEVERAL_USERS : "");
	return ret;
}

int
fido_local_folder_open(struct fido_local_folder *g, const char *group, bool create)
{
	char run[FIDO_LOCAL_DIR_MAX - FIDO_NAME_MAX - 8];
	int ret;

	*g = (struct fido_local_folder){.lock_fd = -1};
	ret = fido_group_run_dir(run, sizeof(run));
	if (ret != 0)
		return ret;
	snprintf(g->dir, sizeof(g->dir), "%s/%s", run, group);
	ret = make_dir(NULL, run, create, &g->made_run);
	if (ret == 0)
		ret = make_dir(run, g->dir, create, &g->made);
	if (ret == -ENOENT && !create)
		fido_log(FIDO_LOG_ERROR,
			"group %s: there is no such group (%s): start one of its domains first",
			group, g->dir);
	return ret;
}

void
fido_local_folder_path(const struct fido_local_folder *g, const char *file, char *out)
{
	snprintf(out, FIDO_LOCAL_PATH_MAX, "%s/%s", g->dir, file);
}

bool
fido_local_is_file(const char *path, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev &&
		a.st_ino == b.st_ino;
}

mode_t
fido_local_shared_mode(const struct stat *dir, bool same_group)
{
	mode_t others = dir->st_mode & 06;

	return 0600 | (same_group ? dir->st_mode & 060 : others << 3) | others;
}

void
fido_local_folder_share(const struct fido_local_folder *g, int fd)
{
	struct stat dir, st;
	bool same;

	if (stat(g->dir, &dir) != 0 || fstat(fd, &st) != 0 || st.st_uid != geteuid())
		return;
	/* If this fails some users cannot join: their own domains log it. */
	same = st.st_gid == dir.st_gid || fchown(fd, (uid_t)-1, dir.st_gid) == 0;
	fchmod(fd, fido_local_shared_mode(&dir, same));
}

/* ---- the lock ---- */

/* Create the folder again, as it was, if the last domain that left or a cleaner has removed it. */
static int
make_again(const struct fido_local_folder *g)
{
	char run[FIDO_LOCAL_DIR_MAX], path[FIDO_LOCAL_PATH_MAX];
	int fd;

	snprintf(run, sizeof(run), "%s", g->dir);
	*strrchr(run, '/') = '\0';
	if (mkdir(g->dir, 0750) != 0) {
		if (errno == ENOENT && mkdir(run, 0750) == 0 && g->run_mode != 0)
			chmod(run, g->run_mode & 07777);
		if (errno == EEXIST || mkdir(g->dir, 0750) != 0)
			return errno == EEXIST ? 0 : -errno;
	}
	inherit(run, g->dir);
	if (g->mode != 0 && chown(g->dir, (uid_t)-1, g->gid) == 0)
		chmod(g->dir, g->mode & 07777);
	if (g->kept) {
		fido_local_folder_path(g, "keep", path);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
		if (fd >= 0)
			close(fd);
	}
	return 0;
}

static void
remember(struct fido_local_folder *g)
{
	char path[FIDO_LOCAL_PATH_MAX];
	struct stat st;

	if (stat(g->dir, &st) == 0) {
		g->mode = st.st_mode;
		g->gid = st.st_gid;
	}
	fido_local_folder_path(g, "..", path);
	if (stat(path, &st) == 0)
		g->run_mode = st.st_mode;
	fido_local_folder_path(g, "keep", path);
	g->kept = access(path, F_OK) == 0;
}

/* @return 0, -EAGAIN: another process holds it, -ESTALE: it has just been removed, -errno */
static int
lock_once(struct fido_local_folder *g, bool create)
{
	char path[FIDO_LOCAL_PATH_MAX];
	int fd, ret = create ? make_again(g) : 0;

	if (ret != 0)
		return ret;
	fido_local_folder_path(g, "lock", path);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0640);
	if (fd < 0)
		return errno == ENOENT && create ? -ESTALE : -errno;
	fido_fork_guard(fd);
	if (create)
		fido_local_folder_share(g, fd);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		ret = errno == EWOULDBLOCK ? -EAGAIN : -errno;
	else if (!fido_local_is_file(path, fd))
		ret = -ESTALE;
	if (ret != 0) {
		fido_fork_close(fd);
		return ret;
	}
	g->lock_fd = fd;
	remember(g);
	return 0;
}

int
fido_local_folder_lock(struct fido_local_folder *g)
{
	uint64_t until = fido_now_ms() + LOCK_WAIT_MS;
	int ret;

	for (unsigned int us = 20;; us = us < 1000 ? us * 2 : us) {
		ret = lock_once(g, true);
		if ((ret != -EAGAIN && ret != -ESTALE) || fido_now_ms() > until)
			break;
		usleep(us);
	}
	if (ret == 0)
		return 0;
	if (ret == -EAGAIN || ret == -ESTALE) {
		fido_log(FIDO_LOG_ERROR,
			"%s/lock: another process has held the lock for %d s: find it (fuser -v "
			"%s/lock); if it was stopped while it joined, continue it with kill -CONT",
			g->dir, LOCK_WAIT_MS / 1000, g->dir);
		return -ETIMEDOUT;
	}
	rmdir(g->dir); /* A folder that we just created is empty. */
	fido_log(FIDO_LOG_ERROR,
		"cannot lock %s/lock: %s: this user needs write permission for the group's folder "
		"(or free space there)%s",
		g->dir, strerror(-ret), ret == -EACCES || ret == -EPERM ? FOR_SEVERAL_USERS : "");
	return ret;
}

int
fido_local_folder_try_lock(struct fido_local_folder *g)
{
	int ret = lock_once(g, true);

	return ret == -ESTALE ? -EAGAIN : ret;
}

void
fido_local_folder_unlock(struct fido_local_folder *g)
{
	fido_fork_close(g->lock_fd);
	g->lock_fd = -1;
}

/* ---- the layout ---- */

static int
layout_write(const struct fido_local_folder *g, const char *path, const struct fido_layout *l)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	int ret = 0;

	if (fd < 0)
		return -errno;
	fido_local_folder_share(g, fd);
	errno = EIO;
	if (dprintf(fd, "fido %d\nbase 0x%" PRIx64 "\nslot_shift %u\nslots %u\n",
		    FIDO_LAYOUT_VERSION, l->base, l->slot_shift, l->slots) < 0)
		ret = -errno;
	close(fd);
	if (ret != 0)
		unlink(path);
	return ret;
}

static void
layout_defaults(struct fido_layout *l)
{
	if (l->base == 0)
		l->base = FIDO_DEFAULT_BASE;
	if (l->slot_shift == 0)
		l->slot_shift = FIDO_DEFAULT_SLOT_SHIFT;
	if (l->slots == 0)
		l->slots = FIDO_DEFAULT_SLOTS;
}

static int
layout_parse(FILE *f, const char *path, struct fido_layout *have)
{
	int version = -1;

	if (fscanf(f, "fido %d\nbase %" SCNx64 "\nslot_shift %u\nslots %u\n", &version, &have->base,
		    &have->slot_shift, &have->slots) == 4 &&
		version == FIDO_LAYOUT_VERSION)
		return 0;
	fido_log(FIDO_LOG_ERROR,
		"%s: the group has layout version %d, this libfido has %d: use the same version of "
		"Fido in all domains",
		path, version, FIDO_LAYOUT_VERSION);
	return -EPROTO;
}

int
fido_local_folder_layout(struct fido_local_folder *g, struct fido_layout *l)
{
	char path[FIDO_LOCAL_PATH_MAX];
	struct fido_layout have;
	FILE *f;
	int ret;

	fido_local_folder_path(g, "group", path);
	f = fopen(path, "re");
	if (f == NULL && errno == ENOENT) {
		layout_defaults(l);
		ret = layout_write(g, path, l);
		if (ret != 0)
			fido_log(FIDO_LOG_ERROR,
				"cannot write %s: %s: free some space, or make the folder writable "
				"for this user",
				path, strerror(-ret));
		return ret;
	}
	if (f == NULL) {
		ret = -errno;
		fido_log(FIDO_LOG_ERROR, "cannot read %s: %s: this user may not join the group%s",
			path, strerror(-ret), FOR_SEVERAL_USERS);
		return ret;
	}
	ret = layout_parse(f, path, &have);
	fclose(f);
	if (ret != 0)
		return ret;
	if ((l->base != 0 && l->base != have.base) || (l->slots != 0 && l->slots != have.slots) ||
		(l->slot_shift != 0 && l->slot_shift != have.slot_shift)) {
		fido_log(FIDO_LOG_ERROR,
			"%s: the group has base 0x%" PRIx64
			", %u slots of 2^%u bytes; leave these options out, or give the same",
			path, have.base, have.slots, have.slot_shift);
		return -EINVAL;
	}
	*l = have;
	return 0;
}

/* ---- leaving ---- */

void
fido_local_folder_tidy(struct fido_local_folder *g)
{
	/*
	 * The holder of the lock checks again after releasing it. So of several domains that leave
	 * at once, one always removes the folder.
	 */
	while (fido_local_folder_is_empty(g) && lock_once(g, false) == 0) {
		bool empty = fido_local_folder_is_empty(g);

		fido_local_folder_remove_if_empty(g);
		fido_local_folder_unlock(g);
		if (empty)
			return;
	}
}
