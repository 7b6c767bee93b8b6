/* SPDX-License-Identifier: BSD-3-Clause */
#include "tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *
root(void)
{
	const char *env = getenv("FIDO_DOCTOR_ROOT");

	return env != NULL ? env : "";
}

bool
doctor_tree_is_fake(void)
{
	return root()[0] != '\0';
}

static bool
make_path(char out[DOCTOR_PATH_MAX], const char *fmt, va_list args)
{
	int n = snprintf(out, DOCTOR_PATH_MAX, "%s", root()), more;

	if (n < 0 || n >= DOCTOR_PATH_MAX)
		return false;
	more = vsnprintf(out + n, (size_t)(DOCTOR_PATH_MAX - n), fmt, args);
	return more >= 0 && more < DOCTOR_PATH_MAX - n;
}

/* Make `path` of the arguments of a function that ends with `fmt, ...`. */
#define TAKE_PATH(ok, path, fmt)                      \
	do {                                          \
		va_list take_args;                    \
                                                      \
		va_start(take_args, fmt);             \
		ok = make_path(path, fmt, take_args); \
		va_end(take_args);                    \
	} while (0)

bool
doctor_tree_path(char out[DOCTOR_PATH_MAX], const char *fmt, ...)
{
	bool ok;

	TAKE_PATH(ok, out, fmt);
	return ok;
}

/* A fifo or a device must not block. */
static FILE *
open_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	FILE *f;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (f = fdopen(fd, "r")) == NULL) {
		close(fd);
		return NULL;
	}
	return f;
}

FILE *
doctor_tree_open(const char *fmt, ...)
{
	char path[DOCTOR_PATH_MAX];
	bool ok;

	TAKE_PATH(ok, path, fmt);
	return ok ? open_path(path) : NULL;
}

static bool
line_of(const char *path, char *out, size_t size)
{
	FILE *f = open_path(path);
	bool ok;

	if (f == NULL)
		return false;
	ok = fgets(out, (int)size, f) != NULL;
	fclose(f);
	if (ok)
		out[strcspn(out, "\n")] = '\0';
	return ok;
}

bool
doctor_tree_line(char *out, size_t size, const char *fmt, ...)
{
	char path[DOCTOR_PATH_MAX];
	bool ok;

	TAKE_PATH(ok, path, fmt);
	return ok && line_of(path, out, size);
}

uint64_t
doctor_tree_number(uint64_t otherwise, const char *fmt, ...)
{
	char path[DOCTOR_PATH_MAX], line[64], *end;
	uint64_t n;
	bool ok;

	TAKE_PATH(ok, path, fmt);
	if (!ok || !line_of(path, line, sizeof(line)))
		return otherwise;
	n = strtoull(line, &end, 0);
	return end != line ? n : otherwise;
}

bool
doctor_tree_exists(const char *fmt, ...)
{
	char path[DOCTOR_PATH_MAX];
	bool ok;

	TAKE_PATH(ok, path, fmt);
	return ok && access(path, F_OK) == 0;
}

bool
doctor_tree_allows(int mode, const char *fmt, ...)
{
	char path[DOCTOR_PATH_MAX];
	bool ok;

	TAKE_PATH(ok, path, fmt);
	return ok && access(path, mode) == 0;
}

bool
doctor_tree_each(bool (*fn)(void *arg, const char *name), void *arg, const char *fmt, ...)
{
	char path[DOCTOR_PATH_MAX];
	const struct dirent *e;
	bool ok, found = false;
	DIR *d = NULL;

	TAKE_PATH(ok, path, fmt);
	if (ok)
		d = opendir(path);
	while (!found && d != NULL && (e = readdir(d)) != NULL)
		found = e->d_name[0] != '.' && fn(arg, e->d_name);
	if (d != NULL)
		closedir(d);
	return found;
}

bool
doctor_tree_program(char out[DOCTOR_PATH_MAX], const char *name)
{
	const char *at = getenv("PATH");

	if (at == NULL || doctor_tree_is_fake())
		at = PATH_DEFAULT;
	while (*at != '\0') {
		int len = (int)strcspn(at, ":");

		if (len != 0 && doctor_tree_path(out, "%.*s/%s", len, at, name) &&
			access(out, X_OK) == 0)
			return true;
		at += len + (at[len] == ':');
	}
	return false;
}
