/* SPDX-License-Identifier: BSD-3-Clause */
/* A group's folder. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/control_shm.h>
#include "host_group.h"
#include "log_private.h"

/* A socket's address has to hold the folder, a slash, a domain's name and ".sock". */
#define DIR_MAX ((int)(sizeof(((struct sockaddr_un *)0)->sun_path) - 1 - FIDO_NAME_MAX - 5))

/* Where all groups of this user live. */
static int
run_dir(char *out, size_t size)
{
	const char *env = getenv("FIDO_RUNDIR");
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	int n;

	if (env != NULL && env[0] != '\0')
		n = snprintf(out, size, "%s", env);
	else if (geteuid() == 0)
		n = snprintf(out, size, "/run/fido");
	else if (xdg != NULL && xdg[0] != '\0')
		n = snprintf(out, size, "%s/fido", xdg);
	else
		n = snprintf(out, size, "/tmp/fido-%u", (unsigned int)geteuid());
	if (n < 0 || (size_t)n >= size) {
		fido_log(FIDO_LOG_ERROR, "the folder for groups has too long a name: set FIDO_RUNDIR to a shorter one");
		return -ENAMETOOLONG;
	}
	return 0;
}

/* Only its owner may have made a folder in a place that everybody can write. */
static int
check_owner(const char *dir)
{
	struct stat st;

	if (lstat(dir, &st) != 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (strncmp(dir, "/tmp/", 5) == 0 && st.st_uid != geteuid())
		return -EPERM;
	return 0;
}

static int
make_dir(const char *dir, bool create)
{
	int ret;

	if (create && mkdir(dir, 0750) != 0 && errno != EEXIST)
		ret = -errno;
	else
		ret = check_owner(dir);
	if (ret != 0 && (create || ret != -ENOENT))
		fido_log(FIDO_LOG_ERROR, "cannot use folder %s: %s: make it writable for this user, or set FIDO_RUNDIR to one that is",
				dir, strerror(-ret));
	return ret;
}

int
fido_host_group_open(struct fido_host_group *g, const char *group, bool create)
{
	char run[48];
	int ret = run_dir(run, sizeof(run));

	g->lock_fd = -1;
	if (ret != 0)
		return ret;
	if (snprintf(g->dir, sizeof(g->dir), "%s/%s", run, group) > DIR_MAX) {
		fido_log(FIDO_LOG_ERROR, "group %s: its folder %s/%s has too long a name (at most %d characters): set FIDO_RUNDIR to a shorter one",
				group, run, group, DIR_MAX);
		return -ENAMETOOLONG;
	}
	ret = make_dir(run, create);
	if (ret == 0)
		ret = make_dir(g->dir, create);
	if (ret == -ENOENT && !create)
		fido_log(FIDO_LOG_ERROR, "group %s: there is no such group (%s): start a domain of it first",
				group, g->dir);
	return ret;
}

/* The folder may have been removed between our opening its lock and our getting it. */
static bool
lock_is_current(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int
fido_host_group_lock(struct fido_host_group *g)
{
	char path[128];
	int fd, err;

	snprintf(path, sizeof(path), "%s/lock", g->dir);
	for (int tries = 0; tries < 100; tries++) {
		if (mkdir(g->dir, 0750) != 0 && errno != EEXIST)
			break;
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
		if (fd < 0) {
			if (errno == ENOENT)
				continue;
			break;
		}
		if (flock(fd, LOCK_EX) == 0 && lock_is_current(fd, path)) {
			g->lock_fd = fd;
			return 0;
		}
		close(fd);
	}
	err = errno;
	rmdir(g->dir); /* If it is ours, it is empty. */
	fido_log(FIDO_LOG_ERROR, "cannot lock %s: %s: this user needs write permission for the group's folder (or free space there)",
			path, strerror(err));
	return -err;
}

void
fido_host_group_unlock(struct fido_host_group *g)
{
	if (g->lock_fd >= 0)
		close(g->lock_fd);
	g->lock_fd = -1;
}

static void
path_of(const struct fido_host_group *g, char *out, size_t size, const char *file)
{
	snprintf(out, size, "%s/%s", g->dir, file);
}

static int
layout_write(const char *path, const struct fido_layout *l)
{
	FILE *f = fopen(path, "we");
	int ret = 0;

	if (f == NULL)
		return -errno;
	if (fprintf(f, "fido %d\nbase 0x%" PRIx64 "\nslot_shift %u\nslots %u\n", FIDO_LAYOUT_VERSION, l->base,
			    l->slot_shift, l->slots) < 0)
		ret = -EIO;
	if (fclose(f) != 0)
		ret = -errno;
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
			    &have->slot_shift, &have->slots) == 4 && version == FIDO_LAYOUT_VERSION)
		return 0;
	fido_log(FIDO_LOG_ERROR, "%s: the group has layout version %d, this libfido has %d: use the same version of Fido in all domains",
			path, version, FIDO_LAYOUT_VERSION);
	return -EPROTO;
}

int
fido_host_group_layout(struct fido_host_group *g, struct fido_layout *l)
{
	char path[128];
	struct fido_layout have;
	FILE *f;
	int ret;

	path_of(g, path, sizeof(path), "group");
	f = fopen(path, "re");
	if (f == NULL && errno == ENOENT) {
		layout_defaults(l);
		ret = layout_write(path, l);
		if (ret != 0)
			fido_log(FIDO_LOG_ERROR, "cannot write %s: %s: free some space, or make the folder writable for this user",
					path, strerror(-ret));
		return ret;
	}
	if (f == NULL) {
		ret = -errno;
		fido_log(FIDO_LOG_ERROR, "cannot read %s: %s: this user may not join the group", path, strerror(-ret));
		return ret;
	}
	ret = layout_parse(f, path, &have);
	fclose(f);
	if (ret != 0)
		return ret;
	if ((l->base != 0 && l->base != have.base) || (l->slots != 0 && l->slots != have.slots) ||
			(l->slot_shift != 0 && l->slot_shift != have.slot_shift)) {
		fido_log(FIDO_LOG_ERROR, "%s: the group has base 0x%" PRIx64 ", %u slots of 2^%u bytes; leave these options out, or give the same",
				path, have.base, have.slots, have.slot_shift);
		return -EINVAL;
	}
	*l = have;
	return 0;
}

void
fido_host_group_address(const struct fido_host_group *g, const char *name, struct sockaddr_un *out)
{
	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	/* By DIR_MAX nothing is cut off. */
	snprintf(out->sun_path, sizeof(out->sun_path), "%.*s/%.*s.sock", DIR_MAX, g->dir, FIDO_NAME_MAX - 1,
			name);
}

int
fido_host_group_each(const struct fido_host_group *g, int (*fn)(void *arg, const char *name), void *arg)
{
	DIR *dir = opendir(g->dir);
	struct dirent *e;
	int ret = 0;

	if (dir == NULL)
		return -errno;
	while (ret == 0 && (e = readdir(dir)) != NULL) {
		size_t n = strlen(e->d_name);
		char name[FIDO_NAME_MAX];

		if (n <= 5 || n - 5 >= sizeof(name) || strcmp(e->d_name + n - 5, ".sock") != 0)
			continue;
		memcpy(name, e->d_name, n - 5);
		name[n - 5] = '\0';
		if (fido_name_valid(name))
			ret = fn(arg, name);
	}
	closedir(dir);
	return ret;
}

static void
slot_path(const struct fido_host_group *g, uint32_t n, char *out, size_t size)
{
	snprintf(out, size, "%s/slot.%u", g->dir, n);
}

int
fido_host_slot_claim(struct fido_host_group *g, uint32_t n, const char *name, uint64_t generation)
{
	char path[128];
	int fd, err;

	slot_path(g, n, path, sizeof(path));
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 &&
			dprintf(fd, "%s %" PRIu64 " %d\n", name, generation, (int)getpid()) > 0)
		return fd;
	err = errno;
	close(fd);
	unlink(path);
	return -err;
}

/* @return whose slot it is; 0: cannot be read */
static uint64_t
slot_generation(int fd)
{
	char text[128] = "";
	uint64_t generation;
	ssize_t len = read(fd, text, sizeof(text) - 1);

	return len > 0 && sscanf(text, "%*s %" SCNu64, &generation) == 1 ? generation : 0;
}

bool
fido_host_slot_dead(const struct fido_host_group *g, uint32_t n, uint64_t *generation)
{
	char path[128];
	bool dead;
	int fd;

	slot_path(g, n, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	/* The owner's lock goes with its last descriptor: with the process, whatever ended it. */
	dead = flock(fd, LOCK_SH | LOCK_NB) == 0;
	if (dead)
		*generation = slot_generation(fd);
	close(fd);
	return dead;
}

bool
fido_host_slot_alive(const struct fido_host_group *g, uint32_t n, uint64_t generation)
{
	char path[128];
	bool alive;
	int fd;

	slot_path(g, n, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT; /* out of descriptors, say: it may be alive */
	alive = flock(fd, LOCK_SH | LOCK_NB) != 0;
	if (alive) {
		uint64_t owner = slot_generation(fd);

		alive = owner == 0 || owner == generation;
	}
	close(fd);
	return alive;
}

void
fido_host_slot_moved(int claim)
{
	futimens(claim, NULL); /* Where this cannot be done, nobody learns how long we have hung. */
}

/* @return when the slot's file was changed, if it is that of a living domain of this name; else 0 */
static uint64_t
moved_at(const char *path, const char *name)
{
	char text[128] = "", owner[FIDO_NAME_MAX] = "";
	uint64_t at = 0;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) > 0 && sscanf(text, "%31s", owner) == 1 && strcmp(owner, name) == 0 &&
			flock(fd, LOCK_SH | LOCK_NB) != 0 && fstat(fd, &st) == 0)
		at = (uint64_t)st.st_mtim.tv_sec * UINT64_C(1000000000) + (uint64_t)st.st_mtim.tv_nsec;
	close(fd);
	return at;
}

uint64_t
fido_host_slot_moved_at(const struct fido_host_group *g, const char *name)
{
	uint64_t at = 0;

	for (uint32_t n = 0; n < FIDO_SLOTS_MAX && at == 0; n++) {
		char path[128];

		slot_path(g, n, path, sizeof(path));
		at = moved_at(path, name);
	}
	return at;
}

void
fido_host_slot_free(struct fido_host_group *g, uint32_t n)
{
	char path[128];

	slot_path(g, n, path, sizeof(path));
	unlink(path);
}

static bool
is_empty(const struct fido_host_group *g)
{
	uint64_t generation;
	char path[128];

	for (uint32_t n = 0; n < FIDO_SLOTS_MAX; n++) {
		slot_path(g, n, path, sizeof(path));
		if (access(path, F_OK) == 0 && !fido_host_slot_dead(g, n, &generation))
			return false; /* Its owner lives. */
	}
	return true;
}

static void
remove_sockets(const struct fido_host_group *g)
{
	DIR *dir = opendir(g->dir);
	struct dirent *e;

	if (dir == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		size_t len = strlen(e->d_name);

		if (len > 5 && strcmp(e->d_name + len - 5, ".sock") == 0)
			unlinkat(dirfd(dir), e->d_name, 0);
	}
	closedir(dir);
}

void
fido_host_group_clean_if_empty(struct fido_host_group *g)
{
	char path[128];

	if (!is_empty(g))
		return;
	for (uint32_t n = 0; n < FIDO_SLOTS_MAX; n++)
		fido_host_slot_free(g, n);
	path_of(g, path, sizeof(path), "group");
	unlink(path);
	remove_sockets(g);
}

void
fido_host_group_remove_if_empty(struct fido_host_group *g)
{
	char path[128];

	if (!is_empty(g))
		return;
	fido_host_group_clean_if_empty(g);
	path_of(g, path, sizeof(path), "lock");
	unlink(path);
	rmdir(g->dir);
}
