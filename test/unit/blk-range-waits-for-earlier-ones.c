/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: a range that is asked for waits exactly for earlier overlapping ones of which one is
 * exclusive, first come, first served, and is told once when it is held; also beside threads that
 * block.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <fido/atomic.h>

#include "range.h"

static struct range_lock lock;
static struct range *told[8];
static unsigned int told_count;

static void
on_held(struct range *range)
{
	told[told_count++] = range;
}

static bool
ask(struct range *r, uint64_t begin, uint64_t end, bool exclusive)
{
	*r = (struct range){.begin = begin, .end = end, .exclusive = exclusive, .on_held = on_held};
	return range_ask(&lock, r);
}

static int
set_up(void **state)
{
	told_count = 0;
	return range_lock_create(&lock);
}

static int
tear_down(void **state)
{
	assert_true(TAILQ_EMPTY(&lock.ranges));
	assert_int_equal(lock.exclusive, 0);
	assert_int_equal(lock.waiting, 0);
	range_lock_destroy(&lock);
	return 0;
}

static void
shared_ones_do_not_wait(void **state)
{
	struct range a, b;

	assert_true(ask(&a, 0, 10, false));
	assert_true(ask(&b, 5, 15, false));
	range_give(&lock, &a);
	range_give(&lock, &b);
	assert_int_equal(told_count, 0);
}

static void
exclusive_ones_wait_for_what_overlaps(void **state)
{
	struct range a, b, beside, c;

	assert_true(ask(&a, 0, 10, false));
	assert_true(ask(&b, 0, 10, false));
	assert_true(ask(&beside, 10, 20, true));
	assert_false(ask(&c, 5, 15, true));
	range_give(&lock, &a);
	range_give(&lock, &beside);
	assert_int_equal(told_count, 0);
	range_give(&lock, &b);
	assert_int_equal(told_count, 1);
	assert_ptr_equal(told[0], &c);
	range_give(&lock, &c);
}

static void
nobody_overtakes(void **state)
{
	struct range a, b, c, d;

	assert_true(ask(&a, 0, 10, false));
	assert_false(ask(&b, 0, 10, true));
	assert_false(ask(&c, 0, 10, false)); /* it would starve b */
	assert_false(ask(&d, 0, 5, false));
	range_give(&lock, &a);
	assert_int_equal(told_count, 1);
	range_give(&lock, &b);
	assert_int_equal(told_count, 3);
	assert_ptr_equal(told[1], &c);
	assert_ptr_equal(told[2], &d);
	range_give(&lock, &c);
	range_give(&lock, &d);
}

static unsigned int taken;

static void *
take(void *arg)
{
	range_take(&lock, arg);
	fido_store_relaxed(&taken, 1);
	return NULL;
}

static bool
somebody_waits(void)
{
	bool waits;

	pthread_mutex_lock(&lock.mutex);
	waits = lock.waiting != 0;
	pthread_mutex_unlock(&lock.mutex);
	return waits;
}

static void
blocked_threads_wait_as_well(void **state)
{
	struct range a, b = {.begin = 0, .end = 10, .exclusive = true}, c;
	pthread_t thread;

	taken = 0;
	assert_true(ask(&a, 0, 10, true));
	assert_int_equal(pthread_create(&thread, NULL, take, &b), 0);
	while (!somebody_waits())
		usleep(1000);
	assert_false(ask(&c, 0, 10, false));
	assert_int_equal(fido_load_relaxed(&taken), 0);
	range_give(&lock, &a);
	pthread_join(thread, NULL);
	assert_int_equal(told_count, 0);
	range_give(&lock, &b);
	assert_int_equal(told_count, 1);
	range_give(&lock, &c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shared_ones_do_not_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(exclusive_ones_wait_for_what_overlaps, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(nobody_overtakes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(blocked_threads_wait_as_well, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
