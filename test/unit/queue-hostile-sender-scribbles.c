/* SPDX-License-Identifier: BSD-3-Clause */
/* A sender that scribbles over its ring never crashes the receiver or makes it read outside. */
#include "test.h"

#define STEPS 1000000
#define N 64

/* Half of the words are plausible: a lap near the right one, a ticket near the ring's size. */
static void
scribble(struct test_queue *q, uint64_t *seed)
{
	struct fido_desc_shm *d = &q->sender_shm->desc[test_random(seed) % N];
	uint64_t r = test_random(seed), w = test_random(seed);
	uint16_t lap = (uint16_t)((q->r->cons >> q->r->shift) + r % 3);

	if (r & 64)
		d = &q->sender_shm->desc[q->r->cons & q->r->mask];
	d->w0 = r & 8 ? w : TEST_QUEUE_BASE + w % (TEST_QUEUE_MAPPED + 100);
	d->w1 = r & 16
		? w
		: (w >> (r & 128 ? 48 : 32)) << 32 | (w >> 8) % (r & 32 ? N : N + 1) << 16 | lap;
}

struct counts {
	uint64_t good, bad_address, broken;
};

static void
step(struct test_queue *q, uint16_t *held, uint32_t *count, struct counts *c, uint64_t *seed)
{
	struct fido_desc d = {0};
	int ret = fido_receiver_next(q->r, &d);

	if (ret == 1) {
		bool inside = d.gaddr >= TEST_QUEUE_BASE &&
			d.gaddr + (d.len ? d.len : 1) <= TEST_QUEUE_BASE + TEST_QUEUE_MAPPED;

		assert_true(d.ticket < N);
		assert_int_equal(d.data != NULL, inside);
		c->good += inside;
		c->bad_address += !inside;
		held[(*count)++] = d.ticket;
	}
	assert_int_equal(q->r->held_count, *count);
	if (*count > 0 && (*count == N || test_random(seed) % 2)) {
		uint32_t k = (uint32_t)(test_random(seed) % *count);

		fido_receiver_complete(q->r, held[k], FIDO_STATUS_OK);
		fido_receiver_flush(q->r);
		held[k] = held[--*count];
	}
	if (ret == -EPROTO) { /* a link would go down; here the receiver goes on */
		q->r->broken = false;
		q->r->cons++;
		c->broken++;
	}
}

static void
scribbling(void **state)
{
	struct test_queue q;
	uint16_t held[N];
	uint32_t count = 0;
	struct counts c = {0};
	uint64_t seed = 42;

	test_queue_create(&q, N);
	for (int i = 0; i < STEPS; i++) {
		scribble(&q, &seed);
		step(&q, held, &count, &c, &seed);
	}
	print_message("good %lu, bad address %lu, broken %lu\n", c.good, c.bad_address, c.broken);
	/* The test is useless unless it reaches every case. */
	assert_true(c.good > 1000 && c.bad_address > 1000 && c.broken > 500);
	test_queue_destroy(&q);
}

TEST_MAIN_ONE(scribbling)
