/* SPDX-License-Identifier: BSD-3-Clause */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fido/clock.h>

/* The child. It gives its parent's standard output back as it is. */
static void
become(int fd, int (*fn)(void *arg), void *arg)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), status;

	dup2(fd, STDOUT_FILENO);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDERR_FILENO);
	}
	status = fn(arg);
	exit(status); /* libfido leaves the group. */
}

/* Read until the end, or until the time is up. */
static void
read_all(int fd, uint64_t until, char *out, size_t size)
{
	size_t len = 0;
	char rest[256] = "";

	for (uint64_t now; (now = fido_now_ms()) < until;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		bool room = len + 1 < size;
		ssize_t n;

		if (poll(&p, 1, (int)(until - now)) <= 0)
			continue;
		n = read(fd, room ? out + len : rest, room ? size - 1 - len : sizeof(rest));
		if (n <= 0)
			break;
		len += room ? (size_t)n : 0;
	}
	out[len] = '\0';
}

/* @return its exit status, -EINTR, -ETIMEDOUT */
static int
reap(pid_t pid, uint64_t until)
{
	int status = 0;
	pid_t got;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0 && fido_now_ms() < until)
		usleep(1000);
	if (got == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return -ETIMEDOUT;
	}
	return got == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

int
doctor_program_run(int (*fn)(void *arg), void *arg, unsigned int ms, char *out, size_t size)
{
	uint64_t until = fido_now_ms() + ms;
	int ends[2], ret;
	pid_t pid;

	out[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		become(ends[1], fn, arg);
	ret = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (pid > 0) {
		read_all(ends[0], until, out, size);
		ret = reap(pid, until);
	}
	close(ends[0]);
	return ret;
}
