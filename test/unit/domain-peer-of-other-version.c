/* SPDX-License-Identifier: BSD-3-Clause */
/* A peer of another protocol version is refused, and the message names both versions. */
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "local_folder.h"
#include "host_session.h"

static char said[8192];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
on_log(enum fido_log_level level, const char *message)
{
	pthread_mutex_lock(&lock);
	if (level == FIDO_LOG_ERROR && strlen(said) + strlen(message) < sizeof(said))
		strcat(said, message);
	pthread_mutex_unlock(&lock);
}

static bool
has_said(const char *text)
{
	bool found;

	pthread_mutex_lock(&lock);
	found = strstr(said, text) != NULL;
	pthread_mutex_unlock(&lock);
	return found;
}

static void
other_version(void **state)
{
	struct fido_host_hello hello = {
		.h = {FIDO_CONTROL_MAGIC, FIDO_LAYOUT_VERSION + 6, FIDO_HOST_HELLO}};
	struct fido_domain *a = test_join("a");
	struct fido_host_header answer = {0};
	struct fido_local_folder g;
	struct sockaddr_un address;
	struct pollfd p = {.events = POLLIN};

	fido_log_set(on_log);
	assert_int_equal(fido_local_folder_open(&g, TEST_GROUP, false), 0);
	fido_local_folder_address(&g, "a", &address);
	p.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(p.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(p.fd, &hello, sizeof(hello), 0), sizeof(hello));
	assert_int_equal(poll(&p, 1, TEST_LIMIT_MS), 1);
	assert_int_equal(recv(p.fd, &answer, sizeof(answer), 0), sizeof(answer));
	assert_int_equal(answer.magic, FIDO_CONTROL_MAGIC);
	assert_int_equal(answer.type, FIDO_HOST_REFUSE);
	assert_int_equal(answer.version, FIDO_LAYOUT_VERSION);
	TEST_WAIT(has_said("its version 8, ours 2"));
	assert_int_equal(recv(p.fd, &answer, sizeof(answer), 0), 0);
	close(p.fd);
	fido_domain_leave(a);
	fido_log_set(NULL);
}

TEST_MAIN_ONE(other_version)
