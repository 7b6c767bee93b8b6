/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An extra doorbell does no harm; after a lost one the next wakes, since the sleeper stays armed.
 */
#include "test.h"

#include <poll.h>

#include "transport_fault.h"

#define ROUNDS 2000

static struct test_pair p;

static const struct fido_doorbell *
get_bell(void)
{
	struct fido_txq *tx = fido_link_txq(p.ab, 0);
	const struct fido_doorbell *bell;

	fido_lock_take(&tx->lock);
	bell = tx->peer_bell;
	fido_lock_release(&tx->lock);
	return bell;
}

static void
set_bell(const struct fido_doorbell *bell)
{
	struct fido_txq *tx = fido_link_txq(p.ab, 0);

	fido_lock_take(&tx->lock);
	tx->peer_bell = bell;
	fido_lock_release(&tx->lock);
}

static bool
rung(int timeout_ms)
{
	struct pollfd fd = {.fd = fido_doorbell_fd(fido_link_rxq(p.ba, 0)->bell), .events = POLLIN};

	return poll(&fd, 1, timeout_ms) == 1;
}

/*
 * Post until a ring is not lost: that one wakes the sleeper. On Xen it may be late, since a kernel
 * that handles events slowly delays the following ones. @return messages posted
 */
static unsigned int
post_until_rung(const struct fido_doorbell *bell)
{
	unsigned int n = 0;
	uint32_t lost;

	do {
		lost = fault_bell_lost(bell);
		assert_int_equal(test_post(fido_link_txq(p.ab, 0), p.mem, n++), 1);
	} while (fault_bell_lost(bell) != lost && n < 60);
	assert_true(rung(TEST_LIMIT_MS));
	return n;
}

/* Arm, and check that no earlier ring is left; an extra one may come late. */
static bool
arm_quietly(void)
{
	fido_rxq_disarm(fido_link_rxq(p.ba, 0), true);
	assert_false(fido_rxq_arm(fido_link_rxq(p.ba, 0)));
	return !rung(0);
}

static void
take_back(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct fido_rx rx = test_poll(fido_link_rxq(p.ba, 0));

		assert_true(test_filled(rx.desc.data, TEST_BUF, i));
		test_complete(fido_link_rxq(p.ba, 0), &rx, FIDO_STATUS_OK);
	}
	assert_int_equal(test_take_all(fido_link_txq(p.ab, 0), n), n);
}

static void
rounds(const struct fault_bell_plan *plan, bool some_lost)
{
	struct fido_doorbell *bell;
	const struct fido_doorbell *before;

	test_pair_start(&p, 64);
	TEST_WAIT((before = get_bell()) != NULL);
	usleep(20000); /* the last of the rings that come with the bells themselves */
	bell = fault_bell_wrap(before, plan);
	set_bell(bell);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int n;

		TEST_WAIT(arm_quietly());
		n = post_until_rung(bell);
		if (!some_lost)
			assert_int_equal(n, 1);
		take_back(n);
	}
	assert_true(some_lost == (fault_bell_lost(bell) != 0));
	set_bell(before);
	test_pair_end(&p);
	fault_bell_unwrap(bell);
}

static void
extra(void **state)
{
	rounds(&(struct fault_bell_plan){.extra = 50}, false);
}

static void
lost(void **state)
{
	rounds(&(struct fault_bell_plan){.lost = 40, .extra = 20}, true);
}

TEST_MAIN(cmocka_unit_test(extra), cmocka_unit_test(lost))
