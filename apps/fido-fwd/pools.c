/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "pools.h"

#define CACHE 256u
/* Buffers for the rest of long packets, for each Rx queue: more than TCP has in flight. */
#define REST_PER_QUEUE 128u
#define REST_ROOM UINT16_MAX
/* Frame bytes beside the MTU: Ethernet header, two VLAN tags, CRC. */
#define FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN)

struct needs {
	uint32_t rx_rings;     /* descriptors of all Rx queues */
	uint32_t tx_rings;     /* descriptors of all Tx queues */
	uint32_t linear_rings; /* descriptors of Tx queues that send one segment only */
	uint32_t split_queues; /* Rx queues of ports that receive into two pools */
	uint32_t frame;        /* largest frame that a source can receive */
	bool scatter;          /* every source receives into several buffers */
	bool headers;          /* some sink segments packets that need headers of their own */
};

static struct needs
sum_up(const struct fwd_port *ports)
{
	struct needs needs = {.scatter = true};

	for (const struct fwd_port *port = ports; port < ports + RTE_MAX_ETHPORTS; port++) {
		if (!port->used)
			continue;
		needs.rx_rings += port->nb_rxq * port->rxd;
		needs.tx_rings += port->nb_txq * port->txd;
		if (port->sink && !port->multi_segs)
			needs.linear_rings += port->nb_txq * port->txd;
		needs.headers |= port->tx_finish && !port->unfinished;
		if (port->source && port->rx_split)
			needs.split_queues += port->nb_rxq;
		if (port->source) {
			needs.frame = RTE_MAX(needs.frame, (uint32_t)port->mtu + FRAME_OVERHEAD);
			needs.scatter = needs.scatter && port->rx_scatter;
		}
	}
	return needs;
}

/* Return the data room, headroom included, of a buffer that holds a whole frame. */
static uint32_t
room_for(uint32_t frame)
{
	uint32_t room = RTE_ALIGN_CEIL(frame + RTE_PKTMBUF_HEADROOM, 64);

	return RTE_MAX(room, (uint32_t)RTE_MBUF_DEFAULT_BUF_SIZE);
}

/* Return the data room, headroom included, of the buffers for received packets. */
static uint32_t
choose_room(const struct needs *needs, const struct fwd_options *opt)
{
	if (opt->data_room != 0)
		return opt->data_room + RTE_PKTMBUF_HEADROOM;
	return needs->scatter ? RTE_MBUF_DEFAULT_BUF_SIZE : room_for(needs->frame);
}

static int
create_pool(struct rte_mempool **pool, const char *name, uint32_t n, uint32_t room)
{
	uint32_t cache = RTE_MIN(CACHE, n / 8);

	*pool = rte_pktmbuf_pool_create(name, n, cache, 0, room, SOCKET_ID_ANY);
	if (*pool != NULL)
		return 0;
	fprintf(stderr,
		"fido-fwd: no memory for %u buffers of %u bytes (pool %s): %s: give EAL "
		"more (hugepages, or -m with --no-huge), or reduce --mbufs, --rxd, --txd or "
		"--mtu\n",
		n, room, name, rte_strerror(rte_errno));
	return -ENOMEM;
}

int
fwd_pools_create(struct fwd_pools *pools, const struct fwd_options *opt,
	const struct fwd_port *ports, uint32_t nb_streams)
{
	struct needs needs = sum_up(ports);
	uint32_t room = choose_room(&needs, opt);
	uint32_t copy_room = RTE_MIN(room_for(needs.frame), (uint32_t)UINT16_MAX);
	/* Buffers outside of the rings: bursts and lcore caches. */
	uint32_t loose = nb_streams * opt->burst + rte_lcore_count() * CACHE * 2 + 512;
	int ret;

	*pools = (struct fwd_pools){0};
	if (room > UINT16_MAX) {
		fprintf(stderr,
			"fido-fwd: --mtu %u does not fit in one buffer: use --scatter, with a "
			"driver that supports it\n",
			opt->mtu);
		return -EINVAL;
	}
	ret = create_pool(&pools->rx, "fwd_rx",
		opt->mbufs != 0 ? opt->mbufs : needs.rx_rings + needs.tx_rings + loose, room);
	if (ret == 0 && needs.split_queues > 0)
		ret = create_pool(&pools->rest, "fwd_rest", needs.split_queues * REST_PER_QUEUE,
			REST_ROOM);
	if (ret == 0 && (opt->mode == FWD_MAC || needs.headers))
		ret = create_pool(&pools->header, "fwd_header", needs.tx_rings + loose,
			RTE_PKTMBUF_HEADROOM + FWD_HEADER_BYTES);
	pools->copy = pools->rx;
	if (ret == 0 && needs.linear_rings > 0)
		ret = create_pool(&pools->copy, "fwd_copy", needs.linear_rings + loose, copy_room);
	pools->copy_room = (needs.linear_rings > 0 ? copy_room : room) - RTE_PKTMBUF_HEADROOM;
	if (ret != 0)
		fwd_pools_destroy(pools);
	return ret;
}

void
fwd_pools_destroy(struct fwd_pools *pools)
{
	if (pools->copy != pools->rx)
		rte_mempool_free(pools->copy);
	rte_mempool_free(pools->header);
	rte_mempool_free(pools->rest);
	rte_mempool_free(pools->rx);
	*pools = (struct fwd_pools){0};
}
