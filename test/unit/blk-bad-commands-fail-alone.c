/* SPDX-License-Identifier: BSD-3-Clause */
/* The backend answers a malformed command, flag or memory range with an error and serves on. */
#include "blk_test.h"

#include <errno.h>

#define RING 1024u

/* A client that posts arbitrary descriptors. */
struct raw {
	struct fido_link *link;
	struct fido_txq *txq;
	struct fido_rxq *rxq;
	struct blk_open_shm *open;
	uint16_t status;
};

static void
put(struct raw *r, uint64_t addr, uint32_t len, uint16_t flags)
{
	fido_lock_take(&r->txq->lock);
	fido_sender_put(r->txq->sender, addr, len, flags, r);
	fido_lock_release(&r->txq->lock);
}

/* Publish what was put and wait until all of it completes. @return the status of the last ticket */
static uint16_t
result(struct raw *r)
{
	uint16_t status[RING];
	void *cookies[RING];
	struct fido_rx rx[300];
	uint64_t until = test_now_ms() + TEST_LIMIT_MS;

	fido_lock_take(&r->txq->lock);
	fido_sender_publish(r->txq->sender);
	fido_txq_wake_receiver(r->txq);
	fido_lock_release(&r->txq->lock);
	while (fido_txq_out(r->txq) != 0) {
		unsigned int n = fido_txq_reap_status(r->txq, cookies, status, RING);

		if (n != 0)
			r->status = status[n - 1];
		assert_true(test_now_ms() < until);
	}
	for (unsigned int n; (n = fido_rxq_poll(r->rxq, rx, 300)) != 0;)
		fido_rxq_complete(r->rxq, rx, n, FIDO_STATUS_OK);
	return r->status;
}

static uint16_t
one(struct raw *r, uint64_t addr, uint32_t len, uint16_t flags)
{
	put(r, addr, len, flags);
	return result(r);
}

static uint16_t
open_volume(struct raw *r, struct blk_open_shm open)
{
	*r->open = open;
	return one(r, (uintptr_t)r->open, sizeof(open), BLK_OP_OPEN << FIDO_DESC_USER_SHIFT);
}

static void
raw_connect(struct raw *r, struct blk_test *t, const char *name)
{
	r->link = test_link(t->vm, "disk", name, 1, 1, RING);
	TEST_WAIT(fido_link_is_up(r->link));
	r->txq = fido_link_txq(r->link, 0);
	r->rxq = fido_link_rxq(r->link, 0);
	r->open = (struct blk_open_shm *)(t->mem->va + (1 << 20));
}

static const struct blk_open_shm good = {.magic = BLK_MAGIC,
	.version = BLK_VERSION,
	.session = 1,
	.volume = "v0"};

static void
bad_opens(void **state)
{
	struct blk_open_shm bad;
	struct blk_test t;
	struct raw r;

	blk_test_start(&t);
	raw_connect(&r, &t, "blk-raw");
	/* Every command fails before OPEN. */
	assert_int_equal(one(&r, 0, 4096, blk_command_flags(FIDO_BLK_READ, 0)),
		BLK_STATUS_NOT_OPEN);
	bad = good;
	bad.magic++;
	assert_int_equal(open_volume(&r, bad), BLK_STATUS_ERRNO(EINVAL));
	bad = good;
	bad.version++;
	assert_int_equal(open_volume(&r, bad), BLK_STATUS_ERRNO(EPROTO));
	bad = good;
	memset(bad.volume, 'v', sizeof(bad.volume));
	assert_int_equal(open_volume(&r, bad), BLK_STATUS_ERRNO(EINVAL));
	/* Too short, address 0, not a multiple of 8, unmapped memory. */
	assert_int_equal(one(&r, (uintptr_t)r.open, 8, BLK_OP_OPEN << FIDO_DESC_USER_SHIFT),
		BLK_STATUS_ERRNO(EINVAL));
	assert_int_equal(one(&r, 4096, sizeof(good), BLK_OP_OPEN << FIDO_DESC_USER_SHIFT),
		BLK_STATUS_ERRNO(EINVAL));
	assert_int_equal(one(&r, (uintptr_t)r.open + 1, sizeof(good),
				 BLK_OP_OPEN << FIDO_DESC_USER_SHIFT),
		BLK_STATUS_ERRNO(EINVAL));
	assert_int_equal(one(&r, 0, 0, blk_command_flags(BLK_OP_OPEN, 0)),
		BLK_STATUS_ERRNO(EINVAL));
	assert_int_equal(open_volume(&r, good), 0);
	assert_int_equal(open_volume(&r, good), 0);
	assert_int_equal(one(&r, 0, 4096, blk_command_flags(FIDO_BLK_READ, 0)), 0);
	assert_int_equal(blk_test_write(t.q, (void *)t.mem->va, 0, 4096, 1), 0);
	fido_link_destroy(r.link);
	blk_test_end(&t);
}

static void
bad_commands(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t len;
		unsigned int op;
		int error;
	} bad[] = {
		{0, 0, FIDO_BLK_READ, EINVAL},
		{0, 100, FIDO_BLK_READ, EINVAL},
		{0, UINT32_MAX, FIDO_BLK_READ, EINVAL},
		{0, (1 << 20) + 512, FIDO_BLK_READ, EINVAL},
		{BLK_VOLUME_SIZE / 512, 512, FIDO_BLK_READ, ERANGE},
		{BLK_VOLUME_SIZE / 512 - 1, 1024, FIDO_BLK_READ, ERANGE},
		{(UINT64_C(1) << 48) - 1, 512, FIDO_BLK_READ, ERANGE},
		{0, 4096, FIDO_BLK_WRITE, EINVAL}, /* without memory */
		{0, 0, FIDO_BLK_DISCARD, EINVAL},
		{0, UINT32_MAX, FIDO_BLK_DISCARD, ERANGE},
		{BLK_VOLUME_SIZE / 512 - 1, 2, FIDO_BLK_WRITE_ZEROES, ERANGE},
		{0, 4096, 0, EINVAL},
		{0, 4096, 6, EINVAL},
		{0, 4096, 14, EINVAL},
		{0, 4096, FIDO_BLK_READ | 0x20, EINVAL},
		{0, 4096, FIDO_BLK_READ | 0x1000, EINVAL},
	};
	struct blk_test t;
	struct raw r;

	blk_test_start(&t);
	raw_connect(&r, &t, "blk-raw");
	assert_int_equal(open_volume(&r, good), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(one(&r, bad[i].sector, bad[i].len,
					 blk_command_flags(bad[i].op, 0)),
			BLK_STATUS_ERRNO(bad[i].error));
	/* An address in a command that takes none. */
	assert_int_equal(one(&r, (uintptr_t)r.open, 4096, FIDO_BLK_READ << FIDO_DESC_USER_SHIFT),
		BLK_STATUS_ERRNO(EINVAL));
	assert_int_equal(blk_test_write(t.q, (void *)t.mem->va, 0, 4096, 1), 0);
	fido_link_destroy(r.link);
	blk_test_end(&t);
}

static void
bad_memory(void **state)
{
	uint16_t write = blk_command_flags(FIDO_BLK_WRITE, 0) | FIDO_DESC_CHAINED;
	struct blk_test t;
	struct raw r;

	blk_test_start(&t);
	raw_connect(&r, &t, "blk-raw");
	assert_int_equal(open_volume(&r, good), 0);
	/*
	 * Unmapped; outside the layout; good and bad pieces; more and less memory than the command
	 * says.
	 */
	put(&r, 0, 4096, write);
	assert_int_equal(one(&r, t.mem->gaddr + t.mem->len * 4, 4096, 0), FIDO_STATUS_BAD_ADDRESS);
	put(&r, 0, 4096, write);
	assert_int_equal(one(&r, 0x1000, 4096, 0), FIDO_STATUS_BAD_ADDRESS);
	put(&r, 0, 8192, write);
	put(&r, t.mem->gaddr, 4096, FIDO_DESC_CHAINED);
	assert_int_equal(one(&r, t.mem->gaddr, 4096, FIDO_DESC_INLINE), FIDO_STATUS_BAD_ADDRESS);
	put(&r, 0, 4096, write);
	assert_int_equal(one(&r, t.mem->gaddr, 8192, 0), BLK_STATUS_ERRNO(EINVAL));
	put(&r, 0, 4096, write);
	assert_int_equal(one(&r, t.mem->gaddr, UINT32_MAX, 0), FIDO_STATUS_BAD_ADDRESS);
	/* Too many pieces; then the maximum. */
	put(&r, 0, 512 * 300, write);
	for (int i = 0; i < 300; i++)
		put(&r, t.mem->gaddr, 512, i < 299 ? FIDO_DESC_CHAINED : 0);
	assert_int_equal(result(&r), BLK_STATUS_ERRNO(E2BIG));
	put(&r, 0, 512 * FIDO_BLK_SEGMENTS_MAX, write);
	for (int i = 0; i < FIDO_BLK_SEGMENTS_MAX; i++)
		put(&r, t.mem->gaddr, 512, i < FIDO_BLK_SEGMENTS_MAX - 1 ? FIDO_DESC_CHAINED : 0);
	assert_int_equal(result(&r), 0);
	/* A read that brings memory. */
	put(&r, 0, 4096, blk_command_flags(FIDO_BLK_READ, 0) | FIDO_DESC_CHAINED);
	assert_int_equal(one(&r, t.mem->gaddr, 4096, 0), BLK_STATUS_ERRNO(EINVAL));
	assert_int_equal(blk_test_write(t.q, (void *)t.mem->va, 0, 4096, 1), 0);
	fido_link_destroy(r.link);
	blk_test_end(&t);
}

/* A message without an end closes its link and harms nothing else. */
static void
no_end(void **state)
{
	struct blk_test t;
	struct raw r;

	blk_test_start(&t);
	raw_connect(&r, &t, "blk-raw");
	assert_int_equal(open_volume(&r, good), 0);
	put(&r, 0, 4096, blk_command_flags(FIDO_BLK_WRITE, 0) | FIDO_DESC_CHAINED);
	put(&r, t.mem->gaddr, 4096, FIDO_DESC_CHAINED);
	fido_lock_take(&r.txq->lock);
	fido_sender_publish(r.txq->sender);
	fido_txq_wake_receiver(r.txq);
	fido_lock_release(&r.txq->lock);
	TEST_WAIT(!fido_link_is_up(r.link));
	assert_int_equal(blk_test_write(t.q, (void *)t.mem->va, 0, 4096, 1), 0);
	fido_link_destroy(r.link);
	blk_test_end(&t);
}

TEST_MAIN(cmocka_unit_test(bad_opens), cmocka_unit_test(bad_commands), cmocka_unit_test(bad_memory),
	cmocka_unit_test(no_end))
