/* SPDX-License-Identifier: BSD-3-Clause */
#include "blk_test.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;

static void *
serve(void *arg)
{
	struct blk_test *t = arg;

	blk_server_run(t->server, &t->stop);
	return NULL;
}

void
blk_test_serve(struct blk_test *t, const char *const *stores, unsigned int workers)
{
	static const char *const names[] = {"v0", "v1", "v2", "v3"};
	struct blk_volume_config volumes[4];
	struct blk_server_config config = {.workers = workers,
		.buffer_size = 4 << 20,
		.spin_us = 20,
		.volumes = volumes};

	for (; stores[config.volume_count] != NULL; config.volume_count++)
		volumes[config.volume_count] =
			(struct blk_volume_config){.name = names[config.volume_count],
				.store = stores[config.volume_count]};
	t->disk = test_join("disk");
	t->stop = 0;
	assert_int_equal(blk_server_create(&t->server, t->disk, &config), 0);
	assert_int_equal(pthread_create(&t->thread, NULL, serve, t), 0);
}

void
blk_test_unserve(struct blk_test *t)
{
	fido_store_relaxed(&t->stop, 1);
	pthread_join(t->thread, NULL);
	blk_server_destroy(t->server);
	fido_domain_leave(t->disk);
}

void
blk_test_open(struct blk_test *t, const struct fido_blk_config *config)
{
	struct fido_blk_config c = config != NULL
		? *config
		: (struct fido_blk_config){.backend = "disk", .volume = "v0"};

	t->vm = test_join("vm");
	t->mem = test_arena(t->vm, 4 << 20);
	assert_int_equal(fido_blk_open(t->vm, &c, &t->blk), 0);
	t->q = fido_blk_queue(t->blk, 0);
}

void
blk_test_close(struct blk_test *t)
{
	fido_blk_close(t->blk);
	fido_region_destroy(t->mem);
	fido_domain_leave(t->vm);
}

void
blk_test_start(struct blk_test *t)
{
	blk_test_serve(t, (const char *const[]){"mem:8M", NULL}, 1);
	blk_test_open(t, NULL);
}

void
blk_test_end(struct blk_test *t)
{
	blk_test_close(t);
	blk_test_unserve(t);
	test_rundir_empty();
}

int
blk_test_do(struct fido_blk_queue *q, struct fido_blk_request request,
	struct fido_blk_completion *out)
{
	struct fido_blk_completion c;
	int ret = fido_blk_submit(q, &request, 1);

	if (ret < 0)
		return ret;
	assert_int_equal(ret, 1);
	TEST_WAIT(fido_blk_poll(q, &c, 1) == 1);
	assert_ptr_equal(c.cookie, request.cookie);
	if (out != NULL)
		*out = c;
	return c.error;
}

int
blk_test_write(struct fido_blk_queue *q, void *from, uint64_t offset, size_t len, uint64_t seed)
{
	struct iovec iov = {from, len};

	test_fill(from, len, seed);
	return blk_test_do(q,
		(struct fido_blk_request){.op = FIDO_BLK_WRITE,
			.offset = offset,
			.length = len,
			.iov = &iov,
			.iovcnt = 1},
		NULL);
}

int
blk_test_read(struct fido_blk_queue *q, void *to, uint64_t offset, size_t len)
{
	struct iovec iov = {to, len};

	memset(to, 0, len);
	return blk_test_do(q,
		(struct fido_blk_request){.op = FIDO_BLK_READ,
			.offset = offset,
			.length = len,
			.iov = &iov,
			.iovcnt = 1},
		NULL);
}

/* ---- other processes ---- */

void
blk_test_spawn(struct blk_test_process *p, const char *role, const char *arg)
{
	char *argv[] = {(char *)(uintptr_t) "blk-test", (char *)(uintptr_t)role,
		(char *)(uintptr_t)arg, NULL};
	posix_spawn_file_actions_t actions;
	char c = 0;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	assert_int_equal(posix_spawn(&p->pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	p->out = fds[0];
	while (c != '\n')
		assert_int_equal(read(p->out, &c, 1), 1);
}

void
blk_test_kill(struct blk_test_process *p)
{
	int status;

	kill(p->pid, SIGKILL);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(p->out);
}

int
blk_test_backend(const char *store)
{
	struct blk_test t;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	blk_test_serve(&t, (const char *const[]){store, NULL}, 1);
	printf("ready\n");
	fflush(stdout);
	pause();
	return 0;
}

int
blk_test_small_backend(unsigned int files, size_t control_size)
{
	struct blk_volume_config volume = {.name = "v0", .store = "mem:8M"};
	struct blk_server_config config = {.workers = 1,
		.buffer_size = 4 << 20,
		.spin_us = 20,
		.volumes = &volume,
		.volume_count = 1};
	struct fido_domain_config domain = test_config("disk");
	static volatile sig_atomic_t never;
	struct fido_domain *disk;
	struct blk_server *server;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (control_size != 0)
		domain.control_size = control_size;
	if (files != 0)
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){files, files});
	if (fido_domain_join(&disk, &domain) != 0 || blk_server_create(&server, disk, &config) != 0)
		return 1;
	printf("ready\n");
	fflush(stdout);
	return blk_server_run(server, &never);
}
