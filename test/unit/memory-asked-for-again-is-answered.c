/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A peer that asks for memory again is sent all of it from the beginning, even if there is none.
 *
 * This includes what could not be sent while the peer's socket was full.
 */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "domain_private.h"
#include "fork_guard.h"
#include "local_folder.h"
#include "local_slot.h"
#include "peer.h"
#include "stranger.h"

#define G FIDO_GRANULE_SIZE
/* More messages than a socket holds. */
#define N 1000u

static struct fido_domain *a;
static struct fido_host_session *x; /* the peer that the test plays */
static int slot;

static void
say_hello(void)
{
	struct fido_host_hello msg = test_stranger_hello(3, "x");
	int fd = test_stranger_control(3, true);

	assert_int_equal(fido_host_send(x, FIDO_HOST_HELLO, &msg, sizeof(msg), &fd, 1, false), 0);
	close(fd);
}

static void
start(void)
{
	struct fido_local_folder g;

	a = test_join("a");
	assert_int_equal(fido_local_folder_open(&g, TEST_GROUP, false), 0);
	slot = fido_local_slot_claim(&g, 3, "x", 77);
	assert_true(slot >= 0);
	x = fido_host_session_create(test_stranger_connect("a"));
	say_hello();
	TEST_WAIT(fido_domain_peer_count(a) == 1);
}

static void
end(void)
{
	struct fido_local_folder g;

	assert_int_equal(fido_local_folder_open(&g, TEST_GROUP, false), 0);
	fido_host_session_destroy(x);
	fido_fork_close(slot);
	TEST_WAIT(fido_domain_peer_count(a) == 0);
	fido_local_slot_free(&g, 3);
	fido_domain_leave(a);
	test_rundir_empty();
}

/*
 * Read until a MAP arrives that covers gaddr or, if gaddr is 0, that starts over. @return its
 * number of extents
 */
static unsigned int
read_map(uint64_t gaddr)
{
	struct pollfd p = {.fd = x->fd, .events = POLLIN};
	struct fido_host_message m;
	unsigned int version;

	for (;;) {
		assert_int_equal(poll(&p, 1, TEST_LIMIT_MS), 1);
		assert_int_equal(fido_host_receive(x->fd, &m, &version), 1);
		fido_host_message_close(&m);
		if (m.h.type != FIDO_HOST_MAP)
			continue;
		if (gaddr == 0 && m.map.again == 1)
			return m.map.count;
		for (unsigned int i = 0; i < m.map.count; i++)
			if (gaddr != 0 && m.map.extents[i].gaddr == gaddr)
				return m.map.count;
	}
}

static void
ask_again(uint64_t epoch)
{
	struct fido_host_again msg = {.epoch = epoch, .fds = 1};

	assert_int_equal(fido_host_send(x, FIDO_HOST_AGAIN, &msg, sizeof(msg), NULL, 0, false), 0);
}

static void
nothing_to_send(void **state)
{
	struct fido_region *r;

	start();
	r = test_arena(a, G);
	read_map(r->gaddr);
	ask_again(0);
	assert_int_equal(read_map(0), 1);
	ask_again(fido_load_acquire(&a->control->epoch));
	assert_int_equal(read_map(0), 0);
	ask_again(fido_load_acquire(&a->control->epoch));
	assert_int_equal(read_map(0), 0);
	fido_region_destroy(r);
	end();
}

static bool
is_tried(void)
{
	bool tried;

	pthread_mutex_lock(&a->lock);
	tried = a->retry_ns == 0;
	pthread_mutex_unlock(&a->lock);
	return tried;
}

/* The owner lacks descriptors; when it has some again, the socket is full. */
static void
socket_full(void **state)
{
	struct fido_region *r, *late;
	int fd;
	char *va = test_memory((N + 1) * G, &fd);

	start();
	assert_int_equal(fido_region_import(a, va, N * G, G, &r), 0);
	assert_int_equal(fido_region_export(r, 0, N * G, fd, 0), 0);
	assert_int_equal(fido_region_import(a, va + N * G, G, G, &late), 0);
	read_map(r->gaddr);
	test_leave_descriptors(0);
	assert_int_equal(fido_region_export(late, 0, G, fd, N * G), 0);
	assert_false(is_tried());
	for (uint64_t i = 0; i < N; i++) /* one message each, which nobody reads */
		fido_region_withdraw(r, i * G, G, 0);
	test_leave_descriptors(100);
	TEST_WAIT(is_tried());
	read_map(late->gaddr);
	end();
	close(fd);
}

TEST_MAIN(cmocka_unit_test(nothing_to_send), cmocka_unit_test(socket_full))
