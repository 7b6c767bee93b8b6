/* SPDX-License-Identifier: BSD-3-Clause */
/* One process is one domain: its ports share it. */

#include <errno.h>
#include <string.h>

#include <fido/log.h>

#include "mmnet.h"

static struct fido_domain *domain;
static char domain_group[FIDO_NAME_MAX + 16];
static unsigned int users;

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

static int
join(const struct mmnet_args *args)
{
	struct fido_domain_config config = {
		.group = args->group,
		.name = args->domain,
		.layout = args->layout,
		.no_hugepages = args->no_hugepages,
		.allow = args->has_allow ? args->allow : NULL,
	};
	int ret;

	fido_log_set(log_message);
	ret = fido_domain_join(&domain, &config);
	if (ret != 0)
		return ret;
	ret = mmnet_mem_export(domain);
	if (ret != 0) {
		fido_domain_leave(domain);
		domain = NULL;
		return ret;
	}
	strlcpy(domain_group, args->group, sizeof(domain_group));
	return 0;
}

int
mmnet_domain_get(const struct mmnet_args *args, struct fido_domain **out)
{
	int ret;

	if (domain == NULL) {
		ret = join(args);
		if (ret != 0)
			return ret;
	} else if (strcmp(domain_group, args->group) != 0 || strcmp(fido_domain_name(domain), args->domain) != 0) {
		MMNET_LOG(ERR, "this process is domain %s of group %s already, a port cannot be of domain %s of group %s: "
				"give all mmnet ports of a process the same group and domain",
				fido_domain_name(domain), domain_group, args->domain, args->group);
		return -EINVAL;
	}
	users++;
	*out = domain;
	return 0;
}

void
mmnet_domain_put(void)
{
	if (--users != 0)
		return;
	mmnet_mem_unexport();
	fido_domain_leave(domain);
	domain = NULL;
}

void
mmnet_domain_abandon(void)
{
	fido_domain_leave(domain);
	domain = NULL;
}
