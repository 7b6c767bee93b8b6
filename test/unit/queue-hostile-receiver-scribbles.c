/* SPDX-License-Identifier: BSD-3-Clause */
/* A receiver that scribbles over its ring never crashes the sender or returns a cookie twice. */
#include "test.h"

#define STEPS 1000000
#define N 64

struct sender_state {
	bool out[N * 4]; /* by cookie - 1 */
	uint32_t count;
	uint32_t broken;
	uint64_t reaped;
};

static void
scribble(struct test_queue *q, uint64_t *seed)
{
	uint64_t r = test_random(seed), w = test_random(seed);
	uint64_t *slot = &q->receiver_shm->comp[r & 64 ? q->s->cons & q->s->mask : w % N];
	uint16_t lap = (uint16_t)((q->s->cons >> q->s->shift) + r % 3);

	*slot = r & 16 ? w
		       : (w & 3) << 48 | ((w >> 2) % (r & 32 ? 4 : N + 2)) << 32 |
			((w >> 20) % (r & 8 ? N : N + 1)) << 16 | lap;
	q->receiver_shm->armed = (uint32_t)w;
}

static void
post(struct test_queue *q, struct sender_state *st, uint64_t *seed)
{
	uint64_t k = test_random(seed) % (N * 4);

	if (fido_sender_room(q->s) == 0)
		return;
	while (st->out[k])
		k = (k + 1) % (N * 4);
	st->out[k] = true;
	st->count++;
	test_queue_post(q, k + 1);
}

static void
reap(struct test_queue *q, struct sender_state *st)
{
	void *cookies[8];
	unsigned int n = fido_sender_reap(q->s, cookies, 8);

	for (unsigned int i = 0; i < n; i++) {
		uintptr_t k = (uintptr_t)cookies[i] - 1;

		assert_true(k < N * 4 && st->out[k]);
		st->out[k] = false;
		st->count--;
	}
	st->reaped += n;
	assert_int_equal(fido_sender_out(q->s), st->count);
	if (q->s->broken) {
		q->s->broken = false;
		q->s->cons++;
		st->broken++;
	}
}

static void
scribbling(void **state)
{
	struct test_queue q;
	struct sender_state st = {0};
	uint64_t seed = 7;

	test_queue_create(&q, N);
	for (int i = 0; i < STEPS; i++) {
		if (i % 2)
			post(&q, &st, &seed);
		scribble(&q, &seed);
		reap(&q, &st);
	}
	assert_true(st.broken > 1000 && st.reaped > 1000);
	test_queue_destroy(&q);
}

TEST_MAIN_ONE(scribbling)
