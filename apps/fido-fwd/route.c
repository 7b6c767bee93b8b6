/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include "route.h"

#define SEE_HELP "see fido-fwd -- --help"

static int
add_route(struct fwd_routes *routes, uint16_t from, uint16_t to)
{
	for (unsigned int i = 0; i < routes->count; i++) {
		if (routes->route[i].from != from)
			continue;
		fprintf(stderr,
			"fido-fwd: --map: two routes begin at port %u: "
			"give one destination for each source port\n",
			from);
		return -EINVAL;
	}
	routes->route[routes->count++] = (struct fwd_route){.from = from, .to = to};
	return 0;
}

/* Look up a port by number or by name. text is len characters long. */
static bool
find_port(const char *text, size_t len, uint16_t *port)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	unsigned long number;
	char *end;

	if (len == 0 || len >= sizeof(name))
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	if (rte_eth_dev_get_port_by_name(name, port) == 0)
		return true;
	if (!isdigit((unsigned char)name[0]))
		return false;
	number = strtoul(name, &end, 10);
	if (*end != '\0' || number >= RTE_MAX_ETHPORTS || !rte_eth_dev_is_valid_port(number))
		return false;
	*port = number;
	return true;
}

static void
print_ports(void)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t port;

	fprintf(stderr, "fido-fwd: the ports are:");
	RTE_ETH_FOREACH_DEV (port) {
		if (rte_eth_dev_get_name_by_port(port, name) == 0)
			fprintf(stderr, " %u=%s", port, name);
	}
	fputc('\n', stderr);
}

/*
 * Parse one A:B. Port names can contain colons, as PCI addresses do: try each colon as the
 * separator.
 */
static int
map_one(struct fwd_routes *routes, const char *text, size_t len)
{
	const char *end = text + len;
	uint16_t from = 0, to = 0;
	unsigned int ways = 0;
	uint16_t a, b;

	for (const char *colon = text; colon < end; colon++) {
		if (*colon != ':' || !find_port(text, colon - text, &a) ||
			!find_port(colon + 1, end - colon - 1, &b))
			continue;
		from = a;
		to = b;
		ways++;
	}
	if (ways == 1)
		return add_route(routes, from, to);
	fprintf(stderr, "fido-fwd: --map: '%.*s' %s: give A:B with two ports, by number or name\n",
		(int)len, text, ways == 0 ? "does not name two ports" : "is ambiguous");
	print_ports();
	return -ENODEV;
}

static int
map_routes(struct fwd_routes *routes, const char *map)
{
	int ret = 0;

	for (const char *text = map; ret == 0; text++) {
		size_t len = strcspn(text, ",");

		ret = map_one(routes, text, len);
		text += len;
		if (*text == '\0')
			break;
	}
	return ret;
}

static int
pair_routes(struct fwd_routes *routes, const uint16_t *ports, unsigned int count)
{
	int ret = 0;

	if (count % 2 != 0) {
		fprintf(stderr,
			"fido-fwd: --pairs needs an even number of ports, EAL found %u: "
			"add or remove one, or use --chain or --map A:B\n",
			count);
		print_ports();
		return -EINVAL;
	}
	for (unsigned int i = 0; i < count && ret == 0; i++)
		ret = add_route(routes, ports[i], ports[i ^ 1]);
	return ret;
}

int
fwd_routes_find(struct fwd_routes *routes, const struct fwd_options *opt)
{
	uint16_t ports[RTE_MAX_ETHPORTS];
	unsigned int count = 0;
	uint16_t port;
	int ret = 0;

	routes->count = 0;
	RTE_ETH_FOREACH_DEV (port)
		ports[count++] = port;
	if (count == 0) {
		fprintf(stderr,
			"fido-fwd: there are no ports: EAL found no device: add one before "
			"the --, such as --vdev=net_mmnet0,group=G,domain=D,peer=P, or bind "
			"a NIC to a DPDK driver; " SEE_HELP "\n");
		return -ENODEV;
	}
	switch (opt->topology) {
	case FWD_PAIRS:
		return pair_routes(routes, ports, count);
	case FWD_CHAIN:
		for (unsigned int i = 0; i < count && ret == 0; i++)
			ret = add_route(routes, ports[i], ports[(i + 1) % count]);
		return ret;
	case FWD_MAP:
		return map_routes(routes, opt->map);
	}
	return -EINVAL;
}
