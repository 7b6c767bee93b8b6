/* SPDX-License-Identifier: BSD-3-Clause */
/* A transport that fails on demand. */

#include "transport_fault.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <fido/atomic.h>

#include "domain_private.h"
#include "doorbell_private.h"
#include "transport.h"

static const struct fido_transport_ops *inner =
	&fido_transport_host; /* set before any domain joins */
static pthread_mutex_t plan_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault_plan the_plan;
static uint32_t calls, calls_that_fail, exports_lost;
static uint32_t looks;             /* a fixed sequence, to make failures reproducible */
static bool held_back;             /* the control thread's, and the domain's lock is held */
static struct fido_domain *joined; /* the latest one: notices are held back for one domain only */

static struct fault_plan
plan(void)
{
	struct fault_plan p;

	pthread_mutex_lock(&plan_lock);
	p = the_plan;
	pthread_mutex_unlock(&plan_lock);
	return p;
}

/* Called at the beginning of each operation. */
static void
call(void)
{
	if (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) == plan().die_at)
		raise(SIGKILL);
}

/* @return the error that the operation is to fail with; 0: none */
static int
call_that_fails(void)
{
	struct fault_plan p = plan();

	call();
	return __atomic_add_fetch(&calls_that_fail, 1, __ATOMIC_RELAXED) == p.fail_at ? p.error : 0;
}

static bool
chance(uint32_t percent)
{
	return (__atomic_fetch_add(&looks, 1, __ATOMIC_RELAXED) * 2654435761u >> 16) % 100 <
		percent;
}

static int
fault_join(struct fido_domain *domain, void **transport)
{
	int ret = call_that_fails();

	joined = domain;
	return ret != 0 ? ret : inner->join(domain, transport);
}

static int
fault_start(void *transport)
{
	int ret = call_that_fails();

	return ret != 0 ? ret : inner->start(transport);
}

static void
fault_leave(void *transport, bool clean)
{
	call();
	inner->leave(transport, clean);
}

static int
fault_memory_create(void *transport, size_t size, bool huge, int *fd)
{
	int ret = call_that_fails();

	return ret != 0 ? ret : inner->memory_create(transport, size, huge, fd);
}

static int
fault_memory_seal(void *transport, int fd)
{
	int ret = call_that_fails();

	return ret != 0 ? ret : inner->memory_seal(transport, fd);
}

static void
fault_export(void *transport)
{
	call();
	/* With the domain's lock held. */
	if (exports_lost < plan().lose_exports)
		exports_lost++;
	else
		inner->export(transport);
}

static void
fault_withdraw(void *transport, uint64_t gaddr, uint64_t len, uint32_t epoch)
{
	call();
	inner->withdraw(transport, gaddr, len, epoch);
}

static void
fault_retry(void *transport)
{
	call();
	if (inner->retry != NULL)
		inner->retry(transport);
}

static void
fault_notify(void *transport)
{
	call();
	held_back = chance(plan().hold_back);
	if (held_back)
		fido_domain_kick(joined); /* delayed, not lost */
	else
		inner->notify(transport);
}

static int
fault_offer_doorbells(void *transport, struct fido_link *link)
{
	call();
	return inner->offer_doorbells(transport, link);
}

static int
fault_doorbell_create(void *transport, struct fido_doorbell **out)
{
	int ret = call_that_fails();

	return ret != 0 ? ret : inner->doorbell_create(transport, out);
}

static int
fault_fd(void *transport)
{
	return inner->fd(transport);
}

static bool
fault_process(void *transport)
{
	struct fault_plan p = plan();

	call();
	if (p.slow != 0 && chance(p.slow))
		return true;
	if (p.slow_us != 0)
		usleep(p.slow_us);
	if (held_back && !chance(plan().hold_back)) {
		held_back = false;
		inner->notify(transport);
	}
	return inner->process(transport) || held_back;
}

static int
fault_observe(const char *group, int (*fn)(void *arg, struct fido_observation *o), void *arg)
{
	return inner->observe(group, fn, arg);
}

static void
fault_observe_end(struct fido_observation *o)
{
	inner->observe_end(o);
}

static int
fault_can_export(void *transport, const void *va, struct fido_extent *e)
{
	return inner->can_export != NULL ? inner->can_export(transport, va, e) : 0;
}

static void
fault_release(void *transport)
{
	if (inner->release != NULL)
		inner->release(transport);
}

static void
fault_unmapped(void *transport, uint32_t slot)
{
	if (inner->unmapped != NULL)
		inner->unmapped(transport, slot);
}

static const char *
fault_memory_advice(int error)
{
	return inner->memory_advice != NULL ? inner->memory_advice(error) : NULL;
}

static const struct fido_transport_ops fault_ops = {
	.name = "fault",
	.join = fault_join,
	.start = fault_start,
	.leave = fault_leave,
	.release = fault_release,
	.unmapped = fault_unmapped,
	.memory_create = fault_memory_create,
	.memory_seal = fault_memory_seal,
	.can_export = fault_can_export,
	.export = fault_export,
	.withdraw = fault_withdraw,
	.retry = fault_retry,
	.memory_advice = fault_memory_advice,
	.notify = fault_notify,
	.offer_doorbells = fault_offer_doorbells,
	.doorbell_create = fault_doorbell_create,
	.fd = fault_fd,
	.process = fault_process,
	.observe = fault_observe,
	.observe_end = fault_observe_end,
};

void
fault_plan(const struct fault_plan *p)
{
	const char *group = getenv("FIDO_TEST_GROUP");
	const char *name;

	if (fido_transport_find("fault:x", &name) == NULL) {
		if (group != NULL)
			inner = fido_transport_find(group, &name);
		fido_transport_add(&fault_ops);
	}
	pthread_mutex_lock(&plan_lock);
	the_plan = *p;
	pthread_mutex_unlock(&plan_lock);
	fido_store_relaxed(&calls, 0);
	fido_store_relaxed(&calls_that_fail, 0);
	exports_lost = 0;
}

uint32_t
fault_calls_that_fail(void)
{
	return fido_load_relaxed(&calls_that_fail);
}

uint32_t
fault_calls(void)
{
	return fido_load_relaxed(&calls);
}

/* ---- doorbells ---- */

struct fault_bell {
	struct fido_doorbell bell; /* first member */
	const struct fido_doorbell *inner;
	struct fault_bell_plan plan;
	uint32_t lost;
};

static void
wrapped_ring(const struct fido_doorbell *bell)
{
	struct fault_bell *b = (struct fault_bell *)(uintptr_t)bell;

	if (chance(b->plan.lost)) {
		__atomic_fetch_add(&b->lost, 1, __ATOMIC_RELAXED);
		return;
	}
	fido_doorbell_ring(b->inner);
	if (chance(b->plan.extra))
		fido_doorbell_ring(b->inner);
}

struct fido_doorbell *
fault_bell_wrap(const struct fido_doorbell *other, const struct fault_bell_plan *p)
{
	struct fault_bell *b = calloc(1, sizeof(*b));

	if (b == NULL)
		abort();
	b->bell.fd = -1;
	b->bell.ring = wrapped_ring;
	b->inner = other;
	b->plan = *p;
	return &b->bell;
}

void
fault_bell_unwrap(struct fido_doorbell *bell)
{
	free(bell);
}

uint32_t
fault_bell_lost(const struct fido_doorbell *bell)
{
	return fido_load_relaxed(&((const struct fault_bell *)bell)->lost);
}
