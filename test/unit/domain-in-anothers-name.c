/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In a shared folder no user can join as another user's domain.
 *
 * Not even one that knows its slot, generation and name.
 */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "fork_guard.h"
#include "local_folder.h"
#include "local_slot.h"
#include "stranger.h"

#define NOBODY 65534

/* Only this thread's user changes. */
static int
connect_as(uid_t user)
{
	struct fido_local_folder g;
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_int_equal(fido_local_folder_open(&g, TEST_GROUP, false), 0);
	fido_local_folder_address(&g, "a", &address);
	assert_int_equal(syscall(SYS_setresuid, -1, user, -1), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(syscall(SYS_setresuid, -1, 0, -1), 0);
	return fd;
}

/* @return the type of the answering message; 0: no answer */
static int
say_hello(struct fido_host_session *s)
{
	struct fido_host_hello msg = test_stranger_hello(3, "x");
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	struct fido_host_message m;
	unsigned int version;
	int fd = test_stranger_control(3, true), ret;

	assert_int_equal(fido_host_send(s, FIDO_HOST_HELLO, &msg, sizeof(msg), &fd, 1, false), 0);
	assert_int_equal(poll(&p, 1, TEST_LIMIT_MS), 1);
	ret = fido_host_receive(s->fd, &m, &version);
	close(fd);
	if (ret != 1)
		return 0;
	ret = m.h.type;
	fido_host_message_close(&m);
	return ret;
}

static void
in_anothers_name(void **state)
{
	struct fido_host_session *s;
	struct fido_local_folder g;
	struct fido_domain *a;
	int slot;

	if (geteuid() != 0)
		TEST_SKIP("becoming another user needs root");
	test_open_folder();
	a = test_join("a");
	assert_int_equal(fido_local_folder_open(&g, TEST_GROUP, false), 0);
	slot = fido_local_slot_claim(&g, 3, "x", 77);
	assert_true(slot >= 0);
	assert_int_equal(fchown(slot, NOBODY - 1, (gid_t)-1), 0);
	s = fido_host_session_create(connect_as(NOBODY));
	assert_int_equal(say_hello(s), FIDO_HOST_REFUSE);
	assert_int_equal(fido_domain_peer_count(a), 0);
	fido_host_session_destroy(s);
	s = fido_host_session_create(connect_as(NOBODY - 1));
	assert_int_equal(say_hello(s), FIDO_HOST_HELLO);
	assert_int_equal(fido_domain_peer_count(a), 1);
	fido_host_session_destroy(s);
	fido_fork_close(slot);
	TEST_WAIT(fido_domain_peer_count(a) == 0);
	fido_local_slot_free(&g, 3);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(in_anothers_name)
