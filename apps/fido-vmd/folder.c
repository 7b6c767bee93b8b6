/* SPDX-License-Identifier: BSD-3-Clause */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fido/control_shm.h>
#include <fido/group.h>
#include <fido/log.h>

int
vmd_folder_run(char *out)
{
	int ret = fido_group_run_dir(out, VMD_PATH_MAX);

	if (ret != 0)
		return ret;
	/* One argument of QEMU is one line (args.h), and its users may stand anywhere. */
	if (out[0] == '/' && strchr(out, '\n') == NULL)
		return 0;
	fido_log(FIDO_LOG_ERROR,
		"FIDO_RUNDIR is not usable: give an absolute path without a line break");
	return -EINVAL;
}

int
vmd_folder_path(char *out, const char *dir, const char *fmt, ...)
{
	int n = snprintf(out, VMD_PATH_MAX, "%s/", dir), more;
	va_list args;

	if (n < VMD_PATH_MAX) {
		va_start(args, fmt);
		more = vsnprintf(out + n, (size_t)(VMD_PATH_MAX - n), fmt, args);
		va_end(args);
		if (more < VMD_PATH_MAX - n)
			return 0;
	}
	fido_log(FIDO_LOG_ERROR,
		"the path of a file in %s is too long: set FIDO_RUNDIR to a "
		"shorter one",
		dir);
	return -ENAMETOOLONG;
}

int
vmd_folder_of(const char *group, char *out)
{
	char run[VMD_PATH_MAX];
	int ret = vmd_folder_run(run);

	return ret != 0 ? ret : vmd_folder_path(out, run, VMD_FOLDER_PREFIX "%s", group);
}

const char *
vmd_folder_group(const char *name)
{
	size_t n = strlen(VMD_FOLDER_PREFIX);

	return strncmp(name, VMD_FOLDER_PREFIX, n) == 0 && fido_name_valid(name + n) ? name + n
										     : NULL;
}

static int
is_group(const struct dirent *entry)
{
	return vmd_folder_group(entry->d_name) != NULL;
}

int
vmd_folder_each(int (*fn)(void *arg, const char *group), void *arg)
{
	struct dirent **entries;
	char run[VMD_PATH_MAX];
	int n, ret = vmd_folder_run(run);

	if (ret != 0)
		return ret;
	n = scandir(run, &entries, is_group, alphasort);
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0) {
		ret = -errno;
		fido_log(FIDO_LOG_ERROR, "cannot read %s: %s", run, strerror(-ret));
		return ret;
	}
	for (int i = 0; i < n; i++) {
		if (ret == 0)
			ret = fn(arg, vmd_folder_group(entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
	return ret;
}
