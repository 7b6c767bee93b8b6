/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that a lack of descriptors keeps unmapped is not sent by address until they are available.
 *
 * Descriptors may be missing at the owner or at its peer.
 */
#include "test.h"

#define G FIDO_GRANULE_SIZE
/* More than the descriptors that are left in every test. */
#define N 100u

/* Two domains and the link between them; b is a process of its own. */
struct pair {
	struct fido_domain *a;
	struct fido_link *ab;
	struct fido_txq *q;
	struct test_remote b;
};

static void
start(struct pair *p)
{
	*p = (struct pair){.a = test_join("a")};
	test_arena(p->a, G);
	p->ab = test_link(p->a, "b", NULL, 1, 1, 64);
	p->q = fido_link_txq(p->ab, 0);
	test_spawn(&p->b);
	assert_int_equal(test_ask_number(&p->b, "join b"), 0);
	assert_int_equal(test_ask_number(&p->b, "link a 1 1 64"), 0);
	TEST_WAIT(fido_link_is_up(p->ab) && test_ask_number(&p->b, "up") == 1);
}

static void
end(struct pair *p)
{
	test_end(&p->b);
	fido_link_destroy(p->ab);
	fido_domain_leave(p->a);
	test_rundir_empty();
}

static bool
reaches(struct pair *p, const struct fido_region *r)
{
	uint64_t gaddr;

	return test_reach(p->q, (const void *)r->va, 1, &gaddr) == FIDO_REACH_OWN;
}

/* The sender must be right: whatever it sends by address arrives. */
static void
arrives(struct pair *p, const struct fido_region *r, unsigned int seed)
{
	struct fido_buf buf = {(void *)r->va, 64, 0, p};

	test_fill((void *)r->va, 64, seed);
	TEST_WAIT(fido_txq_post(p->q, &buf, 1) == 1);
	assert_int_equal(test_ask_number(&p->b, "poll 0 %u 64", seed), r->gaddr);
	test_ask(&p->b, "complete 0");
	assert_int_equal(test_take_all(p->q, 1), 1);
}

/* Wait until b has processed all messages from a. */
static void
settled(struct pair *p)
{
	struct fido_region *r;
	int fd;
	void *va = test_memory(G, &fd);

	assert_int_equal(fido_region_import(p->a, va, G, G, &r), 0);
	assert_int_equal(fido_region_export(r, 0, G, fd, 0), 0);
	assert_int_equal(fido_region_withdraw(r, 0, G, (unsigned int)TEST_LIMIT_MS), 0);
	fido_region_destroy(r);
	close(fd);
}

/* The owner cannot duplicate the descriptor of one arena, but then can that of the next. */
static void
owner_without(void **state)
{
	struct fido_region *first, *second;
	struct pair p;
	int fd;
	void *va = test_memory(G, &fd);

	start(&p);
	assert_int_equal(fido_region_import(p.a, va, G, G, &first), 0);
	test_leave_descriptors(0);
	assert_int_equal(fido_region_export(first, 0, G, fd, 0), 0);
	assert_false(reaches(&p, first));
	test_message_has("ulimit -n", NULL);
	test_leave_descriptors(100);
	second = test_arena(p.a, G);
	TEST_WAIT(reaches(&p, second));
	assert_true(reaches(&p, first));
	arrives(&p, first, 3);
	fido_region_destroy(first);
	end(&p);
	close(fd);
}

/* Its peer cannot receive the descriptor. Packets to it are copied, and it is not disconnected. */
static void
peer_without(void **state)
{
	struct fido_region *first, *second;
	struct pair p;

	start(&p);
	assert_int_equal(test_ask_number(&p.b, "descriptors 0"), 0);
	first = test_arena(p.a, G);
	second = test_arena(p.a, G);
	settled(&p);
	assert_false(reaches(&p, first));
	assert_false(reaches(&p, second));
	assert_true(fido_link_is_up(p.ab));
	assert_int_equal(test_ask_number(&p.b, "descriptors 3"), 0);
	TEST_WAIT(reaches(&p, first) && reaches(&p, second));
	arrives(&p, first, 5);
	end(&p);
}

/* Its peer has some descriptors, fewer than a message brings, and never more. */
static void
peer_with_few(void **state)
{
	struct fido_region *r;
	struct pair p = {.a = test_join("a")};
	int fd;
	char *va = test_memory(N * G, &fd);

	assert_int_equal(fido_region_import(p.a, va, N * G, G, &r), 0);
	for (uint64_t i = 0; i < N; i++)
		assert_int_equal(fido_region_export(r, i * G, G, fd, i * G), 0);
	p.ab = test_link(p.a, "b", NULL, 1, 1, 64);
	p.q = fido_link_txq(p.ab, 0);
	test_spawn(&p.b);
	assert_int_equal(test_ask_number(&p.b, "descriptors 24"), 0);
	assert_int_equal(test_ask_number(&p.b, "join b"), 0);
	assert_int_equal(test_ask_number(&p.b, "link a 1 1 64"), 0);
	TEST_WAIT(fido_link_is_up(p.ab) && test_ask_number(&p.b, "up") == 1);
	for (uint64_t i = 0; i < N; i++) {
		uint64_t gaddr;

		assert_int_equal(test_reach(p.q, va + i * G, 1, &gaddr), FIDO_REACH_OWN);
		assert_int_equal(test_ask_number(&p.b, "mapped 0x%lx", gaddr), 1);
	}
	arrives(&p, r, 7);
	fido_region_destroy(r);
	end(&p);
	close(fd);
}

/*
 * Not even the control region can be received: it is requested again, nobody is disconnected, and
 * doorbells arrive too.
 */
static void
hello_lost(void **state)
{
	struct pair p;

	test_spawn(&p.b);
	assert_int_equal(test_ask_number(&p.b, "join b"), 0);
	assert_int_equal(test_ask_number(&p.b, "link a 1 1 64"), 0);
	assert_int_equal(test_ask_number(&p.b, "descriptors 1"), 0); /* for the connection */
	p.a = test_join("a");
	p.ab = test_link(p.a, "b", NULL, 1, 1, 64);
	p.q = fido_link_txq(p.ab, 0);
	usleep(20000);
	assert_int_equal(test_ask_number(&p.b, "peers"), 0);
	assert_int_equal(test_ask_number(&p.b, "descriptors 100"), 0);
	TEST_WAIT(fido_link_is_up(p.ab) && test_ask_number(&p.b, "up") == 1);
	arrives(&p, test_arena(p.a, G), 9);
	end(&p);
}

TEST_MAIN(cmocka_unit_test(owner_without), cmocka_unit_test(peer_without),
	cmocka_unit_test(peer_with_few), cmocka_unit_test(hello_lost))
