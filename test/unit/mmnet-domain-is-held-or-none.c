/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Holding the process's domain takes a reference to it, or returns none: not a domain just joining.
 *
 * The other thread joins at the moment when the lock is released.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <fido/log.h>
#include <rte_eal.h>

#include "mmnet_args.h"
#include "mmnet_domain.h"
#include "mmnet_log.h"
#include "mmnet_mem.h"

int mmnet_logtype;

/* Replacements of libfido and the rest of the driver, as far as mmnet_domain.c uses them. */
static char the_domain;
static unsigned int members;

int
fido_domain_join(struct fido_domain **out, const struct fido_domain_config *config)
{
	(void)config;
	members++;
	*out = (struct fido_domain *)&the_domain;
	return 0;
}

void
fido_domain_leave(struct fido_domain *d)
{
	assert_ptr_equal(d, &the_domain);
	members--;
}

const char *
fido_domain_name(const struct fido_domain *d)
{
	(void)d;
	return "a";
}

void
fido_log_set(fido_log_fn fn)
{
	(void)fn;
}

int
mmnet_mem_export(struct fido_domain *d)
{
	(void)d;
	return 0;
}

void
mmnet_mem_unexport(void)
{
}

static const struct mmnet_args args = {.group = "t", .domain = "a", .no_heap = true};
static void (*then)(void);

int __real_pthread_mutex_unlock(pthread_mutex_t *m);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *m);

int
__wrap_pthread_mutex_unlock(pthread_mutex_t *m)
{
	void (*f)(void) = then;
	int ret = __real_pthread_mutex_unlock(m);

	then = NULL;
	if (f != NULL)
		f();
	return ret;
}

static void
another_joins(void)
{
	struct fido_domain *d;

	assert_int_equal(mmnet_domain_get(&args, &d), 0);
}

static void
joined_just_then(void **state)
{
	(void)state;
	then = another_joins;
	assert_null(mmnet_domain_hold());
	assert_int_equal(members, 1);
	/* The other thread's reference was the only one. */
	mmnet_domain_put();
	assert_int_equal(members, 0);
}

static void
left_just_then(void **state)
{
	struct fido_domain *d;

	(void)state;
	assert_int_equal(mmnet_domain_get(&args, &d), 0);
	then = mmnet_domain_put;
	assert_ptr_equal(mmnet_domain_hold(), &the_domain);
	assert_int_equal(members, 1);
	mmnet_domain_put();
	assert_int_equal(members, 0);
	assert_null(mmnet_domain_hold());
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(joined_just_then),
		cmocka_unit_test(left_just_then)};
	/* A domain is joined in one of EAL's threads. */
	char *eal[] = {argv[0], "--no-huge", "-m16", "--no-pci", "--no-shconf", "--no-telemetry",
		"--log-level=lib.eal:error", NULL};

	(void)argc;
	if (rte_eal_init((int)RTE_DIM(eal) - 1, eal) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
