/* SPDX-License-Identifier: BSD-3-Clause */
#include "mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fido/log.h>

#include "loop.h"
#include "mountinfo.h"

extern char **environ;

/* ---- mounts ---- */

static bool
find_mount(const char *path, struct mountinfo *out)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	bool found = file != NULL && mountinfo_find(file, path, out);

	if (file != NULL)
		fclose(file);
	return found;
}

static int
run_fusermount(const char *path, bool lazily)
{
	char *argv[] = {"fusermount3", "-u", lazily ? "-qz" : "-q", "--", (char *)(uintptr_t)path,
		NULL};
	int status, err;
	pid_t pid;

	err = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (err != 0)
		return -err;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EBUSY;
}

static int
unmount(const char *path, bool lazily)
{
	if (geteuid() != 0)
		return run_fusermount(path, lazily);
	return umount2(path, UMOUNT_NOFOLLOW | (lazily ? MNT_DETACH : 0)) != 0 ? -errno : 0;
}

int
mountpoint_unmount(const struct mountpoint *mp, bool lazily)
{
	struct mountinfo *mount = malloc(sizeof(*mount));
	bool ours = mount != NULL && find_mount(mp->path, mount) &&
		strcmp(mount->type, MOUNTINFO_TYPE) == 0;

	free(mount);
	/* Somebody else has unmounted it, or has mounted something on it. */
	return ours ? unmount(mp->path, lazily) : 0;
}

/* ---- before mounting ---- */

/*
 * A process that was killed leaves a mount that answers with ENOTCONN. Nothing can be lost with it.
 * What still uses it, such as a file system on a loop device, keeps it until it is unmounted, too.
 */
static int
clear_dead_mount(const char *path)
{
	struct mountinfo *mount = malloc(sizeof(*mount));
	int ret = -ENOTCONN;

	if (mount != NULL && find_mount(path, mount) && strcmp(mount->type, MOUNTINFO_TYPE) == 0) {
		fido_log(FIDO_LOG_WARNING,
			"%s: the process that had mounted %s there has died: unmounting it", path,
			mount->source);
		ret = unmount(path, true);
	}
	free(mount);
	if (ret != 0)
		fido_log(FIDO_LOG_ERROR,
			"cannot mount on %s: what is mounted there does not answer (%s): unmount "
			"it by umount -l or fusermount3 -uz",
			path, strerror(-ret));
	return ret;
}

static int
check_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int ret = 0;

	if (dir == NULL) {
		fido_log(FIDO_LOG_ERROR, "cannot mount on %s: opening it: %s", path,
			strerror(errno));
		return -errno;
	}
	while (ret == 0 && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			ret = -ENOTEMPTY;
	closedir(dir);
	if (ret != 0)
		fido_log(FIDO_LOG_ERROR,
			"cannot mount on %s: it is not empty, and the mount would hide what is in "
			"it: give an empty directory",
			path);
	return ret;
}

static int
check_unused(const char *path)
{
	struct mountinfo *mount = malloc(sizeof(*mount));
	int ret = 0;

	if (mount == NULL)
		return -ENOMEM;
	if (find_mount(path, mount) && strcmp(mount->type, MOUNTINFO_TYPE) == 0) {
		fido_log(FIDO_LOG_ERROR,
			"cannot mount on %s: %s is mounted there: give another directory, or "
			"unmount it first",
			path, mount->source);
		ret = -EBUSY;
	}
	free(mount);
	return ret;
}

static int
check_directory(const char *path)
{
	struct statvfs vfs;
	struct stat st;
	int ret;

	/* Unlike stat(), this is never answered from what the kernel knows. */
	if (statvfs(path, &vfs) != 0 && errno == ENOTCONN) {
		ret = clear_dead_mount(path);
		if (ret != 0)
			return ret;
	}
	if (stat(path, &st) != 0) {
		ret = -errno;
		fido_log(FIDO_LOG_ERROR, "cannot mount on %s: %s%s%s", path, strerror(errno),
			errno == ENOENT ? ": create it: mkdir -p " : "",
			errno == ENOENT ? path : "");
		return ret;
	}
	if (!S_ISDIR(st.st_mode)) {
		fido_log(FIDO_LOG_ERROR,
			"cannot mount on %s: it is not a directory: give an empty directory, in "
			"which the volume's file shall appear",
			path);
		return -ENOTDIR;
	}
	ret = check_unused(path);
	return ret != 0 ? ret : check_empty(path);
}

/* The path of a dead mount can be found, although the mount itself does not answer. */
static void
find_path(struct mountpoint *mp, const char *path)
{
	char *real = realpath(path, NULL);

	snprintf(mp->path, sizeof(mp->path), "%s", real != NULL ? real : path);
	free(real);
}

int
mountpoint_prepare(struct mountpoint *mp, const char *path, const char *name)
{
	find_path(mp, path);
	if ((size_t)snprintf(mp->file, sizeof(mp->file), "%s/%s", mp->path, name) >=
		sizeof(mp->file)) {
		fido_log(FIDO_LOG_ERROR, "cannot mount on %s: the path is too long", path);
		return -ENAMETOOLONG;
	}
	return check_directory(mp->path);
}

int
mountpoint_check_fuse(void)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), ret = 0;

	if (fd < 0) {
		ret = -errno;
		fido_log(FIDO_LOG_ERROR, "cannot open /dev/fuse: %s: %s", strerror(-ret),
			ret == -EACCES || ret == -EPERM
				? "run it as a user who may; in a container, pass the device on"
				: "load the kernel's module: modprobe fuse; in a container, pass "
				  "the device on");
		return ret;
	}
	close(fd);
	return 0;
}

/* ---- who uses it ---- */

struct text {
	char *at;
	size_t left;
};

static void __attribute__((format(printf, 2, 3))) append(struct text *text, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->at, text->left, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= text->left) {
		text->left = 0;
		return;
	}
	text->at += n;
	text->left -= (size_t)n;
}

static void
append_process(struct text *text, const char *separator, const char *pid)
{
	char path[64], name[32] = "?";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	file = fopen(path, "re");
	if (file != NULL && fgets(name, sizeof(name), file) != NULL)
		name[strcspn(name, "\n")] = '\0';
	if (file != NULL)
		fclose(file);
	append(text, "%sprocess %s (%s)", separator, pid, name);
}

static bool
is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return strncmp(path, top, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool
link_is_below(const char *link, const char *top)
{
	char target[PATH_MAX];
	ssize_t len = readlink(link, target, sizeof(target) - 1);

	if (len < 0)
		return false;
	target[len] = '\0';
	return is_below(target, top);
}

static bool
process_uses(const char *pid, const char *top)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.16s/cwd", pid);
	found = link_is_below(path, top);
	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%.16s/fd/%.16s", pid, entry->d_name);
		found = link_is_below(path, top);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

static void
append_loop_device(struct text *text, const char *file)
{
	char device[LOOP_NAME_MAX];
	struct mountinfo *mount = malloc(sizeof(*mount));
	FILE *list = fopen("/proc/self/mountinfo", "re");

	if (mount != NULL && loop_find(file, device, sizeof(device))) {
		append(text, "%s", device);
		if (list != NULL && mountinfo_find_source(list, device, mount))
			append(text, ", mounted on %s", mount->path);
	}
	if (list != NULL)
		fclose(list);
	free(mount);
}

void
mountpoint_users(const struct mountpoint *mp, char *buffer, size_t size)
{
	struct text text = {buffer, size};
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	buffer[0] = '\0';
	append_loop_device(&text, mp->file);
	while (dir != NULL && text.left != 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			process_uses(entry->d_name, mp->path))
			append_process(&text, text.at != buffer ? "; " : "", entry->d_name);
	if (dir != NULL)
		closedir(dir);
}
