/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * With its ends in two threads a queue delivers every buffer whole and in order.
 *
 * A buffer is free only when the receiver has finished with it.
 */
#include "test.h"

#include <pthread.h>
#include <sched.h>

#if defined(TEST_ASAN) || defined(TEST_TSAN)
#define TOTAL 60000u
#else
#define TOTAL 1000000u
#endif
#define N 64u
#define LEN 64u

/*
 * Plain memory, rewritten again and again: a buffer returned too early shows as a data race or as
 * bad content.
 */
static uint64_t buffers[N][LEN / sizeof(uint64_t)];
static struct test_queue q;
static bool out_of_order;
static const char
	*volatile failure; /* set by the receiver thread; cmocka works in the main thread only */

/* The other thread may be waiting for this processor. */
static void
pause_a_little(uint32_t tries)
{
	if (tries % 256 == 0)
		sched_yield();
	else
		fido_pause();
}

static void
receive_one(uint16_t *held, unsigned int *count, uint32_t k)
{
	struct fido_desc d = {0};

	for (uint32_t tries = 1; fido_receiver_next(q.r, &d) != 1; tries++)
		pause_a_little(tries);
	if (d.data == NULL || d.len != LEN || !test_filled(d.data, LEN, k))
		failure = "content";
	held[(*count)++] = d.ticket;
}

/* Check each buffer, hold up to N of them, complete them in order or at random. */
static void *
receiver(void *arg)
{
	uint16_t held[N];
	unsigned int count = 0;
	uint64_t seed = 5;

	for (uint32_t k = 0; k < TOTAL; k++) {
		unsigned int keep = (unsigned int)(test_random(&seed) % N);

		receive_one(held, &count, k);
		while (count > keep || (k == TOTAL - 1 && count > 0)) {
			unsigned int i =
				out_of_order ? (unsigned int)(test_random(&seed) % count) : 0;

			fido_receiver_complete(q.r, held[i], FIDO_STATUS_OK);
			memmove(held + i, held + i + 1, (--count - i) * sizeof(held[0]));
		}
		fido_receiver_flush(q.r);
	}
	return NULL;
}

static void
sender(void)
{
	uint64_t *free_buffers[N];
	uint32_t posted = 0, reaped = 0, count = N, tries = 0;
	uint64_t seed = 9, until = test_now_ms() + 4 * TEST_LIMIT_MS;

	for (uint32_t i = 0; i < N; i++)
		free_buffers[i] = buffers[i];
	while (reaped < TOTAL) {
		uint32_t burst = (uint32_t)(test_random(&seed) % 32);
		void *cookies[N];
		unsigned int n;

		for (uint32_t i = 0; i < burst && count > 0 && posted < TOTAL; i++, posted++) {
			uint64_t *b = free_buffers[--count];

			test_fill(b, LEN, posted);
			fido_sender_put(q.s, (uintptr_t)b, LEN, 0, b);
		}
		fido_sender_publish(q.s);
		n = fido_sender_reap(q.s, cookies, N);
		for (unsigned int i = 0; i < n; i++)
			free_buffers[count++] = cookies[i];
		reaped += n;
		tries = n == 0 ? tries + 1 : 0;
		pause_a_little(tries + 1);
		if (n == 0 && burst == 0 && test_now_ms() > until)
			fail_msg("stuck: %u of %u came back", reaped, TOTAL);
	}
}

static void
two_threads(bool random_order)
{
	pthread_t thread;

	out_of_order = random_order;
	failure = NULL;
	test_queue_create(&q, N);
	test_map_over(&q.map, buffers, sizeof(buffers));
	assert_int_equal(pthread_create(&thread, NULL, receiver, NULL), 0);
	sender();
	pthread_join(thread, NULL);
	assert_null(failure);
	assert_false(q.s->broken || q.r->broken);
	assert_int_equal(fido_sender_out(q.s), 0);
	free(q.map.granules);
	test_queue_destroy(&q);
}

static void
in_order(void **state)
{
	two_threads(false);
}

static void
any_order(void **state)
{
	two_threads(true);
}

TEST_MAIN(cmocka_unit_test(in_order), cmocka_unit_test(any_order))
