/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the unit tests: the program, its folder, its other processes. */

#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

/* Descriptor on which a remote receives its commands. */
#define REMOTE_FD 3

static const char *rundir;
static pid_t owner;

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level > 0 || strncmp(path, "/tmp/fido-test-", 15) == 0 ? remove(path) : 0;
}

static void
remove_rundir(void)
{
	if (getpid() == owner)
		nftw(rundir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void
test_begin(int argc, char **argv)
{
	static char folder[] = "/tmp/fido-test-XXXXXX";

	if (argc > 1 && strcmp(argv[1], "--remote") == 0)
		exit(test_remote_run(REMOTE_FD));
	signal(SIGPIPE, SIG_IGN);
	/* Where a daemon serves the group, its folder is there. */
	if (getenv("FIDO_TEST_RUNDIR") != NULL) {
		rundir = getenv("FIDO_TEST_RUNDIR");
		setenv("FIDO_RUNDIR", rundir, 1);
		return;
	}
	rundir = mkdtemp(folder);
	if (rundir == NULL || setenv("FIDO_RUNDIR", rundir, 1) != 0) {
		perror("cannot create a folder in /tmp");
		exit(1);
	}
	owner = getpid();
	atexit(remove_rundir);
}

const char *
test_rundir(void)
{
	return rundir;
}

void
test_rundir_empty(void)
{
	DIR *dir = opendir(rundir);
	struct dirent *e;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
			getenv("FIDO_TEST_RUNDIR") == NULL)
			fail_msg("left behind: %s/%s", rundir, e->d_name);
	closedir(dir);
}

void
test_open_folder(void)
{
	char path[96];

	/* The umask decides the mode of sockets. */
	umask(0);
	chmod(rundir, 0777);
	snprintf(path, sizeof(path), "%s/" TEST_GROUP, rundir);
	mkdir(path, 0777);
	chmod(path, 0777);
}

unsigned int
test_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;
}

int
test_limit_ms(void)
{
	const char *limit = getenv("FIDO_TEST_LIMIT_MS");

	return limit != NULL ? atoi(limit) : 10000;
}

uint64_t
test_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The limit applies to descriptor numbers: find the n-th free one; those above stay open. */
void
test_leave_descriptors(uint32_t n)
{
	struct rlimit limit;
	rlim_t max = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (uint32_t left = n; max < limit.rlim_max && (left > 0 || fcntl((int)max, F_GETFD) >= 0);
		max++)
		left -= fcntl((int)max, F_GETFD) < 0;
	limit.rlim_cur = n == UINT32_MAX ? limit.rlim_max : max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

uint32_t
test_rounds(uint32_t normal)
{
	const char *env = getenv("FIDO_TEST_ROUNDS");

	return env != NULL ? (uint32_t)strtoul(env, NULL, 0) : normal;
}

uint64_t
test_rounds_until(uint64_t ms)
{
	return getenv("FIDO_TEST_ROUNDS") != NULL ? UINT64_MAX : test_now_ms() + ms;
}

uint64_t
test_random(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

void
test_message_has(const char *first, ...)
{
	va_list ap;

	va_start(ap, first);
	for (const char *s = first; s != NULL; s = va_arg(ap, const char *))
		if (strstr(fido_last_error(), s) == NULL)
			fail_msg("message '%s' does not say '%s'", fido_last_error(), s);
	va_end(ap);
}

/* The i-th word of a pattern. */
static uint64_t
pattern(uint64_t seed, size_t i)
{
	uint64_t state = seed << 32 | i;

	return test_random(&state);
}

/* By words: ThreadSanitizer (gcc 12) misses races between adjacent bytes. */
void
test_fill(void *p, size_t len, uint64_t seed)
{
	uint64_t *words = p;
	size_t i;

	assert_int_equal((uintptr_t)p % sizeof(uint64_t), 0);
	for (i = 0; i < len / sizeof(uint64_t); i++)
		words[i] = pattern(seed, i);
	for (size_t k = i * sizeof(uint64_t); k < len; k++)
		((uint8_t *)p)[k] = (uint8_t)pattern(seed, k);
}

bool
test_filled(const void *p, size_t len, uint64_t seed)
{
	const uint64_t *words = p;
	size_t i;

	if (p == NULL || (uintptr_t)p % sizeof(uint64_t) != 0)
		return false;
	for (i = 0; i < len / sizeof(uint64_t); i++)
		if (words[i] != pattern(seed, i))
			return false;
	for (size_t k = i * sizeof(uint64_t); k < len; k++)
		if (((const uint8_t *)p)[k] != (uint8_t)pattern(seed, k))
			return false;
	return true;
}

/* ---- other processes ---- */

/* Other threads may hold locks: between fork and exec, call only async-signal-safe functions. */
static void
become_remote(int fd)
{
	static char *const argv[] = {"remote", "--remote", NULL};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd == REMOTE_FD ? fcntl(fd, F_SETFD, 0) == 0 : dup2(fd, REMOTE_FD) == REMOTE_FD)
		execv("/proc/self/exe", argv);
	_exit(127);
}

void
test_spawn(struct test_remote *r)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	r->pid = fork();
	if (r->pid == 0)
		become_remote(fds[1]);
	close(fds[1]);
	r->fd = fds[0];
	assert_true(r->pid > 0);
	assert_string_equal(test_ask(r, "hello"), "hello");
}

static const char *
ask(struct test_remote *r, const char *format, va_list ap)
{
	static char line[256];
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	ssize_t n;

	vsnprintf(line, sizeof(line), format, ap);
	assert_true(send(r->fd, line, strlen(line), MSG_NOSIGNAL) > 0);
	if (poll(&p, 1, 2 * TEST_LIMIT_MS) != 1)
		fail_msg("the other process does not answer: %s", line);
	n = recv(r->fd, line, sizeof(line) - 1, 0);
	assert_true(n > 0);
	line[n] = '\0';
	return line;
}

const char *
test_ask(struct test_remote *r, const char *format, ...)
{
	const char *answer;
	va_list ap;

	va_start(ap, format);
	answer = ask(r, format, ap);
	va_end(ap);
	return answer;
}

long
test_ask_number(struct test_remote *r, const char *format, ...)
{
	const char *answer;
	char *end;
	long value;
	va_list ap;

	va_start(ap, format);
	answer = ask(r, format, ap);
	va_end(ap);
	value = strtol(answer, &end, 0);
	if (*end != '\0' || end == answer)
		fail_msg("the other process answers '%s' to '%s'", answer, format);
	return value;
}

void
test_ask_to_die(struct test_remote *r, const char *format, ...)
{
	char line[64], answer[64];
	int status;
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	assert_true(send(r->fd, line, strlen(line), MSG_NOSIGNAL) > 0);
	if (recv(r->fd, answer, sizeof(answer), 0) > 0)
		fail_msg("the other process survived: %s", line);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	close(r->fd);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), TEST_FAULTED);
}

void
test_stop(struct test_remote *r)
{
	int status;

	assert_int_equal(kill(r->pid, SIGSTOP), 0);
	assert_int_equal(waitpid(r->pid, &status, WUNTRACED), r->pid);
	assert_true(WIFSTOPPED(status));
}

void
test_continue(struct test_remote *r)
{
	assert_int_equal(kill(r->pid, SIGCONT), 0);
}

void
test_kill(struct test_remote *r)
{
	assert_int_equal(kill(r->pid, SIGKILL), 0);
	assert_int_equal(waitpid(r->pid, NULL, 0), r->pid);
	close(r->fd);
}

void
test_end(struct test_remote *r)
{
	int status;

	assert_string_equal(test_ask(r, "end"), "0");
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_int_equal(status, 0);
	close(r->fd);
}
