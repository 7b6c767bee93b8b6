/* SPDX-License-Identifier: BSD-3-Clause */
/* Tickets come back in any order: one held throughout holds back only itself, never the ring. */
#include "test.h"

#define N_MAX 256
#define STEPS 20000

/* The expected state, kept in the simplest way: the queue is a FIFO, held tickets are a set. */
struct model {
	uintptr_t queued[N_MAX]; /* posted, not polled, in order */
	unsigned int queued_count;
	uintptr_t held[N_MAX]; /* polled, not completed */
	uint16_t ticket[N_MAX];
	unsigned int held_count;
	uintptr_t back[N_MAX]; /* completed, not reaped, in order of completion */
	unsigned int back_count;
	uintptr_t next;
};

static void
step_post(struct test_queue *q, struct model *m, unsigned int want)
{
	unsigned int room = fido_sender_room(q->s);

	assert_int_equal(room, q->n - m->queued_count - m->held_count - m->back_count);
	for (unsigned int i = 0; i < want && i < room; i++) {
		m->queued[m->queued_count++] = ++m->next;
		fido_sender_put(q->s, TEST_QUEUE_BASE + m->next, (uint32_t)m->next, 0,
			(void *)m->next);
	}
	fido_sender_publish(q->s);
}

static void
step_poll(struct test_queue *q, struct model *m, unsigned int want)
{
	for (unsigned int i = 0; i < want; i++) {
		struct fido_desc d = {0};
		int ret = fido_receiver_next(q->r, &d);

		assert_int_equal(ret, m->queued_count != 0);
		if (ret == 0)
			return;
		assert_int_equal(d.len, m->queued[0]);
		assert_int_equal(d.gaddr, TEST_QUEUE_BASE + m->queued[0]);
		m->held[m->held_count] = m->queued[0];
		m->ticket[m->held_count++] = d.ticket;
		memmove(m->queued, m->queued + 1, --m->queued_count * sizeof(m->queued[0]));
	}
}

/* Number 0 is never completed here. */
static void
step_complete(struct test_queue *q, struct model *m, unsigned int want, uint64_t *seed)
{
	for (unsigned int i = 0; i < want && m->held_count > 1; i++) {
		unsigned int k = 1 + (unsigned int)(test_random(seed) % (m->held_count - 1));

		fido_receiver_complete(q->r, m->ticket[k], FIDO_STATUS_OK);
		m->back[m->back_count++] = m->held[k];
		m->held[k] = m->held[--m->held_count];
		m->ticket[k] = m->ticket[m->held_count];
	}
	fido_receiver_flush(q->r);
}

static void
step_reap(struct test_queue *q, struct model *m, unsigned int want)
{
	void *cookies[N_MAX];
	unsigned int n = fido_sender_reap(q->s, cookies, want);

	assert_int_equal(n, want < m->back_count ? want : m->back_count);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal((uintptr_t)cookies[i], m->back[i]);
	m->back_count -= n;
	memmove(m->back, m->back + n, m->back_count * sizeof(m->back[0]));
}

static void
run(uint32_t n, uint64_t seed)
{
	struct model m = {0};
	struct test_queue q;

	test_queue_create(&q, n);
	test_queue_set_lap(&q, 65500);
	step_post(&q, &m, 1);
	step_poll(&q, &m, 1);
	for (int i = 0; i < STEPS; i++) {
		uint64_t r = test_random(&seed);
		unsigned int want = (unsigned int)(r >> 8) % (n + 1);

		switch (r % 4) {
		case 0:
			step_post(&q, &m, want);
			break;
		case 1:
			step_poll(&q, &m, want);
			break;
		case 2:
			step_complete(&q, &m, want, &seed);
			break;
		default:
			step_reap(&q, &m, want);
		}
		assert_int_equal(q.r->held_count, m.held_count);
	}
	assert_true(m.next > 10 * n);
	assert_int_equal(m.held[0], 1); /* still held, and the ring went on */
	fido_receiver_complete(q.r, m.ticket[0], FIDO_STATUS_OK);
	m.back[m.back_count++] = 1;
	fido_receiver_flush(q.r);
	step_reap(&q, &m, n);
	assert_false(q.s->broken || q.r->broken);
	test_queue_destroy(&q);
}

static void
property(void **state)
{
	for (uint32_t n = 16; n <= N_MAX; n *= 2)
		for (uint64_t seed = 1; seed <= 3; seed++)
			run(n, seed);
}

TEST_MAIN_ONE(property)
