/* SPDX-License-Identifier: BSD-3-Clause */
/* When an NBD server is killed all requests fail; when it is back the same channel works again. */
#include "blk_store_test.h"

#include <poll.h>

#define FLIGHT 160

static const char *const slow[] = {"--filter=delay", "memory", "16M", "delay-read=30",
	"delay-write=30", NULL};
static const char *const fast[] = {"memory", "16M", NULL};

static void
gone_and_back(void **state)
{
	struct store_io *r = calloc(FLIGHT, sizeof(*r));
	uint8_t *p = store_memory(1 << 16, 3);
	struct store_test t;

	store_test_start(&t);
	store_test_nbdkit(slow);
	store_test_open(&t, "nbd:%s", store_test_uri());
	for (unsigned int i = 0; i < FLIGHT; i++) {
		store_io_init(&r[i], &t, i % 2 ? FIDO_BLK_WRITE : FIDO_BLK_READ, i * 65536, p,
			i % 2 ? 65536 : 4096);
		store_io_submit(&r[i]);
	}
	t.finished += t.store->ops->poll(t.channel);
	store_test_nbdkit_kill();
	for (unsigned int i = 0; i < FLIGHT; i++) {
		assert_int_equal(store_io_wait(&r[i]), -ENOTCONN);
		store_io_free(&r[i]);
	}
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(store_write(&t, 0, p, 4096), -ENOTCONN);
	assert_int_equal(store_op(&t, FIDO_BLK_FLUSH, 0, 0), -ENOTCONN);
	assert_int_equal(blk_buffers_used(t.buffers), 0);

	store_test_nbdkit(fast);
	TEST_WAIT(store_write(&t, 4096, p, 65536) == 0);
	store_reads(&t, 4096, 65536, 3);
	/* More than once. */
	store_test_nbdkit_kill();
	assert_int_equal(store_write(&t, 0, p, 4096), -ENOTCONN);
	store_test_nbdkit(fast);
	TEST_WAIT(store_write(&t, 8192, p, 65536) == 0);
	store_test_close(&t);
	store_test_nbdkit_kill();
	store_test_end(&t);
	free(p);
	free(r);
}

/* Sleep and poll as an idle worker does, until woken and a while longer. */
static void
idle_until_woken(struct store_test *t)
{
	uint64_t now, until = test_now_ms() + TEST_LIMIT_MS;
	bool woken = false;

	while ((now = test_now_ms()) < until) {
		struct pollfd p = {.fd = -1};

		if (!t->store->ops->arm(t->channel, &p.fd, &p.events)) {
			assert_true(p.fd >= 0);
			if (poll(&p, 1, (int)(until - now)) == 1 && !woken) {
				woken = true;
				until = test_now_ms() + 300;
			}
		}
		assert_int_equal(t->store->ops->poll(t->channel), 0);
	}
	assert_true(woken);
}

/*
 * An idle channel also detects the death and reconnects by itself, so that its first request
 * succeeds.
 */
static void
asleep(void **state)
{
	struct store_test t;
	uint8_t *p = store_memory(4096, 4);

	store_test_start(&t);
	store_test_nbdkit(fast);
	store_test_open(&t, "nbd:%s", store_test_uri());
	store_test_nbdkit_kill();
	idle_until_woken(&t);
	store_test_nbdkit(fast);
	idle_until_woken(&t);
	assert_int_equal(store_write(&t, 0, p, 4096), 0);
	store_test_close(&t);
	store_test_nbdkit_kill();
	store_test_end(&t);
	free(p);
}

TEST_MAIN(cmocka_unit_test(gone_and_back), cmocka_unit_test(asleep))
