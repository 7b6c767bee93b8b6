/* SPDX-License-Identifier: BSD-3-Clause */
#include "host_group.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/log.h>

#include "local_slot.h"

static int
find_unix_group(const char *text, gid_t *out)
{
	struct group entry, *found = NULL;
	char buf[16384], *end;
	unsigned long id;

	if (getgrnam_r(text, &entry, buf, sizeof(buf), &found) == 0 && found != NULL) {
		*out = found->gr_gid;
		return 0;
	}
	errno = 0;
	id = strtoul(text, &end, 10);
	*out = (gid_t)id;
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && id == *out)
		return 0;
	fido_log(FIDO_LOG_ERROR,
		"there is no Unix group '%s': give the name or id of one (getent group), or create "
		"it (groupadd)",
		text);
	return -EINVAL;
}

/* @return true: users of that Unix group have search permission for the folder */
static bool
passes(const struct stat *st, gid_t gid)
{
	return (st->st_mode & 0001) != 0 || (st->st_gid == gid && (st->st_mode & 0010) != 0);
}

/*
 * Give the users search permission for the parent folder: they need to reach the group, not to list
 * its siblings. Change the mode only of a folder that was created for groups. Another one's owner
 * decides who may pass.
 */
static void
let_pass(const struct fido_local_folder *g, gid_t gid)
{
	char path[FIDO_LOCAL_PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s", g->dir);
	*strrchr(path, '/') = '\0';
	if (stat(path, &st) != 0)
		return;
	if ((g->made_run || strcmp(path, FIDO_LOCAL_RUN) == 0) && st.st_uid == geteuid() &&
		chmod(path, (st.st_mode & 07777) | 0011) == 0)
		return;
	if (!passes(&st, gid))
		fido_log(FIDO_LOG_WARNING,
			"%s: the group's Unix group has no search permission for this folder, "
			"which "
			"existed before: grant it (chmod o+x %s), or set FIDO_RUNDIR to another "
			"folder",
			path, path);
}

static int
set_mode(const struct fido_local_folder *g, const struct fido_group_config *config, gid_t gid)
{
	mode_t mode = config->mode != 0      ? config->mode & 0777
		: config->unix_group != NULL ? 0770
					     : 0750;
	int ret;

	/* In this order: chown() clears the setgid bit. */
	if (chown(g->dir, (uid_t)-1, gid) == 0 && chmod(g->dir, mode | S_ISGID | 0700) == 0)
		return 0;
	ret = -errno;
	fido_log(FIDO_LOG_ERROR,
		"cannot give %s to Unix group %s: %s: run as root, or as the folder's owner and a "
		"member of that Unix group",
		g->dir, config->unix_group != NULL ? config->unix_group : "(unchanged)",
		strerror(-ret));
	return ret;
}

static int
keep(const struct fido_local_folder *g)
{
	char path[FIDO_LOCAL_PATH_MAX];
	int fd, ret;

	fido_local_folder_path(g, "keep", path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0) {
		ret = -errno;
		fido_log(FIDO_LOG_ERROR, "cannot write %s: %s", path, strerror(-ret));
		return ret;
	}
	fido_local_folder_share(g, fd);
	close(fd);
	return 0;
}

/* @return 0, -ENOTEMPTY: another program's folder, not to be changed (message written) */
static int
check_folder(const struct fido_local_folder *g, bool may_be_empty)
{
	enum fido_local_folder_kind is = fido_local_folder_look(g);

	if (is == FIDO_LOCAL_FOLDER_GROUP || (is == FIDO_LOCAL_FOLDER_EMPTY && may_be_empty))
		return 0;
	fido_log(FIDO_LOG_ERROR,
		"%s is no group of Fido (it has neither the file 'keep' of fido-ctl create nor the "
		"file 'group' of a domain) and is not changed: check the name and FIDO_RUNDIR%s",
		g->dir, may_be_empty ? ", or remove it yourself" : "");
	return -ENOTEMPTY;
}

/* Make the existing folder a group. @return 0, -errno (message written) */
static int
make_group(struct fido_local_folder *g, const struct fido_group_config *config, gid_t gid)
{
	bool was_group = fido_local_folder_look(g) == FIDO_LOCAL_FOLDER_GROUP;
	int ret = fido_local_folder_lock(g);

	if (ret != 0)
		return ret;
	ret = set_mode(g, config, gid);
	if (ret == 0)
		ret = keep(g);
	if (ret == 0) {
		fido_local_folder_share(g, g->lock_fd);
		if (config->unix_group != NULL)
			let_pass(g, gid);
	} else if (!was_group) {
		fido_local_folder_remove_if_empty(g);
	}
	fido_local_folder_unlock(g);
	return ret;
}

int
fido_host_group_create(const char *group, const struct fido_group_config *config)
{
	struct fido_local_folder g;
	gid_t gid = (gid_t)-1;
	int ret = 0;

	if (config->unix_group != NULL)
		ret = find_unix_group(config->unix_group, &gid);
	if (ret == 0)
		ret = fido_local_folder_open(&g, group, true);
	if (ret == 0 && !g.made)
		ret = check_folder(&g, true);
	return ret != 0 ? ret : make_group(&g, config, gid);
}

/* @return 0, -EBUSY: a domain lives in the group (message written) */
static int
check_unused(const struct fido_local_folder *g, const char *group)
{
	struct fido_local_owner owner;

	for (uint32_t n = 0; n < FIDO_SLOTS_MAX; n++)
		if (fido_local_slot_owner(g, n, &owner)) {
			fido_log(FIDO_LOG_ERROR,
				"group %s: domain %s (process %d) is in it, perhaps others too: "
				"stop "
				"them first",
				group, owner.name, owner.pid);
			return -EBUSY;
		}
	return 0;
}

int
fido_host_group_destroy(const char *group)
{
	struct fido_local_folder g;
	int ret = fido_local_folder_open(&g, group, false);

	if (ret == 0)
		ret = check_folder(&g, false);
	if (ret == 0)
		ret = fido_local_folder_lock(&g);
	if (ret != 0)
		return ret;
	ret = check_unused(&g, group);
	if (ret == 0)
		ret = fido_local_folder_remove(&g);
	fido_local_folder_unlock(&g);
	return ret;
}
