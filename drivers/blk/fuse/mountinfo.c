/* SPDX-License-Identifier: BSD-3-Clause */
#include "mountinfo.h"

#include <stdlib.h>
#include <string.h>

/* Copy a word, with its octal escapes (\040) replaced. @return what follows it; NULL: too long */
static const char *
take_word(const char *at, char *out, size_t size)
{
	size_t n = 0;

	for (; *at != ' ' && *at != '\n' && *at != '\0'; at++) {
		char c = *at;

		if (c == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' &&
			at[3] >= '0' && at[3] <= '7') {
			c = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
			at += 3;
		}
		if (n + 1 >= size)
			return NULL;
		out[n++] = c;
	}
	out[n] = '\0';
	return *at == ' ' ? at + 1 : at;
}

bool
mountinfo_parse(const char *line, struct mountinfo *out)
{
	const char *at = line;

	/* Mount, parent, device and root come before the path. */
	for (int i = 0; i < 4 && at != NULL; i++) {
		at = strchr(at, ' ');
		if (at != NULL)
			at++;
	}
	if (at == NULL)
		return false;
	at = take_word(at, out->path, sizeof(out->path));
	if (at == NULL)
		return false;
	at = strstr(at, " - ");
	if (at == NULL)
		return false;
	at = take_word(at + 3, out->type, sizeof(out->type));
	return at != NULL && take_word(at, out->source, sizeof(out->source)) != NULL;
}

static bool
find(FILE *file, const char *path, const char *source, struct mountinfo *out)
{
	struct mountinfo *mount = malloc(sizeof(*mount));
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	/* The last of several mounts is on top. */
	while (mount != NULL && getline(&line, &size, file) >= 0) {
		if (!mountinfo_parse(line, mount) ||
			(path != NULL && strcmp(mount->path, path) != 0) ||
			(source != NULL && strcmp(mount->source, source) != 0))
			continue;
		*out = *mount;
		found = true;
	}
	free(line);
	free(mount);
	return found;
}

bool
mountinfo_find(FILE *file, const char *path, struct mountinfo *out)
{
	return find(file, path, NULL, out);
}

bool
mountinfo_find_source(FILE *file, const char *source, struct mountinfo *out)
{
	return find(file, NULL, source, out);
}
