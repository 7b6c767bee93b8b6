/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that passes fido_map_ptr() in one thread is mapped, whichever thread mapped it. */
#include "test.h"

#include <pthread.h>

#include "map.h"

#define ROUNDS 200

/* In place of mapping: plain stores, which ThreadSanitizer follows (R1, A1). */
static uint64_t memory[ROUNDS][8];
static struct fido_map map;
static const char
	*volatile failure; /* set by the reader thread; cmocka works in the main thread only */

static uint64_t
gaddr_of(unsigned int round)
{
	return map.base + round * FIDO_GRANULE_SIZE;
}

static void *
reader(void *arg)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t until = test_now_ms() + TEST_LIMIT_MS;

		while (fido_map_ptr(&map, gaddr_of(i), 64) == NULL)
			if (test_now_ms() > until) {
				failure = "never mapped";
				return NULL;
			}
		if (!test_filled(memory[i], sizeof(memory[i]), i + 1))
			failure = "content";
	}
	return NULL;
}

static void
mapped_before_seen(void **state)
{
	const struct fido_layout layout = TEST_LAYOUT;
	pthread_t thread;

	assert_int_equal(fido_map_init(&map, &layout), 0);
	assert_int_equal(pthread_create(&thread, NULL, reader, NULL), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		test_fill(memory[i], sizeof(memory[i]), i + 1);
		fido_map_set(&map, gaddr_of(i), 64);
	}
	pthread_join(thread, NULL);
	assert_null(failure);
	fido_map_fini(&map);
}

TEST_MAIN_ONE(mapped_before_seen)
