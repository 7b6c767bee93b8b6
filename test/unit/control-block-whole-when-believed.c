/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A control block that passes fido_control_check() is complete: all that its owner initialized is
 * visible.
 */
#include "test.h"

#include <pthread.h>

/*
 * control_init() is static, and a joining domain exposes its block too early only to peers: include
 * the source.
 */
#include "domain.c"

#define GENERATION 77
#define NAME "complete"

static struct fido_control_shm *block;
static const char
	*volatile failure; /* set by the reader thread; cmocka works in the main thread only */

/*
 * Read as a peer does (check_control() in peer.c). Plain loads: ThreadSanitizer sees whether R8 and
 * A8 order them.
 */
static void *
reader(void *arg)
{
	const struct fido_layout layout = TEST_LAYOUT;
	uint64_t until = test_now_ms() + TEST_LIMIT_MS;

	while (fido_control_check(block, FIDO_CONTROL_HEAP_OFFSET) != 0)
		if (test_now_ms() > until) {
			failure = "never complete";
			return NULL;
		}
	if (block->generation != GENERATION || block->slot != 3 ||
		block->layout_base != layout.base || block->slots != layout.slots ||
		block->control_size != FIDO_CONTROL_HEAP_OFFSET || strcmp(block->name, NAME) != 0)
		failure = "content";
	return NULL;
}

static void
one_round(void)
{
	struct fido_domain d = {.layout = TEST_LAYOUT,
		.slot = 3,
		.generation = GENERATION,
		.name = NAME,
		.control_size = FIDO_CONTROL_HEAP_OFFSET};
	pthread_t thread;

	block = calloc(1, FIDO_CONTROL_HEAP_OFFSET);
	assert_non_null(block);
	assert_int_equal(fido_map_init(&d.map, &d.layout), 0);
	/* Set the owner's granule bit to where the block would lie. */
	d.map.base = (uintptr_t)block & ~(FIDO_GRANULE_SIZE - 1);
	d.control = block;
	assert_int_equal(pthread_create(&thread, NULL, reader, NULL), 0);
	control_init(&d);
	pthread_join(thread, NULL);
	assert_null(failure);
	fido_map_fini(&d.map);
	free(block);
}

static void
complete_when_believed(void **state)
{
	for (int i = 0; i < 100; i++)
		one_round();
}

TEST_MAIN_ONE(complete_when_believed)
