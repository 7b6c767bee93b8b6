/* SPDX-License-Identifier: BSD-3-Clause */
/* A reader gets a link's record as it was at one time, or not at all, while its owner writes it. */
#include "test.h"

#include <pthread.h>

#if defined(TEST_ASAN) || defined(TEST_TSAN)
#define WRITES 20000u
#else
#define WRITES 200000u
#endif

static struct fido_link_shm record;
static bool done;

/* All fields of version k hold k. */
static void *
writer(void *arg)
{
	for (uint32_t k = 1; k <= WRITES; k++) {
		struct fido_link_shm r;

		memset(&r, (int)(k % 251), sizeof(r));
		r.incarnation = k;
		r.tx[FIDO_LINK_QUEUES_MAX - 1].gaddr = k;
		r.rx[FIDO_LINK_QUEUES_MAX - 1].gaddr = k;
		fido_control_write_link(&record, &r);
		for (int i = 0; i < 100; i++)
			fido_pause();
	}
	fido_store_release(&done, true);
	return NULL;
}

static void
is_whole(const struct fido_link_shm *r)
{
	uint64_t k = r->incarnation;

	assert_int_equal(r->tx[FIDO_LINK_QUEUES_MAX - 1].gaddr, k);
	assert_int_equal(r->rx[FIDO_LINK_QUEUES_MAX - 1].gaddr, k);
	assert_int_equal(r->name[5], (char)(k % 251));
	assert_int_equal((uint8_t)r->state, k % 251);
	assert_int_equal((uint8_t)r->tx[0].gaddr, k % 251);
}

static void
whole(void **state)
{
	struct fido_link_shm copy = {0};
	uint64_t last = 0, changes = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, writer, NULL), 0);
	while (!fido_load_acquire(&done)) {
		if (!fido_control_read_link(&record, &copy))
			continue;
		is_whole(&copy);
		assert_true(copy.incarnation >= last);
		changes += copy.incarnation != last;
		last = copy.incarnation;
	}
	pthread_join(thread, NULL);
	assert_true(fido_control_read_link(&record, &copy));
	assert_int_equal(copy.incarnation, WRITES);
	/* On a busy machine the writer may start and finish between two reads. */
	print_message("%lu changes seen\n", (unsigned long)changes);
}

/* A record whose owner died in the middle of a write is never accepted. */
static void
torn(void **state)
{
	static struct fido_link_shm half = {.seq = 7};
	struct fido_link_shm copy;

	assert_false(fido_control_read_link(&half, &copy));
}

/* The name that a peer gives is sanitized before it is printed. */
static void
names(void **state)
{
	char in[FIDO_NAME_MAX], out[FIDO_NAME_MAX];

	memset(in, 'x', sizeof(in)); /* unterminated */
	fido_control_name(out, in);
	assert_int_equal(strlen(out), FIDO_NAME_MAX - 1);
	strcpy(in, "a\n\033[31m/../b c");
	fido_control_name(out, in);
	assert_string_equal(out, "a???31m?..?b?c");
	in[0] = '\0';
	fido_control_name(out, in);
	assert_string_equal(out, "");
}

TEST_MAIN(cmocka_unit_test(whole), cmocka_unit_test(torn), cmocka_unit_test(names))
