/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Doorbells that a peer withdraws, or sends for links that do not exist, are neither rung nor kept.
 */
#include "test.h"

#include <pthread.h>

#include "link_private.h"

/* Deliver bells as the transport does when the peer's message comes. */
static void
bells(struct fido_domain *d, const char *link)
{
	struct fido_bell_set *set = calloc(1, sizeof(*set));

	assert_non_null(set);
	strcpy(set->link, link);
	pthread_mutex_lock(&d->lock);
	fido_domain_peer_bells(d, d->peers, set);
	pthread_mutex_unlock(&d->lock);
}

static unsigned int
sets(struct fido_domain *d)
{
	unsigned int n = 0;

	pthread_mutex_lock(&d->lock);
	for (const struct fido_bell_set *s = d->peers->bells; s != NULL; s = s->next)
		n++;
	pthread_mutex_unlock(&d->lock);
	return n;
}

static const struct fido_doorbell *
bell_of(struct fido_link *link)
{
	const struct fido_doorbell *bell;

	fido_lock_take(&link->txq[0]->lock);
	bell = link->txq[0]->peer_bell;
	fido_lock_release(&link->txq[0]->lock);
	return bell;
}

static void
taken_away(void **state)
{
	struct test_pair p;
	struct fido_rx rx;

	test_pair_start(&p, 64);
	TEST_WAIT(bell_of(p.ab) != NULL);
	fido_rxq_arm(fido_link_rxq(p.ba, 0)); /* the next post rings */
	bells(p.a, "0");
	assert_null(bell_of(p.ab));
	assert_int_equal(test_post(fido_link_txq(p.ab, 0), p.mem, 1), 1);
	rx = test_poll(fido_link_rxq(p.ba, 0));
	test_complete(fido_link_rxq(p.ba, 0), &rx, FIDO_STATUS_OK);
	assert_int_equal(test_take(fido_link_txq(p.ab, 0)), 2);
	test_pair_end(&p);
}

static void
of_no_link(void **state)
{
	struct test_pair p;
	char name[FIDO_NAME_MAX];

	test_pair_start(&p, 64);
	TEST_WAIT(sets(p.a) == 1);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		bells(p.a, name);
	}
	assert_int_equal(sets(p.a), 1);
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(taken_away), cmocka_unit_test(of_no_link))
