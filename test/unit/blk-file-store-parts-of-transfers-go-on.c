/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads and writes that the kernel does in part or interrupts are continued until complete.
 *
 * Any number of pieces.
 */
#include "blk_store_test.h"

#include <liburing.h>

#define SIZE (8u << 20)
#define FLIGHT 32
#define BLOCK 4096u

/*
 * Replace liburing's functions (-Wl,--wrap): ask the kernel for less than the caller did, and
 * report the short count.
 */
int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring);
unsigned int __real_io_uring_peek_batch_cqe(struct io_uring *ring, struct io_uring_cqe **cqes,
	unsigned int count);
unsigned int __wrap_io_uring_peek_batch_cqe(struct io_uring *ring, struct io_uring_cqe **cqes,
	unsigned int count);

static uint64_t fate = 1;
static unsigned int shortened, interrupted, refused;
static uintptr_t
	refuse_from; /* from this offset on, the remainder of a partial write finds no memory */

static void
shorten(struct io_uring_sqe *sqe)
{
	bool vector = sqe->opcode == IORING_OP_WRITEV;

	if (sqe->opcode == IORING_OP_WRITE && sqe->addr - refuse_from < SIZE &&
		test_random(&fate) % 4 == 0) {
		sqe->addr = 4096;
		refused++;
		return;
	}
	if (test_random(&fate) % 2 ||
		(!vector && sqe->opcode != IORING_OP_READ && sqe->opcode != IORING_OP_WRITE &&
			sqe->opcode != IORING_OP_READ_FIXED &&
			sqe->opcode != IORING_OP_WRITE_FIXED))
		return;
	if (sqe->len < (vector ? 2 : 2 * BLOCK))
		return;
	sqe->len = vector ? 1 + (uint32_t)(test_random(&fate) % (sqe->len - 1))
			  : (1 + (uint32_t)(test_random(&fate) % (sqe->len / BLOCK - 1))) * BLOCK;
	shortened++;
}

int
__wrap_io_uring_submit(struct io_uring *ring)
{
	for (unsigned int i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++)
		shorten(&ring->sq.sqes[i & *ring->sq.kring_mask]);
	return __real_io_uring_submit(ring);
}

unsigned int
__wrap_io_uring_peek_batch_cqe(struct io_uring *ring, struct io_uring_cqe **cqes,
	unsigned int count)
{
	unsigned int n = __real_io_uring_peek_batch_cqe(ring, cqes, count);

	for (unsigned int i = 0; i < n; i++)
		if (test_random(&fate) % 4 == 0) {
			cqes[i]->res = test_random(&fate) % 2 ? -EINTR : -EAGAIN;
			interrupted++;
		}
	return n;
}

static void
pieces(struct store_io *r, uint8_t *p, size_t len)
{
	uint32_t n = 0;

	for (; len != 0; n++) {
		size_t piece = (1 + test_random(&fate) % 4) * BLOCK;

		piece = piece < len ? piece : len;
		r->iov[n] = (struct iovec){p, piece};
		p += piece;
		len -= piece;
	}
	r->io.iovcnt = n;
}

static void
run(const char *options, size_t shift, bool refuse)
{
	struct store_io *r = calloc(FLIGHT, sizeof(*r));
	uint8_t *p = store_memory(SIZE + BLOCK, 1);
	const size_t part = SIZE / FLIGHT;
	struct store_test t;

	store_test_start(&t);
	store_test_file("f", SIZE, 0);
	if (store_test_try(&t, false, "file:%s%s", store_test_path("f"), options) != 0) {
		unlink(store_test_path("f"));
		TEST_SKIP("%s", fido_last_error());
	}
	t.channel = store_test_channel(&t);
	shortened = interrupted = refused = 0;
	refuse_from = refuse ? (uintptr_t)p : UINTPTR_MAX - SIZE;
	for (size_t i = 0; i < FLIGHT; i++) {
		store_io_init(&r[i], &t, FIDO_BLK_WRITE, i * part, p, part);
		pieces(&r[i], p + shift + i * part, part);
		store_io_submit(&r[i]);
	}
	for (size_t i = 0; i < FLIGHT; i++)
		assert_int_equal(store_io_wait(&r[i]), 0);
	for (size_t i = 0; i < FLIGHT; i++) {
		store_io_init(&r[i], &t, FIDO_BLK_READ, i * part, NULL, part);
		store_io_submit(&r[i]);
	}
	for (size_t i = 0; i < FLIGHT; i++) {
		assert_int_equal(store_io_wait(&r[i]), 0);
		assert_memory_equal(store_io_data(&r[i]), p + shift + i * part, part);
		store_io_free(&r[i]);
	}
	assert_int_equal(store_op(&t, FIDO_BLK_WRITE_ZEROES, 0, SIZE), 0);
	assert_int_equal(store_op(&t, FIDO_BLK_FLUSH, 0, 0), 0);
	store_reads(&t, SIZE / 2, 1 << 20, 0);
	/* Chance decides which are hit: most runs give more than FLIGHT of both, few give less. */
	assert_true(shortened > FLIGHT / 2 && interrupted > FLIGHT / 2);
	assert_true(refuse == (refused != 0));
	assert_true(refuse ? t.store->copied != 0 : t.store->copied == (shift != 0 ? FLIGHT : 0));
	store_test_close(&t);
	unlink(store_test_path("f"));
	store_test_end(&t);
	free(p);
	free(r);
}

static void
buffered(void **state)
{
	run("", 0, false);
}

static void
direct(void **state)
{
	run(",direct=on", 0, false);
}

static void
copied(void **state)
{
	run(",direct=on", 1, false);
}

/* The remainder is then written from a copy. */
static void
refused_later(void **state)
{
	run("", 0, true);
	run(",direct=on", 0, true);
}

TEST_MAIN(cmocka_unit_test(buffered), cmocka_unit_test(direct), cmocka_unit_test(copied),
	cmocka_unit_test(refused_later))
