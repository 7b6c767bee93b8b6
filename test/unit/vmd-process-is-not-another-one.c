/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: a process is known by its pid and its start: one with the same pid that started at
 * another time is another one, and one that has ended but is not reaped has ended.
 */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "process.h"
#include "test.h"

static void
known(void **state)
{
	uint64_t me = (uint64_t)getpid(), start = process_start(me), pid, started;
	unsigned int uid;
	int pair[2], fd;

	(void)state;
	assert_int_not_equal(start, 0);
	assert_true(process_lives(me, start));
	assert_false(process_lives(me, start + 1));
	assert_false(process_lives(me, 0));
	assert_false(process_lives(0, 0));
	assert_int_equal(process_open(me, start + 1), -ESRCH);
	fd = process_open(me, start);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_true(process_of_socket(pair[0], &pid, &started, &uid));
	assert_int_equal(pid, me);
	assert_int_equal(started, start);
	assert_int_equal(uid, geteuid());
	close(pair[0]);
	close(pair[1]);
}

static void
ended(void **state)
{
	pid_t pid = fork();
	struct pollfd p = {.events = POLLIN};
	uint64_t start;

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	start = process_start((uint64_t)pid);
	p.fd = process_open((uint64_t)pid, start);
	assert_true(p.fd >= 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	kill(pid, SIGKILL);
	assert_int_equal(poll(&p, 1, TEST_LIMIT_MS), 1);
	/* It is a zombie now. */
	assert_false(process_lives((uint64_t)pid, start));
	assert_int_equal(process_open((uint64_t)pid, start), -ESRCH);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(process_start((uint64_t)pid), 0);
	close(p.fd);
}

TEST_MAIN(cmocka_unit_test(known), cmocka_unit_test(ended))
