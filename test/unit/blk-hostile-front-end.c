/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client that scribbles over all its memory neither crashes a backend nor disturbs other clients.
 */
/*
 * It also sends malformed commands. All memory lent to it comes back.
 *
 *   vm (this process) ------ v0 \
 *                                 disk (this process: two threads)
 *   evil (hostile_front.c) == v1, v2 /
 *
 * FIDO_TEST_ROUNDS is the number of lives of evil.
 */
#include "blk_test.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "server_private.h"
#include "hostile_front.h"

#define LIVES 5
#define LIFE_MS 900
#define BLOCK 8192u
#define BLOCKS 64u
/* A slower request of the honest client counts as disturbed. */
#define REQUEST_MS 3000

static struct blk_test t;
static uint64_t seed = 1, done, slowest_ms;
static uint64_t version[BLOCKS];

/* One request of the honest client. */
static void
honest_step(void)
{
	uint32_t b = (uint32_t)(test_random(&seed) % BLOCKS);
	uint64_t start = test_now_ms(), ms;
	char *buf = (char *)t.mem->va;

	if (version[b] == 0 || test_random(&seed) % 2) {
		version[b]++;
		assert_int_equal(blk_test_write(t.q, buf, (uint64_t)b * BLOCK, BLOCK,
					 version[b] << 8 | b),
			0);
	} else {
		assert_int_equal(blk_test_read(t.q, buf, (uint64_t)b * BLOCK, BLOCK), 0);
		assert_true(test_filled(buf, BLOCK, version[b] << 8 | b));
	}
	ms = test_now_ms() - start;
	slowest_ms = ms > slowest_ms ? ms : slowest_ms;
	done++;
}

static uint64_t
sum(const struct fido_blk_counters_shm *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(c->requests) / sizeof(c->requests[0]); i++)
		n += fido_load_relaxed(&c->requests[i]);
	return n;
}

/* @return true when only vm has a volume open, and nothing of v1 and v2 is lent */
static bool
all_back(void)
{
	for (uint32_t v = 1; v < 3; v++) {
		const struct fido_blk_volume_shm *shm = &t.server->volume_shm[v];

		if (fido_load_relaxed(&shm->clients) != 0 ||
			fido_load_relaxed(&shm->closed.lent) !=
				fido_load_relaxed(&shm->closed.returned))
			return false;
	}
	return true;
}

static void
life(const char *text, uint64_t ms)
{
	struct blk_test_process evil;
	uint64_t until;
	int status;

	blk_test_spawn(&evil, "--hostile", text);
	for (until = test_now_ms() + ms; test_now_ms() < until;)
		honest_step();
	/* It may have crashed over its own scribbling. */
	kill(evil.pid, SIGKILL);
	assert_int_equal(waitpid(evil.pid, &status, 0), evil.pid);
	close(evil.out);
	/* The backend releases it while the other client goes on. */
	TEST_WAIT((honest_step(), all_back()));
}

static void
silent(enum fido_log_level level, const char *message)
{
	(void)level;
	(void)message;
}

/* All memory of a volume is there: it can all be lent, and written meanwhile. */
static void
use_all(const char *volume)
{
	struct fido_blk_config config = {.backend = "disk", .volume = volume};
	struct fido_blk_lent *lent[8];
	struct fido_blk_completion c;
	struct fido_blk_queue *q;
	struct fido_blk *blk;

	assert_int_equal(fido_blk_open(t.vm, &config, &blk), 0);
	q = fido_blk_queue(blk, 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(blk_test_do(q,
					 (struct fido_blk_request){.op = FIDO_BLK_READ,
						 .flags = FIDO_BLK_LEND,
						 .offset = (uint64_t)i << 20,
						 .length = 1 << 20},
					 &c),
			0);
		lent[i] = c.lent;
	}
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(blk_test_write(q, (void *)t.mem->va, (uint64_t)i << 18, 1 << 18,
					 i),
			0);
	fido_blk_release(q, lent, 2);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(blk_test_read(q, (void *)t.mem->va, (uint64_t)i << 18, 1 << 18),
			0);
		assert_true(test_filled((void *)t.mem->va, 1 << 18, i));
	}
	fido_blk_close(blk);
}

static char store[4096];

static void
begin(void)
{
	int fd;

	snprintf(store, sizeof(store), "file:%s/../blk-hostile-%d", test_rundir(), (int)getpid());
	fd = open(store + 5, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && ftruncate(fd, BLK_VOLUME_SIZE) == 0);
	close(fd);
	fido_log_set(silent);
	memset(version, 0, sizeof(version));
	blk_test_serve(&t, (const char *const[]){"mem:8M", "mem:8M", store, NULL}, 2);
	blk_test_open(&t, NULL);
}

static void
end(void)
{
	use_all("v1");
	use_all("v2");
	blk_test_end(&t);
	unlink(store + 5);
}

static void
hostile_client(void **state)
{
	uint64_t requests = 0, bad = 0, pieces = 0;

	begin();
	for (uint32_t i = 0; i < test_rounds(LIVES); i++) {
		char text[16];

		snprintf(text, sizeof(text), "%u", i * 3 + 1);
		life(text, LIFE_MS);
	}
	for (uint32_t v = 1; v < 3; v++) {
		const struct fido_blk_counters_shm *c = &t.server->volume_shm[v].closed;

		requests += sum(c);
		bad += fido_load_relaxed(&c->bad);
		pieces += fido_load_relaxed(&c->lent);
	}
	print_message("evil: %lu requests, %lu of them bad, %lu pieces lent and returned; vm: %lu "
		      "requests, the slowest took %lu ms\n",
		requests, bad, pieces, done, slowest_ms);
	assert_true(requests > 1000 && bad > 100 && pieces > 100 && slowest_ms < REQUEST_MS);
	end();
}

/*
 * A client that holds all memory and waits for more dies: its waiting request must not keep the
 * memory.
 */
static void
greedy_client(void **state)
{
	begin();
	life("greedy1", 0);
	life("greedy2", 0);
	end();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(greedy_client),
		cmocka_unit_test(hostile_client)};

	if (argc == 3 && strcmp(argv[1], "--hostile") == 0)
		return hostile_front_run(argv[2]);
	test_begin(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
