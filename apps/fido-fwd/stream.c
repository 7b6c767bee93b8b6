/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_malloc.h>

#include "engine.h"
#include "stream.h"

#define SEE_HELP "see fido-fwd -- --help"

static int
add_route(struct fwd_routes *routes, uint16_t from, uint16_t to)
{
	for (unsigned int i = 0; i < routes->count; i++) {
		if (routes->route[i].from != from)
			continue;
		fprintf(stderr,
			"fido-fwd: --map: two routes begin at port %u: "
			"what it receives can leave by one port only\n",
			from);
		return -EINVAL;
	}
	routes->route[routes->count++] = (struct fwd_route){.from = from, .to = to};
	return 0;
}

/* Find the port that text, of length len, names by number or by name. */
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

/* Take one A:B. Names may have colons too, as PCI addresses do: any of them may part A from B. */
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
			"add or leave out one, or use --chain or --map A:B\n",
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
			"fido-fwd: there are no ports: EAL found no device: add some before "
			"the --, as --vdev=net_mmnet0,group=G,domain=D,peer=P, or bind a NIC "
			"to a DPDK driver; " SEE_HELP "\n");
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

unsigned int
fwd_streams_count(const struct fwd_routes *routes, const struct fwd_port *ports)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < routes->count; i++)
		count += ports[routes->route[i].from].nb_rxq;
	return count;
}

struct fwd_stream *
fwd_streams_create(const struct fwd_routes *routes, const struct fwd_options *opt,
	const struct fwd_port *ports, const struct fwd_pools *pools, unsigned int *count)
{
	unsigned int next_txq[RTE_MAX_ETHPORTS] = {0};
	struct fwd_stream *streams, *s;

	*count = fwd_streams_count(routes, ports);
	streams = rte_zmalloc("fwd_streams", *count * sizeof(*streams), RTE_CACHE_LINE_SIZE);
	if (streams == NULL) {
		fprintf(stderr,
			"fido-fwd: no memory for %u streams: give EAL more (hugepages, or "
			"-m with --no-huge)\n",
			*count);
		return NULL;
	}
	s = streams;
	for (unsigned int i = 0; i < routes->count; i++) {
		const struct fwd_port *from = &ports[routes->route[i].from];
		const struct fwd_port *to = &ports[routes->route[i].to];

		for (uint16_t q = 0; q < from->nb_rxq; q++, s++) {
			s->run = fwd_engine_choose(opt->mode, !to->multi_segs, from->rx_unfinished);
			s->rx_port = from->id;
			s->rx_queue = q;
			s->tx_port = to->id;
			s->tx_queue = next_txq[to->id]++ % to->nb_txq;
			s->burst = opt->burst;
			s->hold = opt->hold;
			s->pools = pools;
			s->sink = to;
		}
	}
	return streams;
}

static bool
shares_tx_queue(const struct fwd_stream *a, const struct fwd_stream *b)
{
	return a->tx_port == b->tx_port && a->tx_queue == b->tx_queue;
}

static bool
is_reverse(const struct fwd_stream *a, const struct fwd_stream *b)
{
	return a->rx_port == b->tx_port && a->rx_queue == b->tx_queue && a->tx_port == b->rx_port &&
		a->tx_queue == b->rx_queue;
}

void
fwd_streams_spread(const struct fwd_stream *streams, unsigned int count, unsigned int nb_lcores,
	unsigned int *lcore_of)
{
	bool join_reverse = count >= 2 * nb_lcores;
	unsigned int next = 0;
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < i; j++) {
			if (shares_tx_queue(&streams[i], &streams[j]))
				break;
		}
		for (unsigned int k = 0; j == i && join_reverse && k < i; k++) {
			if (is_reverse(&streams[i], &streams[k]))
				j = k;
		}
		lcore_of[i] = j < i ? lcore_of[j] : next++ % nb_lcores;
	}
}
