/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Give QEMU one command, and wait for its answer: qmp SOCKET COMMAND [EVENT]. With EVENT, wait for
 * that event too. COMMAND is the name of one, or a whole JSON object. Prints what QEMU says, one
 * line for each object. Exit status 1: QEMU refused, or went away, or said nothing for 20 s.
 */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static FILE *
connect_to(const char *path)
{
	const struct timeval limit = {.tv_sec = 20};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(to.sun_path))
		return NULL;
	memcpy(to.sun_path, path, strlen(path) + 1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? fdopen(fd, "r+") : NULL;
}

/* Read until one begins with `first`, and an event of this name came, unless it is NULL. */
static bool
wait_until(FILE *qmp, const char *first, const char *event)
{
	char line[65536], name[64];
	bool answered = false;

	snprintf(name, sizeof(name), "\"event\": \"%s\"", event != NULL ? event : "");
	while (!answered || event != NULL) {
		if (fgets(line, sizeof(line), qmp) == NULL)
			return false;
		fputs(line, stdout);
		if (strncmp(line, "{\"error\"", 8) == 0)
			return false;
		answered = answered || strncmp(line, first, strlen(first)) == 0;
		if (event != NULL && strstr(line, name) != NULL)
			event = NULL;
	}
	return true;
}

/* @return true: the next thing to be read of the socket is its answer */
static bool
tell(FILE *qmp, const char *command)
{
	fprintf(qmp, command[0] == '{' ? "%s\n" : "{\"execute\": \"%s\"}\n", command);
	return fflush(qmp) == 0;
}

int
main(int argc, char **argv)
{
	FILE *qmp;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: qmp SOCKET COMMAND [EVENT]\n");
		return 2;
	}
	setlinebuf(stdout);
	qmp = connect_to(argv[1]);
	if (qmp == NULL || !wait_until(qmp, "{\"QMP\"", NULL) || !tell(qmp, "qmp_capabilities") ||
		!wait_until(qmp, "{\"return\"", NULL) || !tell(qmp, argv[2]) ||
		!wait_until(qmp, "{\"return\"", argv[3])) {
		fprintf(stderr, "qmp: %s failed on %s\n", argv[2], argv[1]);
		return 1;
	}
	return 0;
}
