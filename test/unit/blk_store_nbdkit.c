/* SPDX-License-Identifier: BSD-3-Clause */
/* Files and an NBD server in the folder of a store test. */

#include "blk_store_test.h"

#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static pid_t nbdkit;

const char *
store_test_path(const char *name)
{
	static char paths[2][PATH_MAX];
	static unsigned int n;
	char *p = paths[n++ % 2];

	snprintf(p, PATH_MAX, "%s/%s", test_rundir(), name);
	return p;
}

const char *
store_test_uri(void)
{
	static char uri[PATH_MAX + 32];

	snprintf(uri, sizeof(uri), "nbd+unix:///?socket=%s", store_test_path("nbd"));
	return uri;
}

static bool
nbdkit_answers(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", store_test_path("nbd"));
	ret = connect(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	return ret == 0;
}

void
store_test_nbdkit(const char *const *args)
{
	const char *argv[32] = {"nbdkit", "--exit-with-parent", "-f", "-U", store_test_path("nbd")};
	size_t n = 5;
	int status = 0;

	while (*args != NULL)
		argv[n++] = *args++;
	nbdkit = fork();
	assert_true(nbdkit >= 0);
	if (nbdkit == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	TEST_WAIT(nbdkit_answers() || waitpid(nbdkit, &status, WNOHANG) == nbdkit);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		TEST_SKIP("no nbdkit: apt-get install nbdkit");
	assert_true(nbdkit_answers());
}

void
store_test_nbdkit_stop(void)
{
	int status;

	kill(nbdkit, SIGSTOP);
	assert_int_equal(waitpid(nbdkit, &status, WUNTRACED), nbdkit);
	assert_true(WIFSTOPPED(status));
}

void
store_test_nbdkit_continue(void)
{
	kill(nbdkit, SIGCONT);
}

void
store_test_nbdkit_kill(void)
{
	kill(nbdkit, SIGKILL);
	assert_int_equal(waitpid(nbdkit, NULL, 0), nbdkit);
	unlink(store_test_path("nbd"));
}
