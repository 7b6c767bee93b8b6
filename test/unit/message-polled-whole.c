/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages are polled whole, unless one is longer than the caller's room; none is lost. */
#include "test.h"

#define MESSAGES 200u

/* Message i has 1 + i % 5 parts, each containing i. */
static unsigned int
post(struct test_pair *p, uint32_t i)
{
	struct fido_buf b[5];
	unsigned int n = 1 + i % 5;

	for (unsigned int k = 0; k < n; k++) {
		uint32_t *data = test_buf(p->mem, (i * 5 + k) % 1024);

		data[0] = i;
		data[1] = k;
		b[k] = (struct fido_buf){data, 8, k + 1 < n ? FIDO_DESC_CHAINED : 0, data};
	}
	return fido_txq_post(fido_link_txq(p->ab, 0), b, n) == (int)n;
}

struct progress {
	uint32_t message;
	uint32_t part;
};

static void
check(const struct fido_rx *rx, unsigned int n, struct progress *at)
{
	for (unsigned int i = 0; i < n; i++) {
		const uint32_t *data = rx[i].desc.data;

		assert_int_equal(data[0], at->message);
		assert_int_equal(data[1], at->part++);
		if (!(rx[i].desc.flags & FIDO_DESC_CHAINED)) {
			assert_int_equal(at->part, 1 + at->message % 5);
			at->part = 0;
			at->message++;
		}
	}
}

static void
polled_whole(void **state)
{
	for (unsigned int max = 1; max <= 12; max++) {
		struct progress at = {0, 0};
		struct fido_rx rx[12];
		struct test_pair p;
		uint32_t posted = 0;
		void *cookies[64];

		test_pair_start(&p, 64);
		while (at.message < MESSAGES) {
			unsigned int n;

			while (posted < MESSAGES && post(&p, posted))
				posted++;
			n = fido_rxq_poll(fido_link_rxq(p.ba, 0), rx, max);
			check(rx, n, &at);
			assert_true(at.part == 0 || n == max);
			if (max >= 5)
				assert_int_equal(at.part, 0);
			fido_rxq_complete(fido_link_rxq(p.ba, 0), rx, n, FIDO_STATUS_OK);
			fido_txq_reap(fido_link_txq(p.ab, 0), cookies, 64);
		}
		assert_int_equal(fido_rxq_held(fido_link_rxq(p.ba, 0)), 0);
		assert_int_equal(fido_link_rxq(p.ba, 0)->stats->packets, MESSAGES);
		assert_int_equal(fido_link_rxq(p.ba, 0)->stats->bytes, 8 * 3 * MESSAGES);
		assert_int_equal(fido_link_rxq(p.ba, 0)->stats->polled, 3 * MESSAGES);
		test_pair_end(&p);
	}
}

TEST_MAIN_ONE(polled_whole)
