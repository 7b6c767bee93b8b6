/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Links closed and opened a hundred times under traffic lose and duplicate no packet and no cookie.
 *
 * Each packet arrives once or is refused.
 */
#include "test.h"

#include <pthread.h>

#define BUFS 512u
#define HELD 32u
#define ROUNDS 100
#define SEEN (1 << 24)

static struct test_pair p;
static bool stop_sending, stop_receiving;
static const char *failure;
static uint64_t posted, taken, polled;
static bool seen[SEEN];

static void
take(bool *out)
{
	void *cookies[64];
	unsigned int n = fido_txq_reap(fido_link_txq(p.ab, 0), cookies, 64);

	for (unsigned int i = 0; i < n; i++) {
		uint32_t k = (uint32_t)((uintptr_t)cookies[i] - 1);

		if (k >= BUFS || !out[k])
			failure = "a cookie came back twice";
		else
			out[k] = false;
	}
	fido_counter_add(&taken, n);
}

static void *
sender(void *arg)
{
	static bool out[BUFS];

	for (uint32_t k = 0; !fido_load_relaxed(&stop_sending) && posted < SEEN;
		k = (k + 1) % BUFS) {
		uint64_t *data = test_buf(p.mem, k);
		struct fido_buf b = {data, TEST_BUF, 0, (void *)(uintptr_t)(k + 1)};

		take(out);
		if (out[k])
			continue;
		data[0] = posted + 1; /* the number, and content that depends on it */
		test_fill(data + 1, 56, data[0]);
		if (fido_txq_post(fido_link_txq(p.ab, 0), &b, 1) == 1) {
			out[k] = true;
			fido_counter_add(&posted, 1);
		} else {
			usleep(50);
		}
	}
	for (uint64_t until = test_now_ms() + TEST_LIMIT_MS;
		taken < posted && test_now_ms() < until;)
		take(out);
	return NULL;
}

static void *
receiver(void *arg)
{
	struct fido_rxq *q = fido_link_rxq(p.ba, 0);
	struct fido_rx held[HELD];
	unsigned int count = 0;
	uint64_t seed = 3;

	while (!fido_load_relaxed(&stop_receiving) || count > 0) {
		unsigned int keep =
			fido_load_relaxed(&stop_sending) ? 0 : test_random(&seed) % HELD;

		if (count < HELD && fido_rxq_poll(q, &held[count], 1) == 1) {
			const uint64_t *data = held[count].desc.data;

			/*
			 * Old and new rings are read in turn, so that a reopening may reorder
			 * packets.
			 */
			if (data[0] >= SEEN || seen[data[0]] || !test_filled(data + 1, 56, data[0]))
				failure = "a packet came twice, or with other content";
			else
				seen[data[0]] = true;
			count++;
			fido_counter_add(&polled, 1);
		}
		while (count > keep) {
			unsigned int k = test_random(&seed) % count;

			fido_rxq_complete(q, &held[k], 1, FIDO_STATUS_OK);
			memmove(held + k, held + k + 1, (--count - k) * sizeof(held[0]));
		}
	}
	return NULL;
}

static void
reopen(void **state)
{
	pthread_t tx, rx;

	test_pair_start(&p, 64);
	assert_int_equal(pthread_create(&tx, NULL, sender, NULL), 0);
	assert_int_equal(pthread_create(&rx, NULL, receiver, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t before = fido_load_relaxed(&polled);
		struct fido_link *one = i % 3 == 0 ? p.ab : p.ba,
				 *other = one == p.ab ? p.ba : p.ab;

		TEST_WAIT(fido_load_relaxed(&polled) > before + 100);
		fido_link_close(one);
		if (i % 3 == 2)
			fido_link_close(other);
		if (i % 2)
			usleep(300);
		assert_int_equal(fido_link_open(one), 0);
		assert_int_equal(fido_link_open(other), 0);
		test_wait_up(p.ab, p.ba);
	}
	fido_store_relaxed(&stop_sending, true);
	pthread_join(tx, NULL);
	fido_store_relaxed(&stop_receiving, true);
	pthread_join(rx, NULL);
	assert_null(failure);
	assert_int_equal(taken, posted);
	/* Exactly the messages that were not polled came back with an error. */
	assert_int_equal(polled + fido_link_txq(p.ab, 0)->stats->errors, posted);
	assert_int_equal(fido_txq_out(fido_link_txq(p.ab, 0)), 0);
	test_pair_end(&p);
}

TEST_MAIN_ONE(reopen)
