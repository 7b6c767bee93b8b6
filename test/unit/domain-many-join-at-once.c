/* SPDX-License-Identifier: BSD-3-Clause */
/* Domains that join and leave at the same time all find each other exactly once. */
#include "test.h"

#include <pthread.h>

#define DOMAINS 6
#define ROUNDS 5

static struct fido_domain *domains[DOMAINS];
static int results[DOMAINS];

static void *
join(void *arg)
{
	static const char *const names[DOMAINS] = {"a", "b", "c", "d", "e", "f"};
	size_t i = (size_t)(uintptr_t)arg;
	struct fido_domain_config config = test_config(names[i]);

	results[i] = fido_domain_join(&domains[i], &config);
	return NULL;
}

static void *
leave(void *arg)
{
	fido_domain_leave(domains[(size_t)(uintptr_t)arg]);
	return NULL;
}

static void
all(void *(*fn)(void *))
{
	pthread_t threads[DOMAINS];

	for (size_t i = 0; i < DOMAINS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fn, (void *)(uintptr_t)i), 0);
	for (size_t i = 0; i < DOMAINS; i++)
		pthread_join(threads[i], NULL);
}

static void
at_once(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t slots = 0;

		all(join);
		for (int i = 0; i < DOMAINS; i++) {
			assert_int_equal(results[i], 0);
			slots |= UINT64_C(1) << fido_domain_slot(domains[i]);
		}
		assert_int_equal(slots, (1 << DOMAINS) - 1);
		for (int i = 0; i < DOMAINS; i++)
			TEST_WAIT(fido_domain_peer_count(domains[i]) == DOMAINS - 1);
		all(leave);
		test_rundir_empty();
	}
}

TEST_MAIN_ONE(at_once)
