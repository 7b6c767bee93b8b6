/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Silent connections are closed; any number of them keeps no domain from joining and harms no link.
 */
#include "test.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "stranger.h"

#define STRANGERS 400

static unsigned int lines;

static void
count_lines(enum fido_log_level level, const char *message)
{
	(void)message;
	if (level <= FIDO_LOG_WARNING)
		__atomic_add_fetch(&lines, 1, __ATOMIC_RELAXED);
}

static void
closed_by_it(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char bytes[256];

	do {
		assert_int_equal(poll(&p, 1, TEST_LIMIT_MS), 1);
	} while (recv(fd, bytes, sizeof(bytes), 0) > 0);
	close(fd);
}

/* Fill b's connections: it has no more descriptors than these take. */
static void
flood(struct test_remote *b, const struct fido_host_header *say)
{
	static int fds[STRANGERS];
	struct fido_domain *c;

	for (int i = 0; i < STRANGERS; i++) {
		fds[i] = test_stranger_connect("b");
		if (say != NULL)
			send(fds[i], say, sizeof(*say), MSG_NOSIGNAL);
	}
	c = test_join("c");
	TEST_WAIT(fido_domain_peer_count(c) == 2);
	TEST_WAIT(test_ask_number(b, "peers") == 2);
	fido_domain_leave(c);
	TEST_WAIT(test_ask_number(b, "peers") == 1);
	assert_int_equal(test_ask_number(b, "up"), 1);
	if (say == NULL)
		for (int i = 0; i < STRANGERS; i++)
			closed_by_it(fds[i]);
	else
		for (int i = 0; i < STRANGERS; i++)
			close(fds[i]);
}

static void
with_limit(rlim_t limit)
{
	struct fido_host_header observe = {FIDO_CONTROL_MAGIC, FIDO_LAYOUT_VERSION,
		FIDO_HOST_OBSERVE};
	struct fido_host_header junk = {1, 2, 3};
	struct fido_domain *a = test_join("a");
	struct rlimit old, low;
	struct fido_link *link;
	struct test_remote b;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = limit;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	test_spawn(&b);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	link = test_link(a, "b", NULL, 1, 1, 64);
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	TEST_WAIT(fido_link_is_up(link) && test_ask_number(&b, "up") == 1);
	flood(&b, NULL);
	flood(&b, &junk);
	flood(&b, &observe);
	assert_true(fido_link_is_up(link));
	fido_link_destroy(link);
	test_end(&b);
	fido_domain_leave(a);
	test_rundir_empty();
}

static void
put_out(void **state)
{
	with_limit(1024);
}

/* As many descriptors as a small group needs. */
static void
few_descriptors(void **state)
{
	with_limit(64);
}

static void
log_is_limited(void **state)
{
	struct fido_domain *a = test_join("a");

	fido_log_set(count_lines);
	for (int i = 0; i < STRANGERS; i++) {
		int fd = test_stranger_connect("a");

		assert_int_equal(send(fd, "junk", 4, MSG_NOSIGNAL), 4);
		closed_by_it(fd);
	}
	/* One message in a few seconds, however fast the strangers come. */
	assert_in_range(__atomic_load_n(&lines, __ATOMIC_RELAXED), 1, STRANGERS / 10);
	fido_domain_leave(a);
	fido_log_set(NULL);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test(put_out), cmocka_unit_test(few_descriptors),
	cmocka_unit_test(log_is_limited))
