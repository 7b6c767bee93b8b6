/* SPDX-License-Identifier: BSD-3-Clause */
/* After fido_link_destroy() the application's event function neither runs nor is called again. */
#include "test.h"

#include <pthread.h>

static bool inside, go_on, destroyed, called_late;
static struct fido_link *self;

static void
on_event(void *arg, enum fido_link_event event)
{
	if (fido_load_acquire(&destroyed))
		fido_store_relaxed(&called_late, true);
	fido_store_release(&inside, true);
	while (!fido_load_acquire(&go_on))
		usleep(100);
	if (fido_load_acquire(&destroyed))
		fido_store_relaxed(&called_late, true);
}

static void *
destroy(void *link)
{
	fido_link_destroy(link);
	fido_store_release(&destroyed, true);
	return NULL;
}

static void
waits(void **state)
{
	struct fido_link_config config = {.peer = "b", .event = on_event};
	struct test_pair p;
	pthread_t thread;

	test_pair_join(&p);
	assert_int_equal(fido_link_create(p.a, &config, &p.ab), 0);
	assert_int_equal(fido_link_configure(p.ab, 1, 1, 64), 0);
	assert_int_equal(fido_link_open(p.ab), 0);
	p.ba = test_link(p.b, "a", NULL, 1, 1, 64);
	TEST_WAIT(fido_load_acquire(&inside));
	assert_int_equal(pthread_create(&thread, NULL, destroy, p.ab), 0);
	usleep(50000);
	assert_false(fido_load_acquire(&destroyed));
	fido_store_release(&go_on, true);
	pthread_join(thread, NULL);
	assert_true(fido_load_acquire(&destroyed));
	usleep(20000);
	assert_false(fido_load_relaxed(&called_late));
	p.ab = NULL;
	test_pair_end(&p);
}

static void
destroy_self(void *arg, enum fido_link_event event)
{
	if (event == FIDO_LINK_UP) {
		fido_link_destroy(self);
		fido_store_release(&destroyed, true);
	}
}

/* Called from the event function itself, it cannot wait for its end, and does not. */
static void
from_within(void **state)
{
	struct fido_link_config config = {.peer = "b", .event = destroy_self};
	struct test_pair p;

	destroyed = false;
	test_pair_join(&p);
	assert_int_equal(fido_link_create(p.a, &config, &self), 0);
	assert_int_equal(fido_link_configure(self, 1, 1, 64), 0);
	assert_int_equal(fido_link_open(self), 0);
	p.ab = NULL;
	p.ba = test_link(p.b, "a", NULL, 1, 1, 64);
	TEST_WAIT(fido_load_acquire(&destroyed));
	TEST_WAIT(!fido_link_is_up(p.ba));
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(waits), cmocka_unit_test(from_within))
