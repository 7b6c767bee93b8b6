/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files in a group's folder: list its domains, tell a group from another program's folder,
 * remove what dead domains left.
 */

#include "local_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/control_shm.h>
#include <fido/log.h>

#include "fork_guard.h"
#include "local_slot.h"

/* @return true: the file is named like a domain's socket; *name is the domain's */
static bool
domain_of(const char *file, char name[FIDO_NAME_MAX])
{
	size_t n = strlen(file);

	if (n <= 5 || n - 5 >= FIDO_NAME_MAX || strcmp(file + n - 5, ".sock") != 0)
		return false;
	memcpy(name, file, n - 5);
	name[n - 5] = '\0';
	return fido_name_valid(name);
}

int
fido_local_folder_each(const struct fido_local_folder *g, int (*fn)(void *arg, const char *name),
	void *arg)
{
	DIR *dir = opendir(g->dir);
	struct dirent *e;
	int ret = 0;

	if (dir == NULL)
		return -errno;
	while (ret == 0 && (e = readdir(dir)) != NULL) {
		char name[FIDO_NAME_MAX];

		if (domain_of(e->d_name, name))
			ret = fn(arg, name);
	}
	closedir(dir);
	return ret;
}

/* ---- recognizing a group ---- */

static int
open_dir(const struct fido_local_folder *g)
{
	return open(g->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool
is_empty_file(int dir, const char *file)
{
	struct stat st;

	return fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		st.st_size == 0;
}

/*
 * @param begun accept an empty file too: its writer has just created it
 * @return true: the file `group` is a layout, of any version
 */
static bool
is_layout(int dir, bool begun)
{
	int fd = openat(dir, "group", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[32] = "";
	ssize_t len = -1;
	struct stat st;
	size_t digits;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0 || strncmp(text, "fido ", 5) != 0)
		return begun && len == 0;
	digits = strspn(text + 5, "0123456789");
	return digits != 0 && text[5 + digits] == '\n';
}

/* @return true: the folder holds nothing but the files that a group begins with */
static bool
has_nothing(int fd)
{
	DIR *dir = fdopendir(fd);
	bool nothing = dir != NULL;
	struct dirent *e;

	if (dir == NULL) {
		close(fd);
		return false;
	}
	while (nothing && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		nothing = (strcmp(e->d_name, "lock") == 0 || strcmp(e->d_name, "group") == 0) &&
			is_empty_file(fd, e->d_name);
	}
	closedir(dir);
	return nothing;
}

enum fido_local_folder_kind
fido_local_folder_look(const struct fido_local_folder *g)
{
	int fd = open_dir(g);

	if (fd < 0)
		return FIDO_LOCAL_FOLDER_OTHER;
	if (is_empty_file(fd, "keep") || is_layout(fd, false)) {
		close(fd);
		return FIDO_LOCAL_FOLDER_GROUP;
	}
	return has_nothing(fd) ? FIDO_LOCAL_FOLDER_EMPTY : FIDO_LOCAL_FOLDER_OTHER;
}

/* ---- cleaning up ---- */

bool
fido_local_folder_is_empty(const struct fido_local_folder *g)
{
	struct fido_local_owner owner;

	for (uint32_t n = 0; n < FIDO_SLOTS_MAX; n++)
		if (fido_local_slot_owner(g, n, &owner))
			return false;
	return true;
}

/*
 * Remove a dead domain's socket. Other programs' files stay, whatever their names: those that are
 * not sockets, and sockets with a listener. No domain lives, so none of our sockets has one.
 */
static void
remove_socket(const struct fido_local_folder *g, int dir, const char *file)
{
	char name[FIDO_NAME_MAX];
	struct stat st;
	int fd;

	if (!domain_of(file, name) || fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		!S_ISSOCK(st.st_mode))
		return;
	fd = fido_local_folder_connect(g, name);
	if (fd >= 0)
		fido_fork_close(fd);
	if (fd < 0 && fd != -EPROTOTYPE && fd != -EAGAIN)
		unlinkat(dir, file, 0);
}

static void
remove_sockets(const struct fido_local_folder *g)
{
	int fd = open_dir(g);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL)
		remove_socket(g, fd, e->d_name);
	closedir(dir);
}

static void
remove_layout(const struct fido_local_folder *g)
{
	int dir = open_dir(g);

	if (dir < 0)
		return;
	if (is_layout(dir, true))
		unlinkat(dir, "group", 0);
	close(dir);
}

static void
remove_file(const struct fido_local_folder *g, const char *file)
{
	char path[FIDO_LOCAL_PATH_MAX];

	fido_local_folder_path(g, file, path);
	unlink(path);
}

void
fido_local_folder_clean_if_empty(struct fido_local_folder *g)
{
	if (!fido_local_folder_is_empty(g))
		return;
	for (uint32_t n = 0; n < FIDO_SLOTS_MAX; n++)
		fido_local_slot_free(g, n);
	remove_file(g, FIDO_LOCAL_NEW_SLOT);
	remove_layout(g);
	remove_sockets(g);
}

void
fido_local_folder_remove_if_empty(struct fido_local_folder *g)
{
	if (!fido_local_folder_is_empty(g))
		return;
	fido_local_folder_clean_if_empty(g);
	if (g->kept)
		return;
	remove_file(g, "lock");
	rmdir(g->dir);
}

int
fido_local_folder_remove(struct fido_local_folder *g)
{
	int ret;

	fido_local_folder_clean_if_empty(g);
	remove_file(g, "keep");
	remove_file(g, "lock");
	if (rmdir(g->dir) == 0)
		return 0;
	ret = -errno;
	fido_log(FIDO_LOG_ERROR, "cannot remove %s: %s: %s", g->dir, strerror(-ret),
		ret == -ENOTEMPTY || ret == -EEXIST
			? "it still has files that are not Fido's: check them and remove them "
			  "yourself"
			: "this user needs write permission for the folder above it");
	return ret;
}
