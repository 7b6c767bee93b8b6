/* SPDX-License-Identifier: BSD-3-Clause */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *program_name = "fido";
static int first_error;

/*
 * Open /dev/null for each closed standard descriptor, so that a later open() cannot become standard
 * output. Its mode makes writes to standard output fail.
 */
void
app_output_begin(const char *program)
{
	program_name = program;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			break;
}

/* Report once that output is lost. */
static void
fail(int err)
{
	char name[PATH_MAX];
	ssize_t len;

	if (first_error != 0)
		return;
	first_error = err;
	if (err == EPIPE)
		return;
	len = readlink("/proc/self/fd/1", name, sizeof(name) - 1);
	name[len > 0 ? len : 0] = '\0';
	fprintf(stderr, "%s: write to %s failed: %s\n", program_name,
		name[0] == '/' && err != EBADF ? name : "standard output", strerror(err));
}

int
app_output_flush(void)
{
	if (fflush(stdout) != 0)
		fail(errno);
	else if (ferror(stdout))
		fail(EIO); /* An earlier call failed; its errno is lost. */
	return -first_error;
}

int
app_output_end(void)
{
	app_output_flush();
	if (fclose(stdout) != 0)
		fail(errno);
	return -first_error;
}
