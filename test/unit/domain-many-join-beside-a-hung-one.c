/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In a group of 60 domains, one of them hung, others join, find all the living and leave.
 *
 * All at the same time.
 */
#include "test.h"

#include <pthread.h>

#define SLOTS 64
#define LIVING 58
#define JOINERS 3
#define ROUNDS 10

static struct fido_domain *living[LIVING];
static const char
	*volatile failure; /* set by a joining thread; cmocka works in the main thread only */
static uint64_t worst_join, worst_leave;

static void
keep_worst(uint64_t *worst, uint64_t since)
{
	uint64_t took = test_now_ms() - since;

	if (took > __atomic_load_n(worst, __ATOMIC_RELAXED))
		__atomic_store_n(worst, took, __ATOMIC_RELAXED);
}

static bool
sees_all(struct fido_domain *d)
{
	uint64_t until = test_now_ms() + TEST_LIMIT_MS;

	while (fido_domain_peer_count(d) < LIVING)
		if (test_now_ms() > until)
			return false;
		else
			usleep(200);
	return true;
}

/*
 * Slots of domains that left are free once all have unmapped them: on a busy machine, a little
 * later.
 */
static struct fido_domain *
join(const struct fido_domain_config *config)
{
	uint64_t until = test_now_ms() + TEST_LIMIT_MS;
	struct fido_domain *d = NULL;
	int ret;

	do
		ret = fido_domain_join(&d, config);
	while (ret == -ENOSPC && test_now_ms() < until);
	return ret == 0 ? d : NULL;
}

static void *
join_and_leave(void *arg)
{
	struct fido_domain_config config = test_config(arg);

	config.layout.slots = SLOTS;
	for (int i = 0; i < ROUNDS && failure == NULL; i++) {
		uint64_t start = test_now_ms();
		struct fido_domain *d = join(&config);

		if (d == NULL) {
			failure = "joining failed";
			break;
		}
		keep_worst(&worst_join, start);
		if (!sees_all(d))
			failure = "not all living domains were found";
		start = test_now_ms();
		fido_domain_leave(d);
		keep_worst(&worst_leave, start);
	}
	return NULL;
}

static void
many(void **state)
{
	static const char *const names[JOINERS] = {"x", "y", "z"};
	struct fido_domain_config config = test_config("");
	pthread_t threads[JOINERS];
	struct test_remote hung;
	char name[8];

	config.layout.slots = SLOTS;
	config.name = name;
	for (int i = 0; i < LIVING; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		assert_int_equal(fido_domain_join(&living[i], &config), 0);
	}
	test_spawn(&hung);
	assert_int_equal(test_ask_number(&hung, "join hung %d", SLOTS), 0);
	TEST_WAIT(test_ask_number(&hung, "peers") == LIVING);
	for (int i = 0; i < LIVING; i++)
		TEST_WAIT(fido_domain_peer_count(living[i]) == LIVING);
	test_stop(&hung);
	for (int i = 0; i < JOINERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, join_and_leave,
					 (void *)(uintptr_t)names[i]),
			0);
	for (int i = 0; i < JOINERS; i++)
		pthread_join(threads[i], NULL);
	if (failure != NULL)
		fail_msg("%s", failure);
	printf("joining took %llu ms at most, leaving %llu ms\n", (unsigned long long)worst_join,
		(unsigned long long)worst_leave);
	test_continue(&hung);
	test_end(&hung);
	for (int i = 0; i < LIVING; i++)
		fido_domain_leave(living[i]);
	test_rundir_empty();
}

TEST_MAIN_ONE(many)
