/* SPDX-License-Identifier: BSD-3-Clause */
#include "host_access.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fido/log.h>

/* @return true when text is a user's name or id */
static bool
find_user(const char *text, uid_t *out)
{
	struct passwd entry, *found = NULL;
	char buf[4096], *end;
	unsigned long id;

	if (getpwnam_r(text, &entry, buf, sizeof(buf), &found) == 0 && found != NULL) {
		*out = found->pw_uid;
		return true;
	}
	errno = 0;
	id = strtoul(text, &end, 10);
	*out = (uid_t)id;
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && id == *out;
}

static int
add_user(struct fido_host_access *access, const char *text, size_t len)
{
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	if (access->count == FIDO_HOST_ACCESS_MAX) {
		fido_log(FIDO_LOG_ERROR,
			"allow: more than %d users: use a Unix group and the permissions of the "
			"folder instead",
			FIDO_HOST_ACCESS_MAX);
		return -EINVAL;
	}
	if (len < sizeof(name) && find_user(name, &access->users[access->count])) {
		access->count++;
		return 0;
	}
	fido_log(FIDO_LOG_ERROR,
		"allow: there is no user '%s': give names or ids, separated by colons, e.g. "
		"allow=alice:1001",
		name);
	return -EINVAL;
}

int
fido_host_access_parse(struct fido_host_access *access, const char *allow)
{
	int ret = 0;

	*access = (struct fido_host_access){.listed = allow != NULL};
	while (allow != NULL && *allow != '\0' && ret == 0) {
		size_t len = strcspn(allow, ":");

		ret = add_user(access, allow, len);
		allow += len + (allow[len] == ':');
	}
	return ret;
}

bool
fido_host_access_allows(const struct fido_host_access *access, int fd, uid_t *user)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	*user = (uid_t)-1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return false;
	*user = cred.uid;
	if (!access->listed || cred.uid == 0 || cred.uid == geteuid())
		return true;
	for (unsigned int i = 0; i < access->count; i++)
		if (access->users[i] == cred.uid)
			return true;
	return false;
}
