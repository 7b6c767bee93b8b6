/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports in secondary processes: tools that look at the primary's ports (dpdk-proc-info,
 * dpdk-dumpcap). They can read ports and queues, which lie in EAL's shared memory. libfido's
 * objects, and the peer's memory, are the primary's alone: so they neither receive nor send, and
 * configure nothing.
 */

#include <errno.h>

#include <bus_vdev_driver.h>
#include <ethdev_driver.h>

#include "pmd_compat.h"
#include "mmnet_info.h"
#include "mmnet_log.h"
#include "mmnet_queue.h"
#include "mmnet_secondary.h"
#include "mmnet_stats.h"
#include "mmnet_telemetry.h"

/* The primary updates the link status in shared memory. */
static int
link_update(struct rte_eth_dev *dev, int wait)
{
	(void)dev;
	(void)wait;
	return 0;
}

/* The port stays open in the primary. */
static int
dev_close(struct rte_eth_dev *dev)
{
	(void)dev;
	return 0;
}

PMD_STATS_OP(stats_get, mmnet_stats_fill)

static const struct eth_dev_ops secondary_ops = {
	.dev_close = dev_close,
	.dev_infos_get = mmnet_infos_get,
	.link_update = link_update,
	.stats_get = stats_get,
	.stats_reset = mmnet_stats_reset,
	.xstats_get = mmnet_xstats_get,
	.xstats_get_names = mmnet_xstats_get_names,
	.xstats_reset = mmnet_stats_reset,
	.rxq_info_get = mmnet_rxq_info_get,
	.txq_info_get = mmnet_txq_info_get,
	.eth_dev_priv_dump = mmnet_priv_dump,
};

int
mmnet_secondary_probe(struct rte_vdev_device *vdev)
{
	const char *name = rte_vdev_device_name(vdev);
	struct rte_eth_dev *dev = rte_eth_dev_attach_secondary(name);

	if (dev == NULL) {
		MMNET_LOG(ERR,
			"%s: a secondary process cannot have a port of its own: make it a primary "
			"(another --file-prefix), as another domain",
			name);
		return -ENODEV;
	}
	dev->device = &vdev->device;
	dev->dev_ops = &secondary_ops;
	pmd_no_fast_path(dev);
	rte_eth_dev_probing_finish(dev);
	return 0;
}
