/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nbdkit's threads share a queue: each gets its own answers, none waits forever, all can be
 * released.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "export.h"
#include "nbdkit-volume.h"

#define THREADS 12
#define ROUNDS 700

static struct export export;
static uint32_t absent;

static void
on_absent(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&absent, 1, __ATOMIC_RELAXED);
}

static void
start(unsigned int spin_us)
{
	struct export_config config = {.backend = "disk",
		.volume = "v",
		.queues = 1,
		.spin_us = spin_us,
		.on_absent = on_absent};

	memset(volume_contents, 0, sizeof(volume_contents));
	absent = 0;
	assert_int_equal(export_open(&export, NULL, &config), 0);
}

/* Run f in all threads, each with its own number. @return number of errors */
static unsigned long
run_threads(void *(*f)(void *))
{
	pthread_t threads[THREADS];
	unsigned long errors = 0;

	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, f, (void *)i), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		void *n;

		assert_int_equal(pthread_join(threads[i], &n), 0);
		errors += (uintptr_t)n;
	}
	return errors;
}

static void
finish(void)
{
	assert_int_equal(volume_inflight(), 0);
	assert_null(export.lanes[0].leader);
	assert_true(TAILQ_EMPTY(&export.lanes[0].jobs));
	assert_true(STAILQ_EMPTY(&export.lanes[0].pending));
	assert_int_equal(export.lanes[0].late, 0);
	assert_int_equal(absent, 0);
	export_close(&export);
}

/* ---- each thread has a part of the volume ---- */

#define OWN (VOLUME_SIZE / THREADS / VOLUME_BLOCK * VOLUME_BLOCK)

static int
change(uint8_t *mine, uint64_t at, uint32_t len, uint64_t base, unsigned int *seed)
{
	unsigned int what = (unsigned int)rand_r(seed) % 8;

	if (what == 0) {
		memset(mine + at, 0, len);
		return export_zero(&export, len, base + at, false);
	}
	if (what == 1)
		return export_flush(&export);
	for (uint32_t i = 0; i < len; i++)
		mine[at + i] = (uint8_t)(rand_r(seed) >> 8);
	return export_write(&export, mine + at, len, base + at, what == 2);
}

static void *
use_own_part(void *arg)
{
	uint64_t base = (uintptr_t)arg * OWN;
	unsigned int seed = (unsigned int)(uintptr_t)arg + 1;
	uint8_t *mine = calloc(1, OWN), *read = malloc(OWN);
	uintptr_t errors = 0;

	for (int i = 0; i < ROUNDS; i++) {
		/* Most requests are small; some have more parts than the queue has places. */
		uint32_t max = rand_r(&seed) % 16 == 0 ? OWN : 2 * VOLUME_BLOCK;
		uint32_t len = 1 + (uint32_t)rand_r(&seed) % max;
		uint64_t at = (uint64_t)rand_r(&seed) % (OWN - len + 1);

		if (rand_r(&seed) % 2 == 0) {
			errors += change(mine, at, len, base, &seed) != 0;
		} else {
			errors += export_read(&export, read, len, base + at) != 0;
			errors += memcmp(read, mine + at, len) != 0;
		}
	}
	errors += memcmp(mine, volume_contents + base, OWN) != 0;
	free(mine);
	free(read);
	return (void *)errors;
}

static void
own_answers(void **state)
{
	static const unsigned int spins[] = {0, 20};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		start(spins[i]);
		assert_int_equal(run_threads(use_own_part), 0);
		finish();
	}
}

/* ---- threads own bytes of the same blocks ---- */

#define SHARED (8 * VOLUME_BLOCK)

/* Byte i belongs to thread i % THREADS. */
static void *
use_own_bytes(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg, seed = me + 1;
	uint8_t mine[SHARED] = {0}, read[SHARED];
	uintptr_t errors = 0;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t at = (uint64_t)rand_r(&seed) % (SHARED / THREADS) * THREADS + me;

		mine[at] = (uint8_t)(rand_r(&seed) >> 8);
		errors += export_write(&export, &mine[at], 1, at, false) != 0;
		errors += export_trim(&export, VOLUME_BLOCK - 1, at, false) != 0;
		if (i % 16 != 0)
			continue;
		errors += export_read(&export, read, SHARED, 0) != 0;
		for (at = me; at < SHARED; at += THREADS)
			errors += read[at] != mine[at];
	}
	return (void *)errors;
}

static void
parts_of_blocks(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(run_threads(use_own_bytes), 0);
	finish();
}

/*
 * Half of the threads write a whole block each; the others change one byte of it, which is theirs.
 */
static void *
use_block_or_byte(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg, seed = me + 1;
	uint64_t base = me / 2 * VOLUME_BLOCK;
	uint8_t block[VOLUME_BLOCK], read[VOLUME_BLOCK];
	uintptr_t errors = 0;

	for (int i = 0; i < ROUNDS; i++) {
		memset(block, rand_r(&seed) >> 8, sizeof(block));
		if (me % 2 == 0) {
			errors += export_write(&export, block, VOLUME_BLOCK, base, false) != 0;
			errors += export_read(&export, read, VOLUME_BLOCK, base) != 0;
			errors += memcmp(read + 1, block + 1, VOLUME_BLOCK - 1) != 0;
		} else {
			errors += export_write(&export, block, 1, base, false) != 0;
		}
	}
	return (void *)errors;
}

static void
whole_blocks_beside_parts(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(run_threads(use_block_or_byte), 0);
	finish();
}

/* ---- invalid requests ---- */

static void *
use_what_is_not_there(void *arg)
{
	uint8_t data[3 * VOLUME_MAX_TRANSFER] = {0};
	uintptr_t errors = 0;

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		/* The first parts exist, the last one does not. */
		errors += export_read(&export, data, sizeof(data),
				  VOLUME_SIZE - 2 * VOLUME_MAX_TRANSFER) != -ERANGE;
		errors += export_write(&export, data, VOLUME_BLOCK, VOLUME_SIZE, false) != -ERANGE;
		errors += export_read(&export, data, VOLUME_BLOCK, 0) != 0;
	}
	return (void *)errors;
}

static void
not_valid(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(run_threads(use_what_is_not_there), 0);
	finish();
}

/* ---- releasing waiting threads ---- */

static void *
wait_in_vain(void *arg)
{
	uint8_t data[VOLUME_MAX_TRANSFER * 4] = {0};

	if ((uintptr_t)arg % 2 == 0)
		return (void *)(uintptr_t)(export_read(&export, data, sizeof(data), 0) !=
			-ESHUTDOWN);
	return (void *)(uintptr_t)(export_write(&export, data, sizeof(data), 0, false) !=
		-ESHUTDOWN);
}

static void *
let_go(void *arg)
{
	(void)arg;
	while (__atomic_load_n(&absent, __ATOMIC_RELAXED) == 0)
		usleep(1000);
	export_abandon(&export);
	export_abandon(&export);
	return NULL;
}

static void
backend_gone(void **state)
{
	pthread_t thread;
	uint8_t byte;

	(void)state;
	start(20);
	volume_hold(true);
	assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
	assert_int_equal(run_threads(wait_in_vain), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(export_read(&export, &byte, 1, 0), -ESHUTDOWN);
	export_close(&export);
}

static void *
read_later(void *arg)
{
	uint8_t byte = 1;

	(void)arg;
	return (void *)(uintptr_t)(export_read(&export, &byte, 1, 0) != 0 || byte != 0);
}

static void *
come_back(void *arg)
{
	(void)arg;
	while (__atomic_load_n(&absent, __ATOMIC_RELAXED) == 0)
		usleep(1000);
	volume_hold(false);
	return NULL;
}

static void
backend_comes_back(void **state)
{
	pthread_t thread;

	(void)state;
	start(0);
	volume_hold(true);
	assert_int_equal(pthread_create(&thread, NULL, come_back, NULL), 0);
	assert_int_equal(run_threads(read_later), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	absent = 0;
	finish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_answers),
		cmocka_unit_test(parts_of_blocks),
		cmocka_unit_test(whole_blocks_beside_parts),
		cmocka_unit_test(not_valid),
		cmocka_unit_test(backend_gone),
		cmocka_unit_test(backend_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
