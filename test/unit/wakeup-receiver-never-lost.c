/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every packet wakes a receiver that arms and sleeps on its doorbell, however close the two race.
 */
#include "test.h"

#include <poll.h>
#include <pthread.h>

#if defined(TEST_ASAN) || defined(TEST_TSAN)
#define ROUNDS 20000
#else
#define ROUNDS 100000
#endif
#define SLEEP_MS 5000
#define LAST 99
#define BUSY_MS 20000 /* a busy machine must make do with fewer rounds */

static struct test_pair p;
static const char *failure;
static unsigned int slept;

/* @return 1: rx is filled; 0: no packet in SLEEP_MS, although one was posted */
static int
sleep_and_poll(struct fido_rxq *q, struct fido_rx *rx)
{
	struct pollfd fd = {.fd = fido_doorbell_fd(q->bell), .events = POLLIN};
	int woken = 1;

	while (fido_rxq_poll(q, rx, 1) == 0) {
		if (!woken)
			return 0;
		if (!fido_rxq_arm(q)) {
			woken = poll(&fd, 1, SLEEP_MS);
			slept++;
		}
		fido_rxq_disarm(q, true);
	}
	return 1;
}

static void *
receiver(void *arg)
{
	struct fido_rxq *q = fido_link_rxq(p.ba, 0);
	struct fido_rx rx;
	bool last;

	do {
		if (sleep_and_poll(q, &rx) == 0) {
			__atomic_store_n(&failure, "slept, and was not woken", __ATOMIC_RELAXED);
			break;
		}
		last = rx.desc.len == LAST;
		fido_rxq_complete(q, &rx, 1, FIDO_STATUS_OK);
	} while (!last);
	return NULL;
}

/*
 * Send one packet at a time, the last of another length, after delays that cover all the receiver's
 * steps towards sleep.
 */
static void
sender(void)
{
	struct fido_txq *q = fido_link_txq(p.ab, 0);
	struct fido_buf b = {test_buf(p.mem, 0), 64, 0, &p};
	uint64_t seed = 1, until = test_rounds_until(BUSY_MS);
	uint32_t rounds = test_rounds(ROUNDS);
	void *cookie;

	for (uint32_t i = 1; b.len != LAST; i++) {
		if (i == rounds || test_now_ms() > until)
			b.len = LAST;
		for (uint64_t k = test_random(&seed) % (i % 16 ? 300 : 20000); k > 0; k--)
			fido_pause();
		TEST_WAIT(fido_txq_post(q, &b, 1) == 1);
		while (fido_txq_reap(q, &cookie, 1) != 1)
			if (__atomic_load_n(&failure, __ATOMIC_RELAXED) != NULL)
				return;
	}
}

static void
never_lost(void **state)
{
	pthread_t thread;
	uint64_t rounds;

	test_pair_start(&p, 64);
	assert_int_equal(pthread_create(&thread, NULL, receiver, NULL), 0);
	sender();
	pthread_join(thread, NULL);
	assert_null(failure);
	rounds = fido_link_txq(p.ab, 0)->stats->packets;
	assert_true(rounds > 100 && slept > rounds / 100); /* otherwise nothing was tested */
	assert_true(fido_link_txq(p.ab, 0)->stats->doorbells > rounds / 100);
	test_pair_end(&p);
}

TEST_MAIN_ONE(never_lost)
