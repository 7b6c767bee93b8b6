/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend that answers with nonsense neither crashes, hangs nor misleads a front-end. */
/*
 * Afterwards an honest backend works.
 *
 *   vm (this process) ====== disk (hostile_backend.c: another process, killed and restarted)
 *
 * FIDO_TEST_ROUNDS is the number of lives of the backend that answers at random.
 */
#include "blk_test.h"

#include <errno.h>
#include <sys/wait.h>

#include "front.h"
#include "hostile_backend.h"

#define LIVES 8
#define LIFE_MS 800
/* A front-end call that takes longer has been blocked. */
#define CALL_MS 10000
#define DEPTH 32u
#define LEN 4096u
#define CANARY 0xa5

static struct blk_test t;
static struct blk_test_process backend;
static char *buf;

/* ---- a life of the backend ---- */

static void
begin(const char *kind)
{
	blk_test_spawn(&backend, "--hostile", kind);
	blk_test_open(&t, NULL);
	buf = (char *)t.mem->va;
}

/* Kill it first, or closing waits for it. It may have exited by itself. */
static void
kill_backend(void)
{
	int status;

	kill(backend.pid, SIGKILL);
	assert_int_equal(waitpid(backend.pid, &status, 0), backend.pid);
	close(backend.out);
}

static void
end(void)
{
	kill_backend();
	blk_test_close(&t);
	test_rundir_empty();
}

/* All lent memory can be read. */
static void
read_all(const struct fido_blk_completion *c)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < c->iovcnt; i++) {
		const volatile char *p = c->iov[i].iov_base;

		for (size_t k = 0; k < c->iov[i].iov_len; k++)
			(void)p[k];
		sum += c->iov[i].iov_len;
	}
	assert_int_equal(sum, LEN);
}

static int
do_op(enum fido_blk_op op, uint32_t flags)
{
	struct iovec iov = {buf, LEN};
	struct fido_blk_completion c = {0};
	int ret = blk_test_do(t.q,
		(struct fido_blk_request){.op = op,
			.flags = flags,
			.length = LEN,
			.iov = &iov,
			.iovcnt = 1},
		&c);

	if (c.lent == NULL)
		return ret;
	read_all(&c);
	fido_blk_release(t.q, &c.lent, 1);
	return ret;
}

/* ---- one kind of nonsense each ---- */

/* Memory that cannot serve a read fails that read, whatever the status says, and nothing else. */
static void
reads_fail(void **state)
{
	static const char *const kinds[] = {"wrong-tags", "too-little", "too-much", "too-many",
		"without-memory", "outside", "nothing-but-ok"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		begin(kinds[i]);
		for (int k = 0; k < 5; k++) {
			assert_int_equal(do_op(FIDO_BLK_READ, 0), -EPROTO);
			assert_int_equal(do_op(FIDO_BLK_READ, FIDO_BLK_LEND), -EPROTO);
			assert_int_equal(do_op(FIDO_BLK_WRITE, 0), 0);
			assert_int_equal(do_op(FIDO_BLK_FLUSH, 0), 0);
		}
		assert_int_equal(fido_blk_inflight(t.q), 0);
		end();
	}
}

/* Memory that no request asked for goes back, however much arrives. */
static void
memory_for_all(void **state)
{
	begin("memory-for-all");
	for (int k = 0; k < 1000; k++) {
		assert_int_equal(do_op(FIDO_BLK_READ, k & 1 ? FIDO_BLK_LEND : 0), 0);
		assert_true(k & 1 || test_filled(buf, LEN, 7));
		assert_int_equal(do_op(FIDO_BLK_WRITE, 0), 0);
		assert_int_equal(do_op(FIDO_BLK_DISCARD, 0), 0);
	}
	TEST_WAIT((blk_front_queue_step(t.q), fido_rxq_held(t.q->rxq) == 0));
	end();
}

static void
statuses(void **state)
{
	begin("statuses");
	for (int k = 0; k < 100; k++) {
		int error = do_op(1 + k % 5, 0);

		assert_true(error < 0 && error >= -4095);
	}
	end();
}

static void
parts_again(void **state)
{
	begin("parts-again");
	for (int k = 0; k < 100; k++) {
		assert_int_equal(do_op(FIDO_BLK_READ, 0), 0);
		assert_true(test_filled(buf, LEN, 7));
		assert_int_equal(do_op(FIDO_BLK_READ, FIDO_BLK_LEND), 0);
	}
	end();
}

static void
no_completion(void **state)
{
	begin("no-completion");
	/* The ring fills up: the rest waits, and nothing hangs. */
	for (int k = 0; k < 200; k++) {
		assert_int_equal(do_op(FIDO_BLK_READ, 0), 0);
		assert_true(test_filled(buf, LEN, 7));
	}
	end();
}

static void
bad_opens(void **state)
{
	struct fido_blk_config config = {.backend = "disk", .timeout_ms = 60000};
	char volume[24];

	blk_test_spawn(&backend, "--hostile", "bad-opens");
	t.vm = test_join("vm");
	for (size_t i = 0; i < hostile_open_count; i++) {
		int ret;

		snprintf(volume, sizeof(volume), "%zu", i);
		config.volume = volume;
		ret = fido_blk_open(t.vm, &config, &t.blk);
		if (ret != hostile_opens[i].error)
			fail_msg("answer %zu to OPEN: %d instead of %d", i, ret,
				hostile_opens[i].error);
	}
	assert_int_equal(fido_blk_info(t.blk)->size, HOSTILE_VOLUME_SIZE);
	kill_backend();
	fido_blk_close(t.blk);
	fido_domain_leave(t.vm);
	test_rundir_empty();
}

static void
changes(void **state)
{
	begin("changes");
	for (int k = 0; k < 10; k++)
		assert_int_equal(do_op(1 + k % 3, 0), -ESTALE);
	assert_int_equal(fido_blk_info(t.blk)->size, HOSTILE_VOLUME_SIZE);
	end();
}

/*
 * A write's memory may be read as long as its tickets are out, even after the front-end stops
 * trusting the backend.
 */
static void
keeps_writes(void **state)
{
	struct fido_blk_completion c;
	struct iovec iov;

	begin("keeps-writes");
	iov = (struct iovec){buf, LEN};
	assert_int_equal(fido_blk_submit(t.q,
				 &(struct fido_blk_request){.op = FIDO_BLK_WRITE,
					 .length = LEN,
					 .iov = &iov,
					 .iovcnt = 1,
					 .cookie = &c},
				 1),
		1);
	iov.iov_base = buf + LEN;
	assert_int_equal(fido_blk_submit(t.q,
				 &(struct fido_blk_request){.op = FIDO_BLK_READ,
					 .length = LEN,
					 .iov = &iov,
					 .iovcnt = 1,
					 .cookie = buf},
				 1),
		1);
	/* The read fails, the write does not. */
	TEST_WAIT(fido_blk_poll(t.q, &c, 1) == 1);
	assert_ptr_equal(c.cookie, buf);
	assert_int_equal(c.error, -EPROTO);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(fido_blk_poll(t.q, &c, 1), 0);
		usleep(1000);
	}
	assert_int_equal(fido_blk_inflight(t.q), 1);
	assert_false(fido_blk_is_connected(t.blk));
	kill_backend();
	TEST_WAIT(fido_blk_poll(t.q, &c, 1) == 1);
	assert_ptr_equal(c.cookie, &c);
	assert_int_equal(c.error, -EPROTO);
	/* Later requests fail at once. */
	assert_int_equal(do_op(FIDO_BLK_WRITE, 0), -EPROTO);
	assert_int_equal(do_op(FIDO_BLK_READ, 0), -EPROTO);
	blk_test_close(&t);
	test_rundir_empty();
}

/* ---- calls that return in time ---- */

static uint64_t slowest_ms;

static unsigned int
poll_timed(struct fido_blk_completion *c, unsigned int max)
{
	uint64_t start = test_now_ms(), ms;
	unsigned int n = fido_blk_poll(t.q, c, max);

	ms = test_now_ms() - start;
	slowest_ms = ms > slowest_ms ? ms : slowest_ms;
	return n;
}

static void
endless(void **state)
{
	struct fido_blk_completion c;
	uint64_t until;

	begin("endless");
	assert_int_equal(fido_blk_submit(t.q, &(struct fido_blk_request){.op = FIDO_BLK_FLUSH}, 1),
		1);
	for (until = test_now_ms() + 1500; test_now_ms() < until;)
		assert_int_equal(poll_timed(&c, 1), 0);
	assert_true(slowest_ms < CALL_MS);
	end();
}

/* ---- at random ---- */

struct slot {
	char *mem; /* LEN bytes to read into, and a canary; written data is in the arena */
	bool busy;
	bool lend;
	enum fido_blk_op op;
};

static struct slot slots[DEPTH];
static struct fido_blk_lent *lent[DEPTH];
static uint32_t busy, lent_count;
static uint64_t seed = 1, done, good, failed;

static void
submit_some(void)
{
	for (uint32_t i = 0; i < DEPTH; i++) {
		struct slot *s = &slots[i];
		struct iovec iov[2];
		struct fido_blk_request r = {.iov = iov, .iovcnt = 2, .length = LEN, .cookie = s};

		if (s->busy || busy + lent_count == DEPTH)
			continue;
		s->op = r.op = (enum fido_blk_op)(
			1 + (test_random(&seed) % 3 != 0 ? 0 : test_random(&seed) % 5));
		s->lend = r.op == FIDO_BLK_READ && test_random(&seed) % 2;
		r.flags = s->lend ? FIDO_BLK_LEND : 0;
		r.offset = test_random(&seed) % 16 * LEN;
		iov[0].iov_base = r.op == FIDO_BLK_READ ? s->mem : buf + i * LEN;
		iov[0].iov_len = 512 * (1 + test_random(&seed) % 7);
		iov[1] = (struct iovec){(char *)iov[0].iov_base + iov[0].iov_len,
			LEN - iov[0].iov_len};
		assert_int_equal(fido_blk_submit(t.q, &r, 1), 1);
		s->busy = true;
		busy++;
	}
}

static void
release_some(uint32_t keep)
{
	while (lent_count > keep)
		fido_blk_release(t.q, &lent[--lent_count], 1);
}

static void
take_some(void)
{
	struct fido_blk_completion c[DEPTH];
	unsigned int n = poll_timed(c, DEPTH);

	for (unsigned int i = 0; i < n; i++) {
		struct slot *s = c[i].cookie;

		assert_true(s >= slots && s < slots + DEPTH && s->busy);
		assert_true(c[i].error <= 0 && c[i].error >= -4095);
		assert_int_equal(c[i].lent != NULL, c[i].error == 0 && s->lend);
		for (uint32_t k = 0; k < LEN; k++)
			assert_int_equal((unsigned char)s->mem[LEN + k], CANARY);
		s->busy = false;
		busy--;
		done++;
		good += c[i].error == 0;
		failed += c[i].error != 0;
		if (c[i].lent == NULL)
			continue;
		read_all(&c[i]);
		lent[lent_count++] = c[i].lent;
	}
	release_some((uint32_t)(test_random(&seed) % (DEPTH / 2)));
	assert_int_equal(fido_blk_inflight(t.q), busy + lent_count);
}

/*
 * The backend answers for a while and dies; every submitted request completes, or closing discards
 * it.
 */
static void
life(uint32_t number)
{
	struct fido_blk_config config = {.backend = "disk",
		.volume = "v0",
		.depth = DEPTH,
		.timeout_ms = 2000};
	uint64_t until;
	char kind[32];

	snprintf(kind, sizeof(kind), "random:%u", number * 7 + 1);
	blk_test_spawn(&backend, "--hostile", kind);
	if (fido_blk_open(t.vm, &config, &t.blk) != 0) {
		kill_backend();
		return;
	}
	t.q = fido_blk_queue(t.blk, 0);
	until = test_now_ms() + LIFE_MS;
	while (test_now_ms() < until) {
		submit_some();
		take_some();
	}
	kill_backend();
	for (int i = 0; i < 20; i++)
		take_some();
	release_some(0);
	fido_blk_close(t.blk);
	for (uint32_t i = 0; i < DEPTH; i++)
		slots[i].busy = false;
	busy = 0;
}

static void
silent(enum fido_log_level level, const char *message)
{
	(void)level;
	(void)message;
}

static void
at_random(void **state)
{
	fido_log_set(silent);
	t.vm = test_join("vm");
	t.mem = test_arena(t.vm, 4 << 20);
	buf = (char *)t.mem->va;
	for (uint32_t i = 0; i < DEPTH; i++) {
		slots[i].mem = malloc(2 * LEN);
		assert_non_null(slots[i].mem);
		memset(slots[i].mem, CANARY, 2 * LEN);
	}
	/* A busy machine does little per life. */
	for (uint32_t i = 0;
		i < test_rounds(LIVES) || ((good <= 100 || failed <= 100) && i < 4 * LIVES); i++)
		life(i);
	print_message("%lu requests, %lu succeeded, %lu failed; slowest call %lu ms\n", done, good,
		failed, slowest_ms);
	assert_true(good > 100 && failed > 100 && slowest_ms < CALL_MS);
	for (uint32_t i = 0; i < DEPTH; i++)
		free(slots[i].mem);
	fido_region_destroy(t.mem);
	fido_domain_leave(t.vm);
	fido_log_set(NULL);
	/* Then an honest backend. */
	blk_test_spawn(&backend, "--backend", "mem:8M");
	blk_test_open(&t, NULL);
	buf = (char *)t.mem->va;
	assert_int_equal(blk_test_write(t.q, buf, 8192, LEN, 5), 0);
	assert_int_equal(blk_test_read(t.q, buf + LEN, 8192, LEN), 0);
	assert_true(test_filled(buf + LEN, LEN, 5));
	blk_test_close(&t);
	blk_test_kill(&backend);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads_fail),
		cmocka_unit_test(memory_for_all), cmocka_unit_test(statuses),
		cmocka_unit_test(parts_again), cmocka_unit_test(no_completion),
		cmocka_unit_test(bad_opens), cmocka_unit_test(changes),
		cmocka_unit_test(keeps_writes), cmocka_unit_test(endless),
		cmocka_unit_test(at_random)};

	if (argc == 3 && strcmp(argv[1], "--backend") == 0)
		return blk_test_backend(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--hostile") == 0)
		return hostile_backend_run(argv[2]);
	test_begin(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
