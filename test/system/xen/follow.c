/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Show the guests' consoles on dom0's own as they grow, each line prefixed with its guest's name.
 *
 *   follow NAME=FILE...
 *
 * A file that was truncated is read from its start again.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 8
#define LOOK_MS 100

struct file {
	const char *name;
	int fd;
	off_t at;
	char line[4096];
	size_t len;
};

static void
take(struct file *f, char c)
{
	if (c == '\r')
		return;
	if (c != '\n')
		f->line[f->len++] = c;
	if (c == '\n' || f->len == sizeof(f->line)) {
		printf("[%s] %.*s\n", f->name, (int)f->len, f->line);
		f->len = 0;
	}
}

static void
look(struct file *f)
{
	char buf[4096];
	struct stat st;
	ssize_t n;

	if (fstat(f->fd, &st) == 0 && st.st_size < f->at)
		f->at = 0;
	while ((n = pread(f->fd, buf, sizeof(buf), f->at)) > 0) {
		f->at += n;
		for (ssize_t i = 0; i < n; i++)
			take(f, buf[i]);
	}
}

int
main(int argc, char **argv)
{
	static struct file files[FILES_MAX];
	int count = 0;

	for (int i = 1; i < argc && count < FILES_MAX; i++) {
		char *equal = strchr(argv[i], '=');

		if (equal == NULL)
			return 2;
		*equal = '\0';
		files[count].name = argv[i];
		files[count].fd = open(equal + 1, O_RDONLY | O_CREAT, 0600);
		if (files[count++].fd < 0)
			return 1;
	}
	for (;;) {
		for (int i = 0; i < count; i++)
			look(&files[i]);
		fflush(stdout);
		usleep(LOOK_MS * 1000);
	}
}
