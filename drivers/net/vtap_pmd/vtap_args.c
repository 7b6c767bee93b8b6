/* SPDX-License-Identifier: BSD-3-Clause */
/* Device arguments. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_kvargs.h>
#include <rte_string_fns.h>

#include "pmd_compat.h"
#include "vtap_args.h"
#include "vtap_log.h"

struct keyword {
	const char *key;
	int (*parse)(struct vtap_args *args, const char *value);
	const char *help;
};

static int
parse_iface(struct vtap_args *args, const char *value)
{
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
parse_netns(struct vtap_args *args, const char *value)
{
	const char *dir = strchr(value, '/') == NULL ? "/run/netns/" : "";
	int n = snprintf(args->netns, sizeof(args->netns), "%s%s", dir, value);

	return value[0] != '\0' && n > 0 && (size_t)n < sizeof(args->netns) ? 0 : -EINVAL;
}

static int
parse_queues(struct vtap_args *args, const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	/* strtoul() takes a sign. */
	if (!isdigit((unsigned char)value[0]) || *end != '\0' || n < 1 || n > VTAP_QUEUES_MAX)
		return -EINVAL;
	args->queues = (uint16_t)n;
	return 0;
}

static int
parse_persist(struct vtap_args *args, const char *value)
{
	args->has_persist = true;
	args->persist = strcmp(value, "1") == 0;
	return args->persist || strcmp(value, "0") == 0 ? 0 : -EINVAL;
}

static int
parse_mac(struct vtap_args *args, const char *value)
{
	args->has_mac = true;
	return rte_ether_unformat_addr(value, &args->mac) == 0 &&
			rte_is_valid_assigned_ether_addr(&args->mac)
		? 0
		: -EINVAL;
}

static const struct keyword keywords[] = {
	{"iface", parse_iface, "an interface name of at most 15 characters, e.g. iface=fd0"},
	{"netns", parse_netns,
		"the network namespace for the interface: a name, as 'ip netns' lists, or a path"},
	{"queues", parse_queues, "the number of queues, 1 to " RTE_STR(VTAP_QUEUES_MAX)},
	{"persist", parse_persist,
		"1 to keep the interface when the process exits, or 0 to remove it"},
	{"mac", parse_mac, "a unicast address, e.g. mac=02:00:00:00:00:01"},
};

static const char *const *
all_keys(void)
{
	static const char *keys[RTE_DIM(keywords) + 1];

	for (unsigned int i = 0; i < RTE_DIM(keywords); i++)
		keys[i] = keywords[i].key;
	return keys;
}

static int
parse_one(const char *key, const char *value, void *opaque)
{
	for (unsigned int i = 0; i < RTE_DIM(keywords); i++) {
		if (strcmp(key, keywords[i].key) != 0)
			continue;
		if (value != NULL && keywords[i].parse(opaque, value) == 0)
			return 0;
		VTAP_LOG(ERR, "device argument %s=%s: give %s", key, value != NULL ? value : "",
			keywords[i].help);
		return -EINVAL;
	}
	return -EINVAL;
}

static void
log_unknown(const char *name, const char *text)
{
	char keys[256] = "";

	for (unsigned int i = 0; i < RTE_DIM(keywords); i++) {
		strlcat(keys, keywords[i].key, sizeof(keys));
		strlcat(keys, " ", sizeof(keys));
	}
	VTAP_LOG(ERR,
		"%s: an argument of '%s' is unknown or not of the form key=value; known keys: %s",
		name, text, keys);
}

int
vtap_args_parse(struct vtap_args *args, const char *name, const char *text)
{
	struct rte_kvargs *kv;
	int ret;

	memset(args, 0, sizeof(*args));
	args->queues = 1;
	/* The kernel replaces %d by the first free number. */
	strlcpy(args->iface, "vtap%d", sizeof(args->iface));
	kv = rte_kvargs_parse(text, all_keys());
	if (kv == NULL) {
		log_unknown(name, text);
		return -EINVAL;
	}
	ret = pmd_kvargs_each(kv, parse_one, args);
	rte_kvargs_free(kv);
	return ret != 0 ? -EINVAL : 0;
}
