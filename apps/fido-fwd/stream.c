/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include <rte_malloc.h>
#include <rte_pmd_udp_lro.h>

#include "stream.h"

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
			s->rx_port = from->id;
			s->rx_queue = q;
			s->tx_port = to->id;
			s->tx_queue = next_txq[to->id]++ % to->nb_txq;
			s->burst = opt->burst;
			s->hold = opt->hold;
			s->udp_lro = rte_pmd_udp_lro_mask();
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
