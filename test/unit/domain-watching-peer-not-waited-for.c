/* SPDX-License-Identifier: BSD-3-Clause */
/* A peer that only observes is not waited for when memory is exported, and gets no link. */
#include "test.h"

#include "domain_private.h"
#include "peer.h"

/* Only the xen transport reports who observes; on others, set the flag here. */
static void
set_observes(struct fido_domain *d, const char *name, bool observes)
{
	struct fido_peer *peer;

	pthread_mutex_lock(&d->lock);
	peer = fido_domain_find_peer(d, name);
	assert_non_null(peer);
	peer->observes = observes;
	pthread_mutex_unlock(&d->lock);
	fido_domain_kick(d);
}

/* @return true when all peers that are waited for have mapped what the domain exports */
static bool
all_have_mapped(struct fido_domain *d)
{
	bool all;

	pthread_mutex_lock(&d->lock);
	all = fido_peers_reached(d, (uint32_t)d->control->epoch);
	pthread_mutex_unlock(&d->lock);
	return all;
}

static bool
has_mapped_us(struct fido_domain *d, const char *name)
{
	const struct fido_peer *peer;
	bool mapped;

	pthread_mutex_lock(&d->lock);
	peer = fido_domain_find_peer(d, name);
	mapped = peer != NULL &&
		fido_load_acquire(&peer->control->mapped[d->slot].generation) == d->generation;
	pthread_mutex_unlock(&d->lock);
	return mapped;
}

static bool
has_offered(struct fido_domain *d, const char *name)
{
	const struct fido_peer *peer;
	bool offered;

	pthread_mutex_lock(&d->lock);
	peer = fido_domain_find_peer(d, name);
	offered = peer != NULL &&
		fido_load_acquire(&peer->control->links[0].state) >= FIDO_LINK_OFFERED;
	pthread_mutex_unlock(&d->lock);
	return offered;
}

static void
not_waited_for(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_region *mem;
	struct test_remote b, w;

	test_spawn(&b);
	test_spawn(&w);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&w, "watch w"), 0);
	TEST_WAIT(has_mapped_us(a, "b") && has_mapped_us(a, "w"));
	set_observes(a, "w", true);
	/* Stopped, so that it maps nothing that comes now. */
	test_stop(&w);
	mem = test_arena(a, 1 << 21);
	TEST_WAIT(all_have_mapped(a));
	assert_int_equal(test_ask_number(&b, "mapped 0x%lx", mem->gaddr), 1);
	set_observes(a, "w", false);
	assert_false(all_have_mapped(a));
	set_observes(a, "w", true);
	assert_int_equal(test_ask_number(&b, "mapped 0x%lx", mem->gaddr), 1);
	fido_region_destroy(mem);
	test_continue(&w);
	test_end(&w);
	test_end(&b);
	fido_domain_leave(a);
	test_rundir_empty();
}

static void
gets_no_link(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_link *aw, *ab;
	struct test_remote b, w;

	test_spawn(&b);
	test_spawn(&w);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&w, "join w"), 0);
	TEST_WAIT(fido_domain_peer_count(a) == 2);
	set_observes(a, "w", true);
	aw = test_link(a, "w", NULL, 1, 1, 64);
	assert_int_equal(test_ask_number(&w, "link a 1 1 64"), 0);
	TEST_WAIT(has_offered(a, "w"));
	/*
	 * One turn looks at all links: when this one is up, the other one has been looked at since.
	 */
	ab = test_link(a, "b", NULL, 1, 1, 64);
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	TEST_WAIT(fido_link_is_up(ab));
	assert_false(fido_link_is_connected(aw));
	set_observes(a, "w", false);
	TEST_WAIT(fido_link_is_up(aw));
	/* A peer that becomes an observer loses its link. */
	set_observes(a, "w", true);
	TEST_WAIT(!fido_link_is_connected(aw));
	fido_link_destroy(aw);
	fido_link_destroy(ab);
	test_end(&w);
	test_end(&b);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test(not_waited_for), cmocka_unit_test(gets_no_link))
