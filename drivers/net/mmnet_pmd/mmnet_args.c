/* SPDX-License-Identifier: BSD-3-Clause */
/* Device arguments. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bitops.h>
#include <rte_common.h>
#include <rte_ether.h>
#include <rte_string_fns.h>

#include <fido/gaddr.h>
#include <fido/link.h>

#include "mmnet_args.h"
#include "pmd_args.h"
#include "mmnet_log.h"
#include "mmnet_rx_mode.h"

#define ARENA_DEFAULT (4u << 20)

static int
copy_text(char *out, size_t size, const char *value)
{
	int n = snprintf(out, size, "%s", value);

	return n > 0 && (size_t)n < size ? 0 : -EINVAL;
}

static int
parse_group(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	return copy_text(args->group, sizeof(args->group), value);
}

static int
parse_domain(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	return copy_text(args->domain, sizeof(args->domain), value);
}

static int
parse_peer(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	return copy_text(args->peer, sizeof(args->peer), value);
}

static int
parse_link(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	return copy_text(args->link, sizeof(args->link), value);
}

static int
parse_rx(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	return mmnet_rx_mode_parse(value, &args->rx);
}

/* Parse a number with an optional K, M, G or T. */
static int
parse_size(const char *value, uint64_t *out)
{
	char *end;
	unsigned int shift = 0;

	if (!isdigit((unsigned char)value[0]))
		return -EINVAL;
	errno = 0;
	*out = strtoull(value, &end, 0);
	switch (*end) {
	case 'T':
	case 't':
		shift += 10;
		/* fallthrough */
	case 'G':
	case 'g':
		shift += 10;
		/* fallthrough */
	case 'M':
	case 'm':
		shift += 10;
		/* fallthrough */
	case 'K':
	case 'k':
		shift += 10;
		end++;
		break;
	default:
		break;
	}
	if (errno != 0 || *end != '\0' || *out > UINT64_MAX >> shift)
		return -EINVAL;
	*out <<= shift;
	return 0;
}

static int
parse_arena(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	if (parse_size(value, &args->arena) != 0 || args->arena < 65536 ||
		args->arena > UINT64_C(1) << 36)
		return -EINVAL;
	return 0;
}

static int
parse_hugepages(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	args->no_hugepages = strcmp(value, "off") == 0;
	return args->no_hugepages || strcmp(value, "on") == 0 ? 0 : -EINVAL;
}

static int
parse_heap(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	args->no_heap = strcmp(value, "off") == 0;
	return args->no_heap || strcmp(value, "on") == 0 ? 0 : -EINVAL;
}

static int
parse_spread(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (end == value || *end != '\0' || n < 1 || n > FIDO_LINK_QUEUES_MAX)
		return -EINVAL;
	args->spread = (uint16_t)n;
	return 0;
}

static int
parse_pools(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	args->arena_pools = strcmp(value, "arena") == 0;
	return args->arena_pools || strcmp(value, "heap") == 0 ? 0 : -EINVAL;
}

static int
parse_allow(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	args->has_allow = true;
	return strlcpy(args->allow, value, sizeof(args->allow)) < sizeof(args->allow) ? 0 : -EINVAL;
}

static int
parse_mac(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	args->has_mac = true;
	return rte_ether_unformat_addr(value, &args->mac) == 0 &&
			rte_is_valid_assigned_ether_addr(&args->mac)
		? 0
		: -EINVAL;
}

static int
parse_base(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	return parse_size(value, &args->layout.base);
}

static int
parse_slot_size(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	uint64_t size;

	if (parse_size(value, &size) != 0 || !rte_is_power_of_2(size >> 24) || size >> 43 != 0)
		return -EINVAL;
	args->layout.slot_shift = (uint32_t)__builtin_ctzll(size);
	return 0;
}

static int
parse_slots(void *opaque, const char *value)
{
	struct mmnet_args *args = opaque;
	uint64_t n;

	if (parse_size(value, &n) != 0 || n < 2 || n > FIDO_SLOTS_MAX)
		return -EINVAL;
	args->layout.slots = (uint32_t)n;
	return 0;
}

/* Filled from the table of modes by mmnet_args_parse(). */
static char rx_modes[64];

static const struct pmd_keyword table[] = {
	{"group", parse_group,
		"a group's name of at most 31 characters, e.g. group=demo or group=host:demo"},
	{"domain", parse_domain,
		"this process's name in the group, at most 31 characters, e.g. domain=fwd"},
	{"peer", parse_peer, "the domain at the other end, at most 31 characters, e.g. peer=gen"},
	{"link", parse_link,
		"a name of at most 31 characters, to tell several links to one peer apart"},
	{"rx", parse_rx, rx_modes},
	{"arena", parse_arena, "a size from 64K to 64G, e.g. arena=16M"},
	{"hugepages", parse_hugepages, "on or off"},
	{"heap", parse_heap, "on or off: whether EAL's memory is exported"},
	{"spread", parse_spread, "the number of rings of each transmit queue, 1 to 32"},
	{"pools", parse_pools, "heap or arena: where the application's mbuf pools lie"},
	{"allow", parse_allow, "users who may map this domain's memory, e.g. allow=alice:1001"},
	{"mac", parse_mac, "a unicast address, e.g. mac=02:00:00:00:00:01"},
	{"base", parse_base, "the first address of a new group's layout"},
	{"slot_size", parse_slot_size, "a power of two from 16M to 4T"},
	{"slots", parse_slots, "a number from 2 to 64"},
};

int
mmnet_args_parse(struct mmnet_args *args, const char *name, const char *text)
{
	const struct pmd_keywords keywords = {table, RTE_DIM(table), "mmnet", mmnet_logtype};

	memset(args, 0, sizeof(*args));
	strlcpy(args->link, "0", sizeof(args->link));
	args->arena = ARENA_DEFAULT;
	mmnet_rx_mode_names(rx_modes, sizeof(rx_modes));
	if (pmd_args_parse(&keywords, args, name, text) != 0)
		return -EINVAL;
	if (args->group[0] == '\0' || args->domain[0] == '\0' || args->peer[0] == '\0') {
		MMNET_LOG(ERR,
			"%s: arguments group=, domain= and peer= are needed: e.g. "
			"--vdev=%s,group=demo,domain=fwd,peer=gen",
			name, name);
		return -EINVAL;
	}
	return 0;
}
