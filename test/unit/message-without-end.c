/* SPDX-License-Identifier: BSD-3-Clause */
/* A message without an end breaks its ring; a flood of bad messages keeps no receiver polling. */
#include "test.h"

#include <pthread.h>

#include "link_private.h"

#define N 64

/*
 * Write into the rings of b, as a hostile b might: descriptors at the positions that a reads next.
 */
static void
write_desc(struct fido_sender *s, uint32_t pos, uint16_t ticket, uint64_t gaddr, uint16_t flags)
{
	struct fido_desc_shm *d = &s->desc[pos & s->mask];

	fido_store_relaxed(&d->w0, gaddr | (uint64_t)flags << FIDO_GADDR_BITS);
	fido_store_release(&d->w1,
		UINT64_C(64) << 32 | (uint64_t)ticket << 16 | (uint16_t)((pos >> s->shift) + 1));
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

/* @return the value of fido_rx_stats_shm.bad when the link is down */
static uint64_t
broken_by(uint64_t gaddr_of_first, uint32_t count)
{
	struct test_pair p;
	struct fido_rx rx[8];
	uint64_t bad;

	test_pair_start(&p, N);
	TEST_WAIT(rings(p.ab) == 1);
	for (uint32_t i = count; i-- > 0;)
		write_desc(p.ba->tx_rings->sender, i, i % N,
			i == 0 ? gaddr_of_first : (uintptr_t)p.b->control, FIDO_DESC_CHAINED);
	TEST_WAIT(fido_rxq_poll(fido_link_rxq(p.ab, 0), rx, 8) == 0 && !fido_link_is_up(p.ab));
	assert_int_equal(fido_rxq_held(fido_link_rxq(p.ab, 0)), 0);
	bad = p.ab->rxq[0]->stats->bad;
	assert_int_equal(p.ab->rxq[0]->stats->bytes, 0);
	test_pair_end(&p);
	return bad;
}

static void
without_end(void **state)
{
	const struct fido_layout layout = TEST_LAYOUT;

	/* All good but for the end; the first bad; a whole ring of them, and more. */
	assert_int_equal(broken_by(fido_layout_slot_base(&layout, 1), 3), 3);
	assert_int_equal(broken_by(1, 3), 3);
	assert_int_equal(broken_by(1, N), N);
}

struct flood {
	struct fido_sender *s;
	const struct fido_receiver *r;
	uint16_t flags;
	bool stop;
};

/*
 * Write as fast as a reads. A hostile sender sees a's progress in the completion ring; this one
 * reads a's index. It leaves ticket 0 out: a holds that message, so that the receiver stays while
 * this thread reads it, even if the link is closed.
 */
static void *
flood(void *arg)
{
	struct flood *f = arg;

	while (!fido_load_relaxed(&f->stop)) {
		uint32_t cons = fido_load_relaxed(&f->r->cons);

		for (uint32_t i = 0; i < N; i++)
			write_desc(f->s, cons + i, (cons + i) % (N - 1) + 1, 1, f->flags);
	}
	return NULL;
}

static void
flooded(uint16_t flags, bool close_it)
{
	struct test_pair p;
	struct flood f = {.flags = flags};
	struct fido_rx held, rx[8];
	pthread_t thread;

	test_pair_start(&p, N);
	TEST_WAIT(rings(p.ab) == 1);
	f.s = p.ba->tx_rings->sender;
	f.r = p.ab->rxq[0]->receivers[0];
	write_desc(f.s, 0, 0, (uintptr_t)p.b->control, 0);
	assert_int_equal(fido_rxq_poll(fido_link_rxq(p.ab, 0), &held, 1), 1);
	assert_int_equal(pthread_create(&thread, NULL, flood, &f), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(fido_rxq_poll(fido_link_rxq(p.ab, 0), rx, 8), 0);
	if (close_it)
		fido_link_close(p.ab); /* returns what waits, without waiting for its end */
	fido_store_relaxed(&f.stop, true);
	pthread_join(thread, NULL);
	fido_rxq_complete(fido_link_rxq(p.ab, 0), &held, 1, FIDO_STATUS_OK);
	test_pair_end(&p);
}

/* ThreadSanitizer would report the intended race: a peer that breaks the rules. */
static void
without_pause(void **state)
{
#ifdef TEST_TSAN
	(void)flooded;
	skip();
#else
	flooded(0, false);
	flooded(FIDO_DESC_CHAINED, false);
	flooded(0, true);
#endif
}

TEST_MAIN(cmocka_unit_test(without_end), cmocka_unit_test(without_pause))
