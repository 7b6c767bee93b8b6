/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/loop.h>

#include <fido/log.h>

#define CONTROL "/dev/loop-control"
/* Another process may take the device that LOOP_CTL_GET_FREE has found. */
#define TRIES 16
/* Largest request, in KiB, and how much the kernel reads ahead: the largest one of FUSE. */
#define REQUEST_KIB 1024

/* What the parent asks for. */
struct ask {
	char file[PATH_MAX];
	uint32_t sector_size;
	bool read_only;
};

/* What the child answers. */
struct answer {
	int error; /* 0, -errno */
	char device[LOOP_NAME_MAX];
	char what[64]; /* that failed */
};

/* ---- the child ---- */

static void
set_answer(struct answer *answer, int error, const char *what, const char *on)
{
	answer->error = error;
	snprintf(answer->what, sizeof(answer->what), "%.24s %.32s", what, on);
}

static int
configure(int device, int file, const struct ask *ask)
{
	struct loop_config config = {.fd = (uint32_t)file,
		.block_size = ask->sector_size,
		.info = {.lo_flags = LO_FLAGS_DIRECT_IO | LO_FLAGS_AUTOCLEAR}};

	if (ask->read_only)
		config.info.lo_flags |= LO_FLAGS_READ_ONLY;
	snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%.*s",
		LO_NAME_SIZE - 1, ask->file);
	return ioctl(device, LOOP_CONFIGURE, &config) != 0 ? -errno : 0;
}

/* @return the descriptor of the device, which has to stay open, or -errno */
static int
attach_free_device(int control, int file, const struct ask *ask, struct answer *answer)
{
	int ret = -EBUSY;

	for (int i = 0; i < TRIES && ret == -EBUSY; i++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE), device;

		if (n < 0) {
			set_answer(answer, -errno, "find a free device by", CONTROL);
			return -errno;
		}
		snprintf(answer->device, sizeof(answer->device), "/dev/loop%d", n);
		device = open(answer->device, (ask->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		ret = device < 0 ? -errno : configure(device, file, ask);
		if (ret == 0)
			return device;
		set_answer(answer, ret, device < 0 ? "open" : "configure", answer->device);
		if (device >= 0)
			close(device);
	}
	return ret;
}

static void
set_queue_value(const char *device, const char *name)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/block/%s/queue/%s", device + strlen("/dev/"), name);
	file = fopen(path, "we");
	if (file == NULL)
		return;
	fprintf(file, "%d\n", REQUEST_KIB);
	fclose(file);
}

static int
attach(const struct ask *ask, struct answer *answer)
{
	int control, file, device;

	*answer = (struct answer){0};
	file = open(ask->file, (ask->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (file < 0) {
		set_answer(answer, -errno, "open", "the file");
		return -1;
	}
	control = open(CONTROL, O_RDWR | O_CLOEXEC);
	if (control < 0) {
		set_answer(answer, -errno, "open", CONTROL);
		close(file);
		return -1;
	}
	device = attach_free_device(control, file, ask, answer);
	close(control);
	close(file);
	if (device >= 0) {
		/* Larger requests would be two of FUSE, the second one a small one. */
		set_queue_value(answer->device, "max_sectors_kb");
		set_queue_value(answer->device, "read_ahead_kb");
	}
	return device;
}

static void __attribute__((noreturn)) run_child(int fd)
{
	struct ask *ask = malloc(sizeof(*ask));
	struct answer answer;

	/* A terminal sends these to the child, too. It ends when the parent is through. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	while (ask != NULL && recv(fd, ask, sizeof(*ask), 0) == (ssize_t)sizeof(*ask)) {
		attach(ask, &answer);
		if (send(fd, &answer, sizeof(answer), 0) < 0)
			break;
	}
	/* The kernel closes the device. */
	_exit(EXIT_SUCCESS);
}

/* ---- the parent ---- */

int
loop_fork(struct loop *loop)
{
	int fds[2], err;

	*loop = (struct loop){.fd = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return -errno;
	loop->child = fork();
	if (loop->child < 0) {
		err = errno;
		close(fds[0]);
		close(fds[1]);
		return -err;
	}
	if (loop->child == 0) {
		close(fds[0]);
		run_child(fds[1]);
	}
	close(fds[1]);
	loop->fd = fds[0];
	return 0;
}

static const char *
advice(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return ": run it as root, or leave --loop out";
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return ": load the kernel's module: modprobe loop; in a container, pass the "
		       "devices on";
	case -EINVAL:
		return ": give another --sector-size: 512, 1024, 2048 or 4096, and not less than "
		       "the volume's blocks";
	default:
		return "";
	}
}

int
loop_attach(struct loop *loop, const char *file, uint32_t sector_size, bool read_only)
{
	struct ask *ask = calloc(1, sizeof(*ask));
	struct answer answer = {.error = -EPIPE, .what = "reach the process that holds it"};

	if (ask == NULL)
		return -ENOMEM;
	snprintf(ask->file, sizeof(ask->file), "%s", file);
	ask->sector_size = sector_size;
	ask->read_only = read_only;
	if (send(loop->fd, ask, sizeof(*ask), MSG_NOSIGNAL) == (ssize_t)sizeof(*ask))
		recv(loop->fd, &answer, sizeof(answer), 0);
	free(ask);
	if (answer.error != 0) {
		fido_log(FIDO_LOG_ERROR, "no loop device for %s: cannot %s: %s%s", file,
			answer.what, strerror(-answer.error), advice(answer.error));
		return answer.error;
	}
	snprintf(loop->device, sizeof(loop->device), "%s", answer.device);
	return 0;
}

void
loop_detach(struct loop *loop)
{
	if (loop->fd < 0)
		return;
	close(loop->fd);
	loop->fd = -1;
}

void
loop_join(struct loop *loop)
{
	if (loop->child <= 0)
		return;
	loop_detach(loop);
	while (waitpid(loop->child, NULL, 0) < 0 && errno == EINTR)
		;
	loop->child = 0;
}

static bool
backs(const char *device, const char *file)
{
	char path[PATH_MAX], backing[PATH_MAX] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/block/%.32s/loop/backing_file", device);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(backing, sizeof(backing), f) != NULL)
		backing[strcspn(backing, "\n")] = '\0';
	fclose(f);
	return strcmp(backing, file) == 0;
}

bool
loop_find(const char *file, char *device, size_t size)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	bool found = false;

	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		found = strncmp(entry->d_name, "loop", 4) == 0 && backs(entry->d_name, file);
		if (found)
			snprintf(device, size, "/dev/%.*s", (int)size - 6, entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}
