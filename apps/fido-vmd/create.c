/* SPDX-License-Identifier: BSD-3-Clause */
#include "create.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fido/log.h>

#include "memory.h"
#include "use.h"

/* A folder under construction, or being removed: no group's name begins so. */
#define NEW ".new.vm."
#define OLD ".old.vm."

/* ---- remove a folder ---- */

static void remove_in(int dir, const char *name, unsigned int depth);

static void
remove_contents(int fd, unsigned int depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *entry;

	if (d == NULL) {
		close(fd);
		return;
	}
	while ((entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_in(dirfd(d), entry->d_name, depth);
	closedir(d);
}

/* A machine's user owns a folder in the group's, and may have put anything there. */
static void
remove_in(int dir, const char *name, unsigned int depth)
{
	int fd;

	if (unlinkat(dir, name, 0) == 0 || depth == 0)
		return;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		remove_contents(fd, depth - 1);
	unlinkat(dir, name, AT_REMOVEDIR);
}

static void
remove_folder(const char *path)
{
	remove_in(AT_FDCWD, path, 3);
}

/* ---- create ---- */

static int
make_dir(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	if (mkdir(path, 0700) != 0)
		return -errno;
	if ((uid != geteuid() || gid != (gid_t)-1) && chown(path, uid, gid) != 0)
		return -errno;
	/* The umask does not count. */
	return chmod(path, mode) == 0 ? 0 : -errno;
}

static bool
has_other_users(const struct vmd_group *g)
{
	for (uint32_t i = 0; i < g->vm_count; i++)
		if (g->vms[i].uid != geteuid())
			return true;
	return false;
}

/* In /tmp anybody may have made a folder of this name. */
static int
check_run(const struct vmd_group *g, const char *run)
{
	const char *env = getenv("FIDO_RUNDIR");
	struct stat st;

	if (stat(run, &st) != 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (st.st_uid != geteuid() && st.st_uid != 0 && (env == NULL || env[0] == '\0'))
		return -EPERM;
	/* libfido makes it for one user. What is in it has permissions of its own. */
	if (has_other_users(g) && (st.st_mode & S_IXOTH) == 0)
		return chmod(run, (st.st_mode & 07777) | S_IXGRP | S_IXOTH) == 0 ? 0 : -errno;
	return 0;
}

static int
make_run(const struct vmd_group *g)
{
	char run[VMD_PATH_MAX];
	int ret = vmd_folder_run(run);

	if (ret != 0)
		return ret;
	ret = make_dir(run, 0755, geteuid(), (gid_t)-1);
	if (ret == -EEXIST)
		ret = check_run(g, run);
	if (ret != 0)
		fido_log(FIDO_LOG_ERROR, "cannot use folder %s: %s: set FIDO_RUNDIR to another one",
			run, strerror(-ret));
	return ret;
}

/* The owner of a machine's folder makes a socket in it: QEMU. */
static int
make_vm(const struct vmd_vm *vm, const char *dir)
{
	char path[VMD_PATH_MAX], target[FIDO_NAME_MAX + 8];
	int ret = vmd_folder_path(path, dir, "%s.vm", vm->name);

	if (ret == 0)
		ret = make_dir(path, 0700, vm->uid, (gid_t)-1);
	if (ret == 0)
		ret = vmd_folder_path(path, dir, "%s.qmp", vm->name);
	if (ret != 0)
		return ret;
	snprintf(target, sizeof(target), "%s.vm/qmp", vm->name);
	return symlink(target, path) == 0 ? 0 : -errno;
}

static int
make_links(const struct vmd_group *g, const char *dir)
{
	char path[VMD_PATH_MAX], target[VMD_PATH_MAX], name[VMD_FILE_NAME_MAX];
	int ret = 0;

	for (uint32_t file = 0; file < FIDO_VM_FILES_MAX && ret == 0; file++) {
		if (vmd_group_file_size(g, file) == 0)
			continue;
		vmd_group_file_name(file, name);
		ret = vmd_group_memory(g, file, target);
		if (ret == 0)
			ret = vmd_folder_path(path, dir, "%s", name);
		if (ret == 0 && symlink(target, path) != 0)
			ret = -errno;
	}
	return ret;
}

static int
fill_folder(const struct vmd_group *g, const char *dir)
{
	int ret = make_links(g, dir);

	for (uint32_t i = VMD_HOST_INDEX + 1; i < g->vm_count && ret == 0; i++)
		ret = make_vm(&g->vms[i], dir);
	if (ret == 0)
		return vmd_group_save(g, dir);
	fido_log(FIDO_LOG_ERROR, "group %s: cannot make its folder: %s%s", g->name, strerror(-ret),
		ret == -EPERM ? ": only root creates a group for other users" : "");
	return ret;
}

/* The paths of sockets are short. The longest is of a machine's QMP, or the host's doorbells. */
static int
check_sockets(const struct vmd_group *g)
{
	const size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path);
	size_t longest = strlen("/" FIDO_VM_HOST_BELLS);

	for (uint32_t i = 0; i < g->vm_count; i++)
		if (strlen(g->vms[i].name) + strlen("/.vm/qmp") > longest)
			longest = strlen(g->vms[i].name) + strlen("/.vm/qmp");
	if (strlen(g->dir) + longest < max)
		return 0;
	fido_log(FIDO_LOG_ERROR,
		"group %s: the paths of sockets in %s would be longer than %zu bytes: give shorter "
		"names, or set FIDO_RUNDIR to a shorter path",
		g->name, g->dir, max - 1);
	return -ENAMETOOLONG;
}

static int
create_folder(const struct vmd_group *g, const char *dir)
{
	int ret = make_dir(dir, g->shared ? 0750 : 0755, geteuid(), g->gid);

	if (ret != 0)
		fido_log(FIDO_LOG_ERROR, "group %s: cannot create %s: %s", g->name, dir,
			strerror(-ret));
	if (ret == 0)
		ret = fill_folder(g, dir);
	if (ret != 0)
		remove_folder(dir);
	return ret;
}

/* The group is there when its folder has its name. */
static int
publish(const struct vmd_group *g, const char *dir)
{
	int ret = rename(dir, g->dir) == 0 ? 0 : -errno;

	if (ret == -ENOTEMPTY || ret == -EEXIST)
		fido_log(FIDO_LOG_ERROR,
			"group %s: it is there: remove it first: fido-vmd destroy %s", g->name,
			g->name);
	else if (ret != 0)
		fido_log(FIDO_LOG_ERROR, "group %s: cannot create %s: %s", g->name, g->dir,
			strerror(-ret));
	return ret;
}

static int
create_in(const struct vmd_group *g)
{
	char run[VMD_PATH_MAX], dir[VMD_PATH_MAX];
	int ret = vmd_folder_run(run);

	if (ret == 0)
		ret = vmd_folder_path(dir, run, NEW "%s.%d", g->name, (int)getpid());
	if (ret == 0)
		ret = vmd_memory_create(g);
	if (ret != 0)
		return ret;
	ret = create_folder(g, dir);
	if (ret == 0) {
		ret = publish(g, dir);
		if (ret != 0)
			remove_folder(dir);
	}
	if (ret != 0)
		vmd_memory_remove(g);
	return ret;
}

int
vmd_create(struct vmd_group *g)
{
	int ret = vmd_folder_of(g->name, g->dir);

	if (ret == 0)
		ret = check_sockets(g);
	if (ret == 0)
		ret = make_run(g);
	if (ret == 0 && access(g->dir, F_OK) == 0) {
		fido_log(FIDO_LOG_ERROR,
			"group %s: it is there (%s): remove it first: fido-vmd destroy %s", g->name,
			g->dir, g->name);
		return -EEXIST;
	}
	if (ret == 0 && g->memory[0] == '\0')
		ret = vmd_memory_choose(g);
	return ret != 0 ? ret : create_in(g);
}

/* ---- destroy ---- */

/* Without its name nobody finds it. fido-vmd serve sees that the name has gone. */
static int
hide(const struct vmd_group *g, char *dir)
{
	char run[VMD_PATH_MAX];
	int ret = vmd_folder_run(run);

	if (ret == 0)
		ret = vmd_folder_path(dir, run, OLD "%s.%d", g->name, (int)getpid());
	if (ret == 0 && rename(g->dir, dir) != 0) {
		ret = -errno;
		fido_log(FIDO_LOG_ERROR, "group %s: cannot remove %s: %s", g->name, g->dir,
			strerror(-ret));
	}
	return ret;
}

int
vmd_destroy(const char *name, bool force)
{
	static struct vmd_group g;
	char dir[VMD_PATH_MAX];
	int ret = vmd_group_load(&g, name);

	if (ret == 0 && !force)
		ret = vmd_use_refuse(&g);
	if (ret == 0)
		ret = hide(&g, dir);
	if (ret != 0)
		return ret;
	vmd_memory_remove(&g);
	remove_folder(dir);
	return 0;
}
