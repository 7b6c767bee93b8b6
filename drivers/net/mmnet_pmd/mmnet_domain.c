/* SPDX-License-Identifier: BSD-3-Clause */
/* The process is one domain, which its ports and its pools in arenas share. */

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <rte_log.h>
#include <rte_string_fns.h>

#include <fido/domain.h>
#include <fido/log.h>

#include "mmnet_args.h"
#include "pmd_compat.h"
#include "mmnet_domain.h"
#include "mmnet_log.h"
#include "mmnet_mem.h"

static struct fido_domain *domain;
static char domain_group[FIDO_NAME_MAX + 16];
static unsigned int users;
static bool heap_exported;
/* Ports are created and closed one at a time, but pools in any thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
log_message(enum fido_log_level level, const char *message)
{
	static const uint32_t levels[] = {
		[FIDO_LOG_ERROR] = RTE_LOG_ERR,
		[FIDO_LOG_WARNING] = RTE_LOG_WARNING,
		[FIDO_LOG_INFO] = RTE_LOG_INFO,
		[FIDO_LOG_DEBUG] = RTE_LOG_DEBUG,
	};

	rte_log(levels[level], (uint32_t)mmnet_logtype, "mmnet: %s\n", message);
}

struct joining {
	struct fido_domain_config config;
	int ret;
};

static void
join_domain(void *arg)
{
	struct joining *j = arg;

	j->ret = fido_domain_join(&domain, &j->config);
}

static void *
join_start(void *arg)
{
	struct joining *j = arg;
	struct pmd_call call = {join_domain, j};
	int ret = pmd_call_off_lcores(&call);

	if (ret != 0)
		j->ret = ret;
	return NULL;
}

/*
 * Join in a thread that runs on no lcore's core. The domain's control thread inherits the cores of
 * the thread that joins, and on a core that polls it would rarely run. That thread is started from
 * one of ordinary priority: EAL busy-waits for a new control thread, which at a real-time priority
 * would never run on the same core. The domain's thread inherits the ordinary priority.
 */
static int
join_off_lcores(struct joining *j)
{
	struct sched_param param = {0};
	pthread_attr_t attr;
	pthread_t thread;
	int ret = -pthread_attr_init(&attr);

	if (ret != 0)
		return ret;
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
	pthread_attr_setschedparam(&attr, &param);
	ret = -pthread_create(&thread, &attr, join_start, j);
	pthread_attr_destroy(&attr);
	if (ret == 0)
		ret = -pthread_join(thread, NULL);
	return ret != 0 ? ret : j->ret;
}

static int
join(const struct mmnet_args *args)
{
	struct joining j = {.config = {
				    .group = args->group,
				    .name = args->domain,
				    .layout = args->layout,
				    .no_hugepages = args->no_hugepages,
				    .allow = args->has_allow ? args->allow : NULL,
			    }};
	int ret;

	fido_log_set(log_message);
	ret = join_off_lcores(&j);
	if (ret != 0)
		return ret;
	if (!args->no_heap)
		ret = mmnet_mem_export(domain);
	if (ret != 0) {
		fido_domain_leave(domain);
		domain = NULL;
		return ret;
	}
	heap_exported = !args->no_heap;
	strlcpy(domain_group, args->group, sizeof(domain_group));
	return 0;
}

/*
 * Check a further port.
 * @return 0, -EINVAL: it names another domain than this process's (message logged)
 */
static int
check(const struct mmnet_args *args)
{
	if (strcmp(domain_group, args->group) != 0 ||
		strcmp(fido_domain_name(domain), args->domain) != 0) {
		MMNET_LOG(ERR,
			"this process is domain %s of group %s already, a port cannot be of domain "
			"%s of group %s: give all mmnet ports of a process the same group and "
			"domain",
			fido_domain_name(domain), domain_group, args->domain, args->group);
		return -EINVAL;
	}
	if (args->no_heap && heap_exported) {
		MMNET_LOG(ERR,
			"heap=off: this process's memory is exported already: give the first of "
			"its mmnet ports heap=off too");
		return -EINVAL;
	}
	return 0;
}

int
mmnet_domain_get(const struct mmnet_args *args, struct fido_domain **out)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = domain == NULL ? join(args) : check(args);
	if (ret == 0) {
		users++;
		*out = domain;
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

struct fido_domain *
mmnet_domain_hold(void)
{
	struct fido_domain *held;

	pthread_mutex_lock(&lock);
	held = domain;
	users += held != NULL;
	pthread_mutex_unlock(&lock);
	/*
	 * Not `domain`, which another thread may have set since: this caller has no reference to
	 * that.
	 */
	return held;
}

void
mmnet_domain_put(void)
{
	pthread_mutex_lock(&lock);
	if (--users == 0) {
		if (heap_exported)
			mmnet_mem_unexport();
		fido_domain_leave(domain);
		domain = NULL;
	}
	pthread_mutex_unlock(&lock);
}

void
mmnet_domain_abandon(void)
{
	fido_domain_leave(domain);
	domain = NULL;
}
