/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A poll that has read a ring's worth still finishes its message: a correct sender is not cut off.
 */
#include "test.h"

#define RING 16
#define POLL_MAX 12
#define PARTS 5
#define ACROSS 8 /* bytes of a descriptor that crosses a granule border */

static struct test_pair p;
static bool refill;

/* Put a good message of several parts. */
static void
put_message(struct fido_sender *s)
{
	for (uint32_t i = 0; i < PARTS; i++)
		fido_sender_put(s, (uintptr_t)test_buf(p.mem, i), 64,
			i + 1 < PARTS ? FIDO_DESC_CHAINED : 0, &p);
}

/*
 * Put descriptors that the receiver returns at once: of unmapped memory, and across a border, so
 * that the hook below runs.
 */
static void
put_bad(struct fido_sender *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		fido_sender_put(s, FIDO_GRANULE_SIZE - ACROSS / 2, ACROSS, 0, &p);
}

const void *__real_fido_map_ptr_across(const struct fido_map *map, uint64_t gaddr, uint32_t len);
const void *__wrap_fido_map_ptr_across(const struct fido_map *map, uint64_t gaddr, uint32_t len);

/*
 * Runs while the receiver polls: the sender reaps what has come back and posts again as soon as it
 * has room.
 */
const void *
__wrap_fido_map_ptr_across(const struct fido_map *map, uint64_t gaddr, uint32_t len)
{
	struct fido_txq *q = fido_link_txq(p.ab, 0);
	void *cookies[RING];

	if (refill) {
		fido_lock_take(&q->lock);
		fido_txq_reap_locked(q, cookies, RING);
		if (fido_sender_room(q->sender) >= 2 * PARTS) {
			put_bad(q->sender, PARTS);
			put_message(q->sender);
			fido_sender_publish(q->sender);
			refill = false;
		}
		fido_lock_release(&q->lock);
	}
	return __real_fido_map_ptr_across(map, gaddr, len);
}

/*
 * From now on consecutive tickets are not adjacent, so that the receiver returns each by itself,
 * and at once.
 */
static void
shuffle(struct fido_txq *tx, struct fido_rxq *rx)
{
	struct fido_rx held[RING];

	for (uint32_t i = 0; i < RING; i++)
		TEST_WAIT(test_post(tx, p.mem, i) == 1);
	for (uint32_t i = 0; i < RING; i++)
		held[i] = test_poll(rx);
	for (uint32_t i = 0; i < RING; i++)
		test_complete(rx, &held[(2 * i + (i >= RING / 2)) % RING], FIDO_STATUS_OK);
	assert_int_equal(test_take_all(tx, RING), RING);
}

static void
to_its_end(void **state)
{
	struct fido_txq *tx;
	struct fido_rxq *rx;
	struct fido_rx got[POLL_MAX];

	test_pair_start(&p, RING);
	tx = fido_link_txq(p.ab, 0);
	rx = fido_link_rxq(p.ba, 0);
	shuffle(tx, rx);
	fido_lock_take(&tx->lock);
	put_bad(tx->sender, RING);
	fido_sender_publish(tx->sender);
	refill = true;
	fido_lock_release(&tx->lock);
	/*
	 * The first chunk is 12 bad ones; the second 4 and 5 more, and 3 parts of the message: more
	 * than the ring has.
	 */
	assert_int_equal(fido_rxq_poll(rx, got, POLL_MAX), PARTS);
	assert_false(refill);
	assert_int_equal(rx->stats->bad, RING + PARTS);
	for (uint32_t i = 0; i < PARTS; i++)
		assert_ptr_equal(got[i].desc.data, test_buf(p.mem, i));
	fido_rxq_complete(rx, got, PARTS, FIDO_STATUS_OK);
	test_take_all(tx, fido_txq_out(tx));
	assert_int_equal(fido_txq_out(tx), 0);
	assert_true(fido_link_is_up(p.ab) && fido_link_is_up(p.ba));
	test_pair_end(&p);
}

TEST_MAIN_ONE(to_its_end)
