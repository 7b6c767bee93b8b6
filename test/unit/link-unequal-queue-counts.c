/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * With any number of queues at either end every packet arrives once, in the order of its queue.
 *
 * 1 to 4, 4 to 1, 3 to 2, and none.
 */
#include "test.h"

#define PER_QUEUE 1000u
#define N 64u

struct side {
	struct fido_link *link;
	struct fido_region *mem;
	uint16_t ntx;
	uint16_t nrx;
	uint32_t posted[FIDO_LINK_QUEUES_MAX];
	uint32_t back[FIDO_LINK_QUEUES_MAX];
};

/* A message holds the queue it was posted to and its number there. */
static void
send(struct side *s, uint16_t q, uint32_t total)
{
	uint32_t *p = test_buf(s->mem, q * N + s->posted[q] % N);
	struct fido_buf b = {p, 8, 0, p};
	void *cookies[N];

	if (s->posted[q] - s->back[q] < N && s->posted[q] < total) {
		p[0] = q;
		p[1] = s->posted[q];
		s->posted[q] += fido_txq_post(fido_link_txq(s->link, q), &b, 1) == 1;
	}
	s->back[q] += fido_txq_reap(fido_link_txq(s->link, q), cookies, N);
}

/* @return number of messages received */
static uint32_t
receive(struct side *s, uint32_t next[FIDO_LINK_QUEUES_MAX])
{
	uint32_t n = 0;

	for (uint16_t i = 0; i < s->nrx; i++) {
		struct fido_rx rx[16];
		unsigned int got = fido_rxq_poll(fido_link_rxq(s->link, i), rx, 16);

		for (unsigned int k = 0; k < got; k++) {
			const uint32_t *p = rx[k].desc.data;

			assert_int_equal(p[0] % s->nrx,
				i); /* always the same queue: flows stay in order */
			assert_int_equal(p[1], next[p[0]]++);
		}
		fido_rxq_complete(fido_link_rxq(s->link, i), rx, got, FIDO_STATUS_OK);
		n += got;
	}
	return n;
}

static void
one_way(struct side *from, struct side *to)
{
	uint32_t next[FIDO_LINK_QUEUES_MAX] = {0}, got = 0, back = 0;
	uint64_t until = test_now_ms() + TEST_LIMIT_MS;

	while (got < from->ntx * PER_QUEUE || back < from->ntx * PER_QUEUE) {
		assert_true(test_now_ms() < until);
		back = 0;
		for (uint16_t q = 0; q < from->ntx; q++) {
			send(from, q, PER_QUEUE);
			back += from->back[q];
		}
		got += receive(to, next);
	}
}

static void
shape(uint16_t a_tx, uint16_t a_rx, uint16_t b_tx, uint16_t b_rx)
{
	struct side a = {.ntx = a_tx, .nrx = a_rx}, b = {.ntx = b_tx, .nrx = b_rx};
	struct fido_domain *da = test_join("a"), *db = test_join("b");

	a.mem = test_arena(da, FIDO_LINK_QUEUES_MAX * N * TEST_BUF);
	b.mem = test_arena(db, FIDO_LINK_QUEUES_MAX * N * TEST_BUF);
	a.link = test_link(da, "b", NULL, a_tx, a_rx, N);
	b.link = test_link(db, "a", NULL, b_tx, b_rx, 2 * N);
	test_wait_up(a.link, b.link);
	if (b_rx != 0)
		one_way(&a, &b);
	else /* No queue would ever read it. */
		assert_int_equal(test_post(fido_link_txq(a.link, 0), a.mem, 0), 0);
	if (a_rx != 0)
		one_way(&b, &a);
	fido_link_destroy(a.link);
	fido_link_destroy(b.link);
	fido_domain_leave(da);
	fido_domain_leave(db);
	test_rundir_empty();
}

static void
shapes(void **state)
{
	shape(1, 1, 1, 1);
	shape(1, 1, 4, 4);
	shape(4, 4, 1, 1);
	shape(3, 1, 1, 2);
	shape(2, 3, 3, 2);
	shape(32, 32, 1, 1);
	shape(1, 32, 32, 1);
	shape(1, 0, 0, 1);
	shape(2, 1, 1, 0);
}

TEST_MAIN_ONE(shapes)
