/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A peer that floods a domain with messages, or takes another's name, keeps no other from linking.
 */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "fork_guard.h"
#include "local_folder.h"
#include "local_slot.h"
#include "stranger.h"

static struct fido_domain *a;
static bool stop;

static void *
talk(void *arg)
{
	struct fido_host_header h = {FIDO_CONTROL_MAGIC, FIDO_LAYOUT_VERSION, FIDO_HOST_OBSERVE};
	struct fido_host_again again = {.h = {FIDO_CONTROL_MAGIC, FIDO_LAYOUT_VERSION,
						FIDO_HOST_AGAIN},
		.fds = 1};
	char bytes[4096];
	int fd = test_stranger_connect("a");

	assert_true(send(fd, &h, sizeof(h), MSG_NOSIGNAL) > 0);
	while (!fido_load_relaxed(&stop)) {
		assert_true(send(fd, &again, sizeof(again), MSG_NOSIGNAL) > 0);
		while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) >
			0) /* the descriptors are dropped */
			;
	}
	close(fd);
	return NULL;
}

static void
flood(void **state)
{
	pthread_t threads[2];

	a = test_join("a");
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, talk, NULL), 0);
	for (int i = 0; i < 3; i++) {
		struct fido_domain *b = test_join("b");
		struct fido_link *ab = test_link(a, "b", NULL, 1, 1, 64);
		struct fido_link *ba = test_link(b, "a", NULL, 1, 1, 64);

		test_wait_up(ab, ba);
		fido_link_destroy(ab);
		fido_link_destroy(ba);
		fido_domain_leave(b);
	}
	fido_store_relaxed(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	fido_domain_leave(a);
	test_rundir_empty();
}

/* A stranger with a slot and memory of its own claims to be b, which is alive. */
static void
say_hello_as_b(void)
{
	struct fido_host_hello hello = test_stranger_hello(5, "b");
	struct fido_host_session *s = fido_host_session_create(test_stranger_connect("a"));
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	char bytes[4096];
	int fd = test_stranger_control(5, true);

	assert_int_equal(fido_host_send(s, FIDO_HOST_HELLO, &hello, sizeof(hello), &fd, 1, false),
		0);
	do {
		assert_int_equal(poll(&p, 1, TEST_LIMIT_MS), 1);
	} while (recv(s->fd, bytes, sizeof(bytes), 0) > 0);
	fido_host_session_destroy(s);
	close(fd);
}

static void
false_name(void **state)
{
	struct fido_local_folder g;
	struct test_pair p;
	int slot;

	test_pair_start(&p, 64);
	assert_int_equal(fido_local_folder_open(&g, TEST_GROUP, false), 0);
	slot = fido_local_slot_claim(&g, 5, "b", 77);
	assert_true(slot >= 0);
	say_hello_as_b();
	fido_fork_close(slot);
	fido_local_slot_free(&g, 5);
	assert_int_equal(fido_domain_peer_count(p.a), 1);
	assert_true(fido_link_is_up(p.ab) && fido_link_is_up(p.ba));
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(flood), cmocka_unit_test(false_name))
