/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * If one end arms while the other posts or completes, at least one sees the other: neither sleeps
 * on.
 */
#include "test.h"

#include <pthread.h>

#if defined(TEST_ASAN) || defined(TEST_TSAN)
#define ROUNDS 20000
#else
#define ROUNDS 100000
#endif
#define BUSY_MS 6000 /* a busy machine must make do with fewer rounds */

static struct test_pair p;
static uint32_t turn; /* odd: both begin; even: the other thread has done its part */
static bool stop;
static bool pending; /* result of arming */
static bool receiver_arms;
static bool together; /* armed with the queue of the other direction, by one fence */
static uint32_t rounds, rung_rounds, pending_rounds;

/* Wait some nanoseconds more or less, so that the two meet at every step. */
static void
skew(uint64_t *seed)
{
	for (uint64_t k = test_random(seed) % 200; k > 0; k--)
		__asm__ volatile("" ::: "memory");
}

static bool
arm(void)
{
	struct fido_link *link = receiver_arms ? p.ba : p.ab;
	struct fido_rxq *rx = fido_link_rxq(link, 0);
	struct fido_txq *tx = fido_link_txq(link, 0);

	if (together)
		return fido_link_arm(rx, &tx, 1);
	return receiver_arms ? fido_rxq_arm(rx) : fido_txq_arm(tx);
}

/* The end that wants to sleep. */
static void *
sleeper(void *arg)
{
	uint64_t seed = 77;

	for (;;) {
		uint32_t t;

		while (!((t = fido_load_acquire(&turn)) & 1))
			if (fido_load_relaxed(&stop))
				return NULL;
		skew(&seed);
		pending = arm();
		fido_store_release(&turn, t + 1);
	}
}

/* The end that has something to send. @return true: it rang */
static bool
act(struct fido_rx *got)
{
	struct fido_txq *tx = fido_link_txq(p.ab, 0);
	struct fido_rxq *rx = fido_link_rxq(p.ba, 0);
	uint64_t before = tx->stats->doorbells + rx->stats->doorbells;
	struct fido_buf b = {test_buf(p.mem, 0), 64, 0, &p};

	if (receiver_arms)
		assert_int_equal(fido_txq_post(tx, &b, 1), 1);
	else
		test_complete(rx, got, FIDO_STATUS_OK);
	return tx->stats->doorbells + rx->stats->doorbells != before;
}

static void
one_round(uint64_t *seed)
{
	struct fido_txq *tx = fido_link_txq(p.ab, 0);
	struct fido_rxq *rx = fido_link_rxq(p.ba, 0);
	struct fido_buf b = {test_buf(p.mem, 0), 64, 0, &p};
	struct fido_rx got = {0};
	bool rung;

	if (!receiver_arms) {
		TEST_WAIT(fido_txq_post(tx, &b, 1) == 1);
		got = test_poll(rx);
	}
	fido_store_release(&turn, turn + 1);
	skew(seed);
	rung = act(&got);
	while (fido_load_acquire(&turn) & 1)
		fido_pause();
	if (!rung && !pending)
		fail_msg("round %u: armed, not pending, and not rung: asleep for ever", rounds);
	rung_rounds += rung;
	pending_rounds += pending;
	fido_rxq_disarm(rx, true);
	fido_txq_disarm(tx, true);
	if (receiver_arms) {
		got = test_poll(rx);
		test_complete(rx, &got, FIDO_STATUS_OK);
	}
	test_take(tx);
}

static void
cross(bool receiver, bool with_other)
{
	uint64_t seed = 1, until = test_now_ms() + BUSY_MS;
	pthread_t thread;

	receiver_arms = receiver;
	together = with_other;
	stop = false;
	turn = rounds = rung_rounds = pending_rounds = 0;
	test_pair_start(&p, 64);
	TEST_WAIT(test_post(fido_link_txq(p.ab, 0), p.mem, 0) == 1);
	struct fido_rx first = test_poll(fido_link_rxq(p.ba, 0));

	test_complete(fido_link_rxq(p.ba, 0), &first, FIDO_STATUS_OK);
	test_take(fido_link_txq(p.ab, 0));
	assert_int_equal(pthread_create(&thread, NULL, sleeper, NULL), 0);
	while (rounds < ROUNDS && (rounds % 64 != 0 || test_now_ms() < until)) {
		one_round(&seed);
		rounds++;
	}
	fido_store_relaxed(&stop, true);
	pthread_join(thread, NULL);
	/*
	 * The test is useful only if each comes first at times: on a quiet machine a tenth is rung.
	 */
	print_message("%u rounds, rung in %u, pending in %u\n", rounds, rung_rounds,
		pending_rounds);
	assert_true(rung_rounds + pending_rounds >= rounds);
	test_pair_end(&p);
}

static void
receiver_arms_while_posted_to(void **state)
{
	cross(true, false);
}

static void
sender_arms_while_completed_to(void **state)
{
	cross(false, false);
}

static void
both_arm_while_posted_to(void **state)
{
	cross(true, true);
}

static void
both_arm_while_completed_to(void **state)
{
	cross(false, true);
}

TEST_MAIN(cmocka_unit_test(receiver_arms_while_posted_to),
	cmocka_unit_test(sender_arms_while_completed_to),
	cmocka_unit_test(both_arm_while_posted_to), cmocka_unit_test(both_arm_while_completed_to))
