/* SPDX-License-Identifier: BSD-3-Clause */
#include "bells.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fido/clock.h>
#include <fido/log.h>

#include "bell_holder.h"
#include "served.h"
#include "testament.h"
#include "unix_socket.h"

#define RETRY_MS 500
/* How long a holder may take to begin. */
#define START_MS 5000

/* ---- testaments ---- */

static void
on_testament(struct source *source, uint32_t events)
{
	struct bell_heard *t = (struct bell_heard *)source;
	struct served *s = t->bells->served;
	const struct vmd_vm *vm = &s->group.vms[t->vm];
	eventfd_t value;

	(void)events;
	if (eventfd_read(source->fd, &value) != 0)
		return;
	testament_rung(&s->state->vms[t->vm], t->vector);
	for (uint32_t slot = vm->first; slot < vm->first + vm->count; slot++)
		if (vmd_slot_lives(&s->state->slots[slot]) &&
			s->state->slots[slot].testament == t->vector + 1) {
			vmd_count(&s->state->slots[slot].counters.testaments, 1);
			members_died(&s->members, slot, false);
		}
}

void
bells_machine_reset(struct bells *b, uint32_t vm)
{
	const struct vmd_group *g = &b->served->group;

	if (b->shm == NULL)
		return;
	for (uint32_t i = 0; bells_are_heard(b, g) && i < g->bells; i++)
		source_look(&b->heard[(vm - 1) * g->bells + i].source);
	testament_reset(b->served->state, &g->vms[vm], vm);
}

/* ---- the holder ---- */

static void
disconnect(struct bells *b)
{
	const struct vmd_group *g = &b->served->group;

	source_close(&b->link);
	for (uint32_t i = 0; b->heard != NULL && i < (g->vm_count - 1) * g->bells; i++)
		source_close(&b->heard[i].source);
	b->received = 0;
	b->retry_ms = fido_now_ms() + RETRY_MS;
}

/* It comes in the order of b->heard. What was rung before is heard first of all. */
static int
take_testament(struct bells *b, int64_t vm, int fd)
{
	const struct vmd_group *g = &b->served->group;
	struct bell_heard *t;
	int ret;

	if (b->received == (g->vm_count - 1) * g->bells) {
		close(fd);
		return -EPROTO;
	}
	t = &b->heard[b->received];
	if (vm != (int64_t)t->vm) {
		close(fd);
		return -EPROTO;
	}
	ret = source_open(&t->source, b->served->loop, fd, EPOLLIN);
	if (ret == 0) {
		on_testament(&t->source, EPOLLIN);
		b->received++;
	}
	return ret;
}

/* @return 0, -EAGAIN: nothing has come, -EPIPE: the holder has ended, -EPROTO */
static int
read_message(struct bells *b)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	int64_t number;
	struct iovec bytes = {&number, sizeof(number)};
	struct msghdr msg = {.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(b->link.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd = -1;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPIPE;
	if (n == 0)
		return -EPIPE;
	if (CMSG_FIRSTHDR(&msg) != NULL && CMSG_FIRSTHDR(&msg)->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	number = (int64_t)le64toh((uint64_t)number);
	if (fd >= 0 && n == sizeof(number) && number > 0)
		return take_testament(b, number, fd);
	/* The version, the id, the label: this program's own. */
	if (fd >= 0)
		close(fd);
	return n == sizeof(number) ? 0 : -EPROTO;
}

static void
on_link(struct source *source, uint32_t events)
{
	struct bells *b = (struct bells *)source;
	int ret;

	(void)events;
	do
		ret = read_message(b);
	while (ret == 0);
	if (ret == -EAGAIN)
		return;
	fido_log(FIDO_LOG_WARNING,
		"group %s: the process that held the doorbells has ended: machines that were "
		"started before ring those that come later by fido-vmd, until they are restarted",
		b->served->group.name);
	disconnect(b);
	b->retry_ms = 0; /* At once: a machine that starts now needs the next one. */
}

static _Noreturn void
run_holder(const char *group, int ready)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	/* Not the child of this process, which does not wait for it. */
	if (fork() == 0 && dup2(ready, STDOUT_FILENO) >= 0)
		execl("/proc/self/exe", "fido-vmd", "bells", group, (char *)NULL);
	_exit(0);
}

/* Start a holder, and wait until it listens. */
static void
start_holder(const struct bells *b)
{
	int ends[2];
	struct pollfd p = {.events = POLLIN};
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	pid = fork();
	if (pid == 0)
		run_holder(b->served->group.name, ends[1]);
	close(ends[1]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	p.fd = ends[0];
	poll(&p, 1, START_MS);
	close(ends[0]);
}

static int
connect_holder(struct bells *b)
{
	char path[VMD_PATH_MAX];
	int ret = vmd_folder_path(path, b->served->group.dir, VMD_BELLS_SOCKET), fd;

	if (ret != 0)
		return ret;
	fd = unix_connect(path);
	if (fd == -ECONNREFUSED || fd == -ENOENT) {
		start_holder(b);
		fd = unix_connect(path);
	}
	if (fd < 0)
		return fd;
	ret = source_open(&b->link, b->served->loop, fd, EPOLLIN);
	if (ret != 0)
		disconnect(b);
	return ret;
}

bool
bells_tick(struct bells *b)
{
	if (b->shm == NULL || b->link.fd >= 0)
		return false;
	if (fido_now_ms() < b->retry_ms)
		return true;
	b->retry_ms = fido_now_ms() + RETRY_MS;
	return connect_holder(b) != 0;
}

/* ---- create, open, close ---- */

void
bells_create(struct bells *b, struct served *served)
{
	*b = (struct bells){.link = {.fd = -1, .ready = on_link}, .served = served};
}

int
bells_open(struct bells *b)
{
	const struct vmd_group *g = &b->served->group;
	uint32_t count = (g->vm_count - 1) * g->bells;
	int ret;

	if (g->bells == 0)
		return 0;
	ret = vmd_bells_open(&b->shm, g, false);
	if (ret != 0) {
		b->shm = NULL;
		return ret;
	}
	b->heard = calloc(count, sizeof(*b->heard));
	if (b->heard == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		b->heard[i] = (struct bell_heard){.source = {.fd = -1, .ready = on_testament},
			.bells = b,
			.vm = VMD_HOST_INDEX + 1 + i / g->bells,
			.vector = i % g->bells};
	ret = connect_holder(b);
	if (ret != 0)
		fido_log(FIDO_LOG_ERROR,
			"group %s: no process holds its doorbells: %s: see what fido-vmd bells %s "
			"says",
			g->name, strerror(-ret), g->name);
	return 0;
}

void
bells_close(struct bells *b)
{
	if (b->shm == NULL)
		return;
	disconnect(b);
	free(b->heard);
	vmd_bells_close(b->shm);
	b->shm = NULL;
}
