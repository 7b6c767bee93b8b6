/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pass commands from the host to a guest over a port of virtio-serial, each side blocked.
 *
 *   agent serve PORT                     in a guest: run what comes from the port of this name
 *   agent call SOCKET SECONDS COMMAND    on the host: make the guest run COMMAND with sh -c, and
 *                                        print its output. Exit status: the command's; 124: no
 *                                        answer in time; 125: the guest is gone; 126: an error here
 *
 * A call is one connection to QEMU's socket; others wait in its backlog, and all of them until the
 * guest opens the port. When a call ends early, or the next one comes, the guest kills the command.
 * What was sent on one connection may be read on the next, from the middle of a frame on: both
 * sides look for a frame's magic number, and a caller skips all but the answer to its own sequence
 * number.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

#define MAGIC UINT64_C(0xf1d0bed0f1d0bed1)
#define COMMAND_MAX 65536
/* Bytes of output that the host gets: the last ones. */
#define OUT_MAX (1 << 20)

struct frame {
	uint64_t magic;
	uint64_t sequence;
	uint32_t len;
	int32_t status;
};

/* What was received and not yet used. */
struct input {
	int fd;
	size_t len;
	char bytes[sizeof(struct frame) + COMMAND_MAX];
};

static void
drop(struct input *in, size_t n)
{
	in->len -= n;
	memmove(in->bytes, in->bytes + n, in->len);
}

/* Skip what is no frame. @return true: there is a whole header */
static bool
find_frame(struct input *in, struct frame *f)
{
	while (in->len >= sizeof(*f)) {
		memcpy(f, in->bytes, sizeof(*f));
		if (f->magic == MAGIC)
			return true;
		drop(in, 1);
	}
	return false;
}

/* Write all. @return false: the other side is gone */
static bool
send_all(int fd, const void *data, size_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	for (size_t sent = 0; sent < len;) {
		ssize_t n = write(fd, (const char *)data + sent, len - sent);

		if (n > 0)
			sent += (size_t)n;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		else if (poll(&p, 1, -1) > 0 && p.revents & (POLLHUP | POLLERR))
			return false;
	}
	return true;
}

/* ---- the guest ---- */

static void
on_signal(int number)
{
}

/* @return a descriptor of the port; -1: there is none of this name yet */
static int
open_port(const char *name)
{
	char path[512], got[64] = "";
	DIR *dir = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	int fd = -1;

	while (dir != NULL && fd < 0 && (entry = readdir(dir)) != NULL) {
		FILE *f;

		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
		f = fopen(path, "r");
		if (f == NULL)
			continue;
		if (fscanf(f, "%63s", got) == 1 && strcmp(got, name) == 0) {
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		}
		fclose(f);
	}
	if (dir != NULL)
		closedir(dir);
	return fd;
}

/*
 * The kernel sends SIGIO when the host connects; poll() cannot wait for that: it returns as long as
 * the host is not connected.
 */
static void
ask_for_signals(int fd)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t set;

	sigaction(SIGIO, &action, NULL);
	sigaction(SIGCHLD, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (fcntl(fd, F_SETOWN, getpid()) != 0 ||
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC) != 0)
		die("fcntl");
}

/* Signals are only delivered here, so none comes between the last look and the wait. */
static void
wait_for_more(const struct input *in, bool connected)
{
	struct pollfd p = {.fd = in->fd, .events = POLLIN};
	const struct timespec limit = {.tv_sec = 5};
	sigset_t none;

	sigemptyset(&none);
	ppoll(&p, connected ? 1 : 0, &limit, &none);
}

/* Read what is there. @return whether the kernel knows that the host is connected */
static bool
receive(struct input *in)
{
	ssize_t n = 1;

	while (n > 0 && in->len < sizeof(in->bytes)) {
		n = read(in->fd, in->bytes + in->len, sizeof(in->bytes) - in->len);
		in->len += n > 0 ? (size_t)n : 0;
	}
	return n != 0;
}

/* Skip a frame whose rest will not come, since another one has begun. */
static bool
skip_cut_frame(struct input *in)
{
	const uint64_t magic = MAGIC;
	char *next = in->len <= sizeof(magic)
		? NULL
		: memmem(in->bytes + 1, in->len - 1, &magic, sizeof(magic));

	if (next != NULL)
		drop(in, (size_t)(next - in->bytes));
	return next != NULL;
}

/* Take the next command, zero-terminated. @return false: none is complete */
static bool
next_command(struct input *in, uint64_t *sequence, char command[COMMAND_MAX + 1])
{
	struct frame f;

	do {
		while (find_frame(in, &f) && f.len > COMMAND_MAX)
			drop(in, 1);
		if (in->len < sizeof(f))
			return false;
	} while (in->len < sizeof(f) + f.len && skip_cut_frame(in));
	if (in->len < sizeof(f) + f.len)
		return false;
	memcpy(command, in->bytes + sizeof(f), f.len);
	command[f.len] = '\0';
	*sequence = f.sequence;
	drop(in, sizeof(f) + f.len);
	return true;
}

static void
answer(int fd, uint64_t sequence, int status)
{
	struct frame f = {.magic = MAGIC, .sequence = sequence, .status = status};
	int out = open(COMMAND_OUT, O_RDONLY | O_CLOEXEC);
	char *text = malloc(OUT_MAX);
	struct stat st;

	if (out < 0 || text == NULL || fstat(out, &st) != 0)
		die(COMMAND_OUT);
	f.len = (uint32_t)(st.st_size < OUT_MAX ? st.st_size : OUT_MAX);
	if (pread(out, text, f.len, st.st_size - f.len) != (ssize_t)f.len)
		die(COMMAND_OUT);
	close(out);
	if (send_all(fd, &f, sizeof(f)))
		send_all(fd, text, f.len);
	free(text);
}

/* The command that was taken last. */
struct work {
	uint64_t sequence;
	pid_t pid;      /* 0: it does not run */
	int status;     /* after that; -1: it has been answered, or nobody waits for it */
	bool connected; /* the kernel has said so since the command came */
};

static void
abandon(struct work *w)
{
	if (w->pid != 0) {
		kill(-w->pid, SIGKILL);
		command_wait(w->pid, 0);
	}
	*w = (struct work){.status = -1};
}

/*
 * A command may come before the kernel has learned that the host is connected: until then the port
 * looks as if the call had ended, and takes no answer.
 */
static void
look(struct work *w, int fd, bool connected)
{
	if (w->connected && !connected)
		abandon(w);
	w->connected = connected;
	if (w->pid > 0 && (w->status = command_wait(w->pid, WNOHANG)) >= 0)
		w->pid = 0;
	if (w->pid == 0 && w->status >= 0 && connected) {
		answer(fd, w->sequence, w->status);
		w->status = -1;
	}
}

static _Noreturn void
serve(const char *name)
{
	static char command[COMMAND_MAX + 1];
	struct work work = {.status = -1};
	static struct input in;
	uint64_t sequence;

	while ((in.fd = open_port(name)) < 0)
		usleep(20 * 1000);
	ask_for_signals(in.fd);
	for (;;) {
		bool connected = receive(&in);

		while (next_command(&in, &sequence, command)) {
			abandon(&work);
			work.sequence = sequence;
			work.pid = command_start(command);
		}
		look(&work, in.fd, connected);
		wait_for_more(&in, connected);
	}
}

/* ---- the host ---- */

static int
connect_to(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(to.sun_path))
		die(path);
	memcpy(to.sun_path, path, strlen(path) + 1);
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? fd : -1;
}

/* Wait for more until this time. @return 0, or why there is none */
static int
more_input(struct input *in, uint64_t end)
{
	struct pollfd p = {.fd = in->fd, .events = POLLIN};
	uint64_t now = now_ms();
	ssize_t n;

	if (now >= end || poll(&p, 1, (int)(end - now)) <= 0)
		return COMMAND_NO_ANSWER;
	n = read(in->fd, in->bytes + in->len, sizeof(in->bytes) - in->len);
	if (n <= 0)
		return COMMAND_GUEST_GONE;
	in->len += (size_t)n;
	return 0;
}

/* @return 0: the header of the answer is in *f; or why there is none */
static int
find_answer(struct input *in, uint64_t sequence, struct frame *f, uint64_t end)
{
	for (;;) {
		int error;

		while (find_frame(in, f)) {
			drop(in, f->sequence == sequence ? sizeof(*f) : 1);
			if (f->sequence == sequence)
				return 0;
		}
		error = more_input(in, end);
		if (error != 0)
			return error;
	}
}

static int
call(const char *path, const char *seconds, const char *command)
{
	struct frame f = {.magic = MAGIC, .len = (uint32_t)strlen(command)};
	uint64_t end = now_ms() + strtoull(seconds, NULL, 10) * 1000, sequence;
	static struct input in;
	int error;

	if (strlen(command) > COMMAND_MAX)
		die("command too long");
	sequence = f.sequence = (uint64_t)getpid() << 40 ^ now_ms();
	in.fd = connect_to(path);
	if (in.fd < 0 || !send_all(in.fd, &f, sizeof(f)) || !send_all(in.fd, command, f.len))
		return COMMAND_GUEST_GONE;
	error = find_answer(&in, sequence, &f, end);
	for (size_t left = f.len; error == 0 && left > 0;) {
		size_t n = in.len < left ? in.len : left;

		fwrite(in.bytes, 1, n, stdout);
		drop(&in, n);
		left -= n;
		if (left > 0)
			error = more_input(&in, end);
	}
	return error != 0 ? error : f.status;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(argv[2]);
	signal(SIGPIPE, SIG_IGN);
	if (argc == 5 && strcmp(argv[1], "call") == 0)
		return call(argv[2], argv[3], argv[4]);
	fprintf(stderr, "usage: agent serve PORT | agent call SOCKET SECONDS COMMAND\n");
	return COMMAND_ERROR;
}
