/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain that dies before its HELLO is read is not mapped and frees its slot.
 *
 * It is not reported as a breach of the protocol.
 */
#include "test.h"

#include "domain_private.h"
#include "peer.h"

#define ROUNDS 20

static unsigned int complaints;

static void
on_log(enum fido_log_level level, const char *message)
{
	(void)message;
	if (level <= FIDO_LOG_WARNING)
		__atomic_add_fetch(&complaints, 1, __ATOMIC_RELAXED);
}

static void
ended(void **state)
{
	struct fido_domain *a = test_join("a"), *c;
	struct test_remote r;

	fido_log_set(on_log);
	for (int i = 0; i < ROUNDS; i++) {
		test_spawn(&r);
		/* Keep a's control thread from reading messages. */
		pthread_mutex_lock(&a->lock);
		assert_int_equal(test_ask_number(&r, "join b"), 0);
		assert_true(test_ask_number(&r, "arena 2097152") > 0);
		if (i % 2)
			test_kill(&r);
		else
			test_end(&r);
		pthread_mutex_unlock(&a->lock);
		TEST_WAIT(fido_domain_peer_count(a) == 0);
	}
	c = test_join("c");
	assert_int_equal(fido_domain_slot(c), 1);
	TEST_WAIT(fido_domain_peer_count(a) == 1 && fido_domain_peer_count(c) == 1);
	fido_domain_leave(c);
	TEST_WAIT(fido_domain_peer_count(a) == 0);
	assert_int_equal(__atomic_load_n(&complaints, __ATOMIC_RELAXED), 0);
	fido_log_set(NULL);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(ended)
