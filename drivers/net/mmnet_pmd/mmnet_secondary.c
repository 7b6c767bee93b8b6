/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Secondary processes: tools that look at the primary's ports (dpdk-proc-info, dpdk-dumpcap). They get what lies in EAL's
 * shared memory: ports and queues. libfido's memory is the primary's alone, the peer's too, so they neither receive nor
 * send, and configure nothing. For what only libfido knows they ask the primary by EAL's messages, which writes the
 * answer into the queues' structures.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bus_vdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_errno.h>

#include "mmnet.h"

#define MESSAGE_NAME "mmnet_view"
#define ANSWER_TIMEOUT_S 5

/* Both ways. */
struct message {
	uint16_t port_id;
	int32_t result;
};

/* ---- the primary ---- */

/* 64-bit counters that another thread writes. */
static void
copy_counters(void *to, const void *from, size_t size)
{
	uint64_t *out = to;
	const uint64_t *in = from;

	for (size_t i = 0; i < size / sizeof(*out); i++)
		fido_store_relaxed(&out[i], fido_load_relaxed(&in[i]));
}

static void
update_rxq(struct mmnet_rxq *rxq)
{
	struct fido_rxq_fill fill;

	if (rxq == NULL || rxq->q == NULL)
		return;
	copy_counters(&rxq->now, rxq->q->stats, sizeof(rxq->now));
	fido_rxq_look(rxq->q, 0, &fill);
	fido_store_relaxed(&rxq->ring_size, fill.size);
}

static void
update_txq(struct mmnet_txq *txq)
{
	if (txq == NULL || txq->q == NULL)
		return;
	copy_counters(&txq->now, txq->q->stats, sizeof(txq->now));
	fido_store_relaxed(&txq->out, fido_txq_out(txq->q));
}

/* Also queues that the application does not use now: a reset of the counters is one of all. */
static void
update(struct mmnet_port *port)
{
	for (uint16_t i = 0; i < port->nrx_made; i++)
		update_rxq(port->rxq[i]);
	for (uint16_t i = 0; i < port->ntx_made; i++)
		update_txq(port->txq[i]);
}

static int
update_by_id(uint16_t port_id)
{
	int ret = -ENODEV;

	fido_lock_take(&mmnet_ports_lock);
	for (struct mmnet_port *port = mmnet_ports; port != NULL; port = port->next)
		if (port->port_id == port_id && port->dev != NULL) {
			update(port);
			ret = 0;
		}
	fido_lock_release(&mmnet_ports_lock);
	return ret;
}

static int
answer(const struct rte_mp_msg *msg, const void *peer)
{
	struct rte_mp_msg reply = {.name = MESSAGE_NAME, .len_param = sizeof(struct message)};
	struct message m;

	if (msg->len_param != sizeof(m))
		return -EINVAL;
	memcpy(&m, msg->param, sizeof(m));
	m.result = update_by_id(m.port_id);
	memcpy(reply.param, &m, sizeof(m));
	return rte_mp_reply(&reply, peer);
}

void
mmnet_secondary_serve(void)
{
	/* Again for each port; and where EAL's memory is not shared (--in-memory) there are no secondary processes. */
	if (rte_mp_action_register(MESSAGE_NAME, answer) != 0 && rte_errno != EEXIST &&
		rte_errno != ENOTSUP)
		MMNET_LOG(WARNING, "secondary processes will see no statistics: %s",
			rte_strerror(rte_errno));
}

/* ---- a secondary ---- */

static int
ask(uint16_t port_id)
{
	struct rte_mp_msg request = {.name = MESSAGE_NAME, .len_param = sizeof(struct message)};
	struct message m = {.port_id = port_id};
	struct timespec timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	struct rte_mp_reply reply;
	int ret = -EIO;

	memcpy(request.param, &m, sizeof(m));
	if (rte_mp_request_sync(&request, &reply, &timeout) != 0)
		return rte_errno != 0 ? -rte_errno : -EIO;
	if (reply.nb_received == 1 && reply.msgs[0].len_param == sizeof(m)) {
		memcpy(&m, reply.msgs[0].param, sizeof(m));
		ret = m.result;
	}
	free(reply.msgs);
	return ret;
}

int
mmnet_view_update(struct rte_eth_dev *dev)
{
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return ask(dev->data->port_id);
	update(dev->data->dev_private);
	return 0;
}

/* The primary keeps it up to date. */
static int
link_update(struct rte_eth_dev *dev, int wait)
{
	(void)dev;
	(void)wait;
	return 0;
}

/* Nothing of the port is this process's. */
static int
dev_close(struct rte_eth_dev *dev)
{
	(void)dev;
	return 0;
}

static const struct eth_dev_ops secondary_ops = {
	.dev_close = dev_close,
	.dev_infos_get = mmnet_infos_get,
	.link_update = link_update,
	.stats_get = mmnet_stats_get,
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
	dev->rx_pkt_burst = rte_eth_pkt_burst_dummy;
	dev->tx_pkt_burst = rte_eth_pkt_burst_dummy;
	rte_eth_dev_probing_finish(dev);
	return 0;
}
