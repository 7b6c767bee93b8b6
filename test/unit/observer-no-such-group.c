/* SPDX-License-Identifier: BSD-3-Clause */
/* Observing a missing group, or by an invalid name, fails with a message and creates nothing. */
#include "test.h"

static void
no_such(void **state)
{
	struct fido_observer *o = NULL;

	assert_int_equal(fido_observer_open(&o, "nobody"), -ENOENT);
	test_message_has("group nobody", "no such group", test_rundir(), NULL);
	assert_int_equal(fido_observer_open(&o, "no/body"), -EINVAL);
	assert_int_equal(fido_observer_open(&o, ""), -EINVAL);
	assert_int_equal(fido_observer_open(&o, "nobody:t"), -EINVAL);
	assert_null(o);
	test_rundir_empty();
}

/* A group whose last domain leaves while observed is gone at the next look. */
static void
ends_meanwhile(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_observer *o;

	assert_int_equal(fido_observer_open(&o, TEST_GROUP), 0);
	fido_domain_leave(a);
	assert_int_equal(fido_observer_count(o), 1); /* what was mapped stays readable */
	assert_int_equal(fido_observer_domain(o, 0)->control->slot, 0);
	assert_int_equal(fido_observer_refresh(o), -ENOENT);
	assert_int_equal(fido_observer_count(o), 0);
	assert_null(fido_observer_domain(o, 0));
	fido_observer_close(o);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test(no_such), cmocka_unit_test(ends_meanwhile))
