/* SPDX-License-Identifier: BSD-3-Clause */
/* An observer shows each domain's regions, links and counters by slot, and disturbs no domain. */
#include "test.h"

static const struct fido_link_shm *
link_of(const struct fido_observation *o, const char *peer)
{
	for (int i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (fido_load_relaxed(&o->control->links[i].state) != FIDO_LINK_UNUSED &&
			strcmp(o->control->links[i].peer, peer) == 0)
			return &o->control->links[i];
	return NULL;
}

static void
check_a(const struct test_pair *p, const struct fido_observation *o)
{
	const struct fido_link_shm *l = link_of(o, "b");
	const struct fido_tx_stats_shm *tx;

	assert_string_equal(o->name, "a");
	assert_true(o->alive);
	assert_non_null(o->control);
	assert_int_equal(o->control->generation, fido_domain_generation(p->a));
	assert_int_equal(o->generation, fido_domain_generation(p->a));
	assert_int_equal(o->control->pid, getpid());
	assert_string_equal(o->control->name, "a");
	assert_int_equal(o->control->layout_base, TEST_BASE);
	assert_int_equal(o->control->regions[0].len, o->size);
	assert_int_equal(o->control->regions[1].gaddr, p->mem->gaddr);
	assert_int_equal(o->control->regions[1].len, p->mem->len);
	assert_int_equal(o->control->regions[1].exported, p->mem->len);
	assert_int_equal(o->control->regions[1].arena, 1);
	assert_int_equal(o->control->regions[2].gaddr, 0);
	assert_non_null(l);
	assert_int_equal(l->state, FIDO_LINK_CONNECTED);
	assert_int_equal(l->peer_generation, fido_domain_generation(p->b));
	assert_int_equal(l->ntx, 1);
	assert_int_equal(l->tx[0].size, 64);
	tx = fido_observation_ptr(o, l->tx_stats, sizeof(*tx));
	assert_non_null(tx);
	assert_int_equal(tx->packets, 7);
	assert_int_equal(tx->bytes, 7 * TEST_BUF);
	assert_int_equal(tx->posted, 7);
	assert_int_equal(tx->reaped, 5);
}

static void
check_b(const struct test_pair *p, const struct fido_observation *o)
{
	const struct fido_link_shm *l = link_of(o, "a");
	const struct fido_rx_stats_shm *rx;
	uint32_t slot = fido_domain_slot(p->a);

	assert_string_equal(o->name, "b");
	assert_int_equal(o->control->mapped[slot].generation, fido_domain_generation(p->a));
	assert_true(o->control->mapped[slot].bytes >= p->mem->len);
	assert_non_null(l);
	rx = fido_observation_ptr(o, l->rx_stats, sizeof(*rx));
	assert_non_null(rx);
	assert_int_equal(rx->polled, 7);
	assert_int_equal(rx->completed, 5);
	assert_int_equal(rx->packets, 7);
}

static void
sees(void **state)
{
	struct fido_observer *o = NULL;
	struct test_pair p;
	struct fido_rx rx[7];

	test_pair_start(&p, 64);
	for (uint32_t i = 0; i < 7; i++) {
		TEST_WAIT(test_post(fido_link_txq(p.ab, 0), p.mem, i) == 1);
		rx[i] = test_poll(fido_link_rxq(p.ba, 0));
	}
	fido_rxq_complete(fido_link_rxq(p.ba, 0), rx, 5, FIDO_STATUS_OK);
	assert_int_equal(test_take_all(fido_link_txq(p.ab, 0), 5), 5);
	assert_int_equal(fido_observer_open(&o, TEST_GROUP), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fido_observer_count(o), 2);
		check_a(&p, fido_observer_domain(o, 0));
		check_b(&p, fido_observer_domain(o, 1));
		assert_null(fido_observer_domain(o, 2));
		assert_int_equal(fido_observer_refresh(o), 0);
	}
	assert_int_equal(fido_domain_peer_count(p.a), 1); /* an observer is no peer */
	fido_observer_close(o);
	fido_observer_close(NULL);
	assert_int_equal(fido_observer_open(&o, "host:" TEST_GROUP), 0);
	fido_observer_close(o);
	fido_rxq_complete(fido_link_rxq(p.ba, 0), rx + 5, 2, FIDO_STATUS_OK);
	test_pair_end(&p);
}

/* Addresses that a domain publishes are looked up only in its control region. */
static void
pointers(void **state)
{
	struct fido_domain *a = test_join("a");
	const struct fido_observation *d;
	struct fido_observer *o;
	uint64_t base;

	assert_int_equal(fido_observer_open(&o, TEST_GROUP), 0);
	d = fido_observer_domain(o, 0);
	base = d->control->regions[0].gaddr;
	assert_ptr_equal(fido_observation_ptr(d, base, 8), d->control);
	assert_non_null(fido_observation_ptr(d, base, d->size));
	assert_non_null(fido_observation_ptr(d, base + d->size - 1, 1));
	assert_null(fido_observation_ptr(d, base, d->size + 1));
	assert_null(fido_observation_ptr(d, base + d->size - 1, 2));
	assert_null(fido_observation_ptr(d, base - 1, 1));
	assert_null(fido_observation_ptr(d, 0, 1));
	assert_null(fido_observation_ptr(d, UINT64_MAX, UINT64_MAX));
	assert_null(fido_observation_ptr(d, base + 8, UINT64_MAX));
	fido_observer_close(o);
	fido_domain_leave(a);
}

TEST_MAIN(cmocka_unit_test(sees), cmocka_unit_test(pointers))
