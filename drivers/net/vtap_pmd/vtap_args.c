/* SPDX-License-Identifier: BSD-3-Clause */
/* Device arguments. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_string_fns.h>

#include "pmd_args.h"
#include "vtap_args.h"
#include "vtap_log.h"

static int
parse_iface(void *opaque, const char *value)
{
	struct vtap_args *args = opaque;
	const char *number = strchr(value, '%');

	/* The kernel refuses these, with EINVAL alone. */
	if (number != NULL && (number[1] != 'd' || strchr(number + 1, '%') != NULL))
		return -EINVAL;
	if (value[0] == '\0' || strcmp(value, ".") == 0 || strcmp(value, "..") == 0 ||
		strpbrk(value, "/: \t\n") != NULL)
		return -EINVAL;
	return strlcpy(args->iface, value, sizeof(args->iface)) < sizeof(args->iface) ? 0 : -EINVAL;
}

static int
parse_netns(void *opaque, const char *value)
{
	struct vtap_args *args = opaque;
	const char *dir = strchr(value, '/') == NULL ? "/run/netns/" : "";
	int n = snprintf(args->netns, sizeof(args->netns), "%s%s", dir, value);

	return value[0] != '\0' && n > 0 && (size_t)n < sizeof(args->netns) ? 0 : -EINVAL;
}

static int
parse_queues(void *opaque, const char *value)
{
	struct vtap_args *args = opaque;
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	/* strtoul() takes a sign. */
	if (!isdigit((unsigned char)value[0]) || *end != '\0' || n < 1 || n > VTAP_QUEUES_MAX)
		return -EINVAL;
	args->queues = (uint16_t)n;
	return 0;
}

static int
parse_persist(void *opaque, const char *value)
{
	struct vtap_args *args = opaque;
	args->has_persist = true;
	args->persist = strcmp(value, "1") == 0;
	return args->persist || strcmp(value, "0") == 0 ? 0 : -EINVAL;
}

static int
parse_mac(void *opaque, const char *value)
{
	struct vtap_args *args = opaque;
	args->has_mac = true;
	return rte_ether_unformat_addr(value, &args->mac) == 0 &&
			rte_is_valid_assigned_ether_addr(&args->mac)
		? 0
		: -EINVAL;
}

static const struct pmd_keyword table[] = {
	{"iface", parse_iface, "an interface name of at most 15 characters, e.g. iface=fd0"},
	{"netns", parse_netns,
		"the network namespace for the interface: a name, as 'ip netns' lists, or a path"},
	{"queues", parse_queues, "the number of queues, 1 to " RTE_STR(VTAP_QUEUES_MAX)},
	{"persist", parse_persist,
		"1 to keep the interface when the process exits, or 0 to remove it"},
	{"mac", parse_mac, "a unicast address, e.g. mac=02:00:00:00:00:01"},
};

int
vtap_args_parse(struct vtap_args *args, const char *name, const char *text)
{
	const struct pmd_keywords keywords = {table, RTE_DIM(table), "vtap", vtap_logtype};

	memset(args, 0, sizeof(*args));
	args->queues = 1;
	/* The kernel replaces %d by the first free number. */
	strlcpy(args->iface, "vtap%d", sizeof(args->iface));
	return pmd_args_parse(&keywords, args, name, text);
}
