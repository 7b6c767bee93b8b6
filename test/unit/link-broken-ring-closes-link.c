/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A peer that breaks a ring's rules closes only that link, with a message; it can be opened again.
 */
#include "test.h"

#include <pthread.h>

#include "link_private.h"

static char messages[4096];
static pthread_mutex_t messages_lock = PTHREAD_MUTEX_INITIALIZER;

static void
on_log(enum fido_log_level level, const char *message)
{
	pthread_mutex_lock(&messages_lock);
	if (level == FIDO_LOG_ERROR && strlen(messages) + strlen(message) + 2 < sizeof(messages))
		strcat(strcat(messages, message), "\n");
	pthread_mutex_unlock(&messages_lock);
}

static bool
logged(const char *text)
{
	bool found;

	pthread_mutex_lock(&messages_lock);
	found = strstr(messages, text) != NULL;
	pthread_mutex_unlock(&messages_lock);
	return found;
}

/*
 * b, in this process, writes into its own part of the rings: here a completion of a ticket that
 * does not exist.
 */
static void
bad_completion(struct fido_link *ba)
{
	struct fido_receiver *r = ba->rx_rings->receiver;

	fido_store_release(&r->comp[r->prod & r->mask],
		UINT64_C(1) << 32 | UINT64_C(9999) << 16 | (uint16_t)((r->prod >> r->shift) + 1));
}

static void
bad_descriptor(struct fido_link *ba)
{
	struct fido_sender *s = ba->tx_rings->sender;

	fido_store_release(&s->desc[s->prod & s->mask].w1,
		UINT64_C(1) << 32 | UINT64_C(9999) << 16 | (uint16_t)((s->prod >> s->shift) + 1));
}

static void
break_it(void (*how)(struct fido_link *))
{
	struct fido_link *other_ab, *other_ba;
	struct test_pair p;
	struct fido_rx rx[4];
	void *cookie;

	messages[0] = '\0';
	fido_log_set(on_log);
	test_pair_start(&p, 64);
	other_ab = test_link(p.a, "b", "other", 1, 1, 64);
	other_ba = test_link(p.b, "a", "other", 1, 1, 64);
	test_wait_up(other_ab, other_ba);
	how(p.ba);
	TEST_WAIT(fido_rxq_poll(fido_link_rxq(p.ab, 0), rx, 4) == 0 &&
		fido_txq_reap(fido_link_txq(p.ab, 0), &cookie, 1) == 0 && !fido_link_is_up(p.ab));
	TEST_WAIT(!fido_link_is_up(p.ba));
	TEST_WAIT(logged("link 0 of a: b broke the rules"));
	assert_true(fido_link_is_up(other_ab) && fido_link_is_up(other_ba));
	TEST_WAIT(test_post(fido_link_txq(other_ab, 0), p.mem, 1) == 1);
	rx[0] = test_poll(fido_link_rxq(other_ba, 0));
	test_complete(fido_link_rxq(other_ba, 0), rx, FIDO_STATUS_OK);
	assert_int_equal(test_take(fido_link_txq(other_ab, 0)), 2);
	/* The link stays down until it is opened again. */
	usleep(50000);
	assert_false(fido_link_is_up(p.ab) || fido_link_is_up(p.ba));
	assert_int_equal(fido_link_open(p.ab), 0);
	test_wait_up(p.ab, p.ba);
	TEST_WAIT(test_post(fido_link_txq(p.ab, 0), p.mem, 2) == 1);
	rx[0] = test_poll(fido_link_rxq(p.ba, 0));
	test_complete(fido_link_rxq(p.ba, 0), rx, FIDO_STATUS_OK);
	assert_int_equal(test_take(fido_link_txq(p.ab, 0)), 3);
	fido_link_destroy(other_ab);
	fido_link_destroy(other_ba);
	test_pair_end(&p);
	fido_log_set(NULL);
}

/* @return number of rings that a's receive queue reads */
static unsigned int
rings(struct fido_link *link)
{
	unsigned int n;

	fido_lock_take(&link->rxq[0]->lock);
	n = link->rxq[0]->count;
	fido_lock_release(&link->rxq[0]->lock);
	return n;
}

/* Act as an owner that begins, or ends, writing its record. */
static void
turn_seq(struct fido_link *link)
{
	pthread_mutex_lock(&link->domain->lock);
	fido_store_relaxed(&link->shm->seq, link->shm->seq + 1);
	pthread_mutex_unlock(&link->domain->lock);
}

/* Also if the peer's record of the link is never consistent. */
static void
behind_a_torn_record(void **state)
{
	struct test_pair p;
	struct fido_rx rx[4];

	test_pair_start(&p, 64);
	TEST_WAIT(rings(p.ab) == 1);
	turn_seq(p.ba);
	bad_descriptor(p.ba);
	TEST_WAIT(fido_rxq_poll(fido_link_rxq(p.ab, 0), rx, 4) == 0 && !fido_link_is_up(p.ab));
	turn_seq(p.ba);
	test_pair_end(&p);
}

static void
by_completion(void **state)
{
	break_it(bad_completion);
}

static void
by_descriptor(void **state)
{
	break_it(bad_descriptor);
}

TEST_MAIN(cmocka_unit_test(by_completion), cmocka_unit_test(by_descriptor),
	cmocka_unit_test(behind_a_torn_record))
