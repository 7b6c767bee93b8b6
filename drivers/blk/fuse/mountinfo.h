/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FUSE_MOUNTINFO_H
#define FIDO_FUSE_MOUNTINFO_H

/** @file The kernel's list of mounts: /proc/self/mountinfo, see proc(5). Control thread. */

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

/** Type of the mounts of fido-blk-mount. */
#define MOUNTINFO_TYPE "fuse.fido"

struct mountinfo {
	char path[PATH_MAX];
	char type[64];
	char source[PATH_MAX];
};

/** Parse a line. @return false: it is not one of that file */
bool mountinfo_parse(const char *line, struct mountinfo *out);
/** Find the mount that is on top at a path. @return false: nothing is mounted there */
bool mountinfo_find(FILE *file, const char *path, struct mountinfo *out);
/** Find a mount of a source, such as /dev/loop0. @return false: it is not mounted */
bool mountinfo_find_source(FILE *file, const char *source, struct mountinfo *out);

#endif
