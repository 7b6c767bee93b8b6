/* SPDX-License-Identifier: BSD-3-Clause */
/* A peer that makes a doorbell blocking, full or empty, blocks neither its ringer nor its owner. */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

static struct test_pair p;

/* What a hostile peer can do to a file that both ends share. */
static void
make_blocking(int fd, bool full)
{
	eventfd_t value;

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	eventfd_read(fd, &value);
	/* The control thread may ring in between, as when the link comes up. */
	while (full && eventfd_write(fd, UINT64_MAX - 1) != 0)
		eventfd_read(fd, &value);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
}

static bool
is_rung(const struct fido_doorbell *bell)
{
	struct pollfd fd = {.fd = fido_doorbell_fd(bell), .events = POLLIN};

	return poll(&fd, 1, TEST_LIMIT_MS) == 1;
}

/* The receiver has armed; its doorbell is full. The sender posts, and the control threads go on. */
static void
rung_when_full(void **state)
{
	struct fido_rxq *rx = fido_link_rxq(p.ba, 0);
	struct fido_txq *tx = fido_link_txq(p.ab, 0);
	struct fido_rx got;

	for (int i = 0; i < 1000; i++) {
		assert_false(fido_rxq_arm(rx));
		make_blocking(fido_doorbell_fd(rx->bell), true);
		assert_int_equal(test_post(tx, p.mem, 1), 1);
		assert_true(is_rung(rx->bell));
		fido_rxq_disarm(rx, true);
		got = test_poll(rx);
		test_complete(rx, &got, FIDO_STATUS_OK);
		assert_int_equal(test_take(tx), 2);
	}
	/*
	 * The control thread rings the link's doorbells when the link comes up, and when it goes
	 * down.
	 */
	make_blocking(fido_doorbell_fd(rx->bell), true);
	make_blocking(fido_doorbell_fd(tx->bell), true);
	fido_link_close(p.ab);
	TEST_WAIT(!fido_link_is_up(p.ba));
	assert_int_equal(fido_link_open(p.ab), 0);
	test_wait_up(p.ab, p.ba);
}

/* A peer may also clear the doorbell's signal before its owner does. */
static void
cleared_when_empty(void **state)
{
	struct fido_doorbell *bell = fido_link_rxq(p.ba, 0)->bell;

	make_blocking(fido_doorbell_fd(bell), false);
	fido_doorbell_clear(bell);
	fido_doorbell_ring(bell);
	assert_true(is_rung(bell));
	fido_doorbell_clear(bell);
	assert_int_equal(poll(&(struct pollfd){.fd = fido_doorbell_fd(bell), .events = POLLIN}, 1,
				 0),
		0);
}

static int
begin(void **state)
{
	/* Only a signal ends a blocked call. */
	alarm((unsigned int)TEST_LIMIT_MS / 1000 * 3);
	test_pair_start(&p, 64);
	return 0;
}

static int
end(void **state)
{
	test_pair_end(&p);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rung_when_full),
		cmocka_unit_test(cleared_when_empty)};

	test_begin(argc, argv);
	return cmocka_run_group_tests(tests, begin, end);
}
