/* SPDX-License-Identifier: BSD-3-Clause */
/* The application gets one event per change of a link, in turn, and none for its own calls. */
#include "test.h"

struct seen {
	unsigned int up;
	unsigned int down;
	bool out_of_turn;
};

static void
on_event(void *arg, enum fido_link_event event)
{
	struct seen *s = arg;
	unsigned int up = fido_load_relaxed(&s->up), down = fido_load_relaxed(&s->down);

	if (event == FIDO_LINK_UP)
		fido_store_relaxed(&s->up, up + 1);
	else
		fido_store_relaxed(&s->down, down + 1);
	/*
	 * After up must come down; after down, up. The application's own close is not reported, so
	 * up may follow up.
	 */
	if (event == FIDO_LINK_DOWN && up == down)
		fido_store_relaxed(&s->out_of_turn, true);
}

static void
events(void **state)
{
	struct seen seen = {0};
	struct fido_link_config config = {.peer = "b", .event = on_event, .arg = &seen};
	struct test_pair p;

	test_pair_join(&p);
	assert_int_equal(fido_link_create(p.a, &config, &p.ab), 0);
	assert_int_equal(fido_link_configure(p.ab, 1, 1, 64), 0);
	assert_int_equal(fido_link_open(p.ab), 0);
	p.ba = test_link(p.b, "a", NULL, 1, 1, 64);
	for (unsigned int i = 1; i <= 10; i++) {
		TEST_WAIT(fido_load_relaxed(&seen.up) == i);
		assert_true(fido_link_is_up(p.ab));
		if (i % 2)
			fido_link_close(p.ba);
		else
			fido_link_quiesce(p.ba);
		TEST_WAIT(fido_load_relaxed(&seen.down) == i);
		assert_false(fido_link_is_up(p.ab));
		if (i % 2)
			assert_int_equal(fido_link_open(p.ba), 0);
		else
			fido_link_resume(p.ba);
	}
	TEST_WAIT(fido_load_relaxed(&seen.up) == 11);
	fido_link_close(p.ab);
	usleep(50000);
	assert_int_equal(fido_load_relaxed(&seen.down), 10);
	assert_int_equal(fido_link_open(p.ab), 0);
	TEST_WAIT(fido_load_relaxed(&seen.up) == 12);
	assert_false(fido_load_relaxed(&seen.out_of_turn));
	test_pair_end(&p);
}

TEST_MAIN_ONE(events)
