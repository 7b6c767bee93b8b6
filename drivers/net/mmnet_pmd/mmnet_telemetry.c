/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port's state: for programs, by DPDK's telemetry (/mmnet/list, /mmnet/info); for people,
 * printed.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ethdev_driver.h>
#include <rte_common.h>
#include <rte_telemetry.h>

#include <fido/atomic.h>
#include <fido/link.h>
#include <fido/lock.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "pmd_compat.h"
#include "mmnet_port.h"
#include "mmnet_rx_mode.h"
#include "mmnet_rxq.h"
#include "mmnet_telemetry.h"
#include "mmnet_txq.h"
#include "mmnet_view.h"

/* ---- telemetry, on the telemetry thread of the primary process ---- */

static int
list(const char *cmd, const char *params, struct rte_tel_data *d)
{
	(void)cmd;
	(void)params;
	rte_tel_data_start_array(d, RTE_TEL_INT_VAL);
	fido_lock_take(&mmnet_ports_lock);
	for (const struct mmnet_port *port = mmnet_ports; port != NULL; port = port->next)
		if (port->dev != NULL)
			rte_tel_data_add_array_int(d, port->port_id);
	fido_lock_release(&mmnet_ports_lock);
	return 0;
}

static void
add_rxq(struct rte_tel_data *d, const struct rte_eth_dev_data *data, const struct mmnet_rxq *rxq,
	uint16_t i)
{
	struct fido_rxq_fill fill;

	fido_rxq_look(rxq->q, UINT32_MAX, &fill);
	rte_tel_data_add_dict_int(d, "started",
		data->rx_queue_state[i] == RTE_ETH_QUEUE_STATE_STARTED);
	rte_tel_data_add_dict_int(d, "rings", (int)fill.rings);
	rte_tel_data_add_dict_int(d, "size", (int)fill.size);
	rte_tel_data_add_dict_int(d, "waiting", (int)fill.waiting);
	rte_tel_data_add_dict_int(d, "held", (int)fill.held);
	pmd_tel_add(d, "polled", fido_load_relaxed(&rxq->q->stats->polled));
	pmd_tel_add(d, "completed", fido_load_relaxed(&rxq->q->stats->completed));
}

static void
add_txq(struct rte_tel_data *d, const struct rte_eth_dev_data *data, const struct mmnet_txq *txq,
	uint16_t i)
{
	struct fido_txq_fill fill;

	fido_txq_look(txq->q, &fill);
	rte_tel_data_add_dict_int(d, "started",
		data->tx_queue_state[i] == RTE_ETH_QUEUE_STATE_STARTED);
	rte_tel_data_add_dict_int(d, "size", (int)fill.size);
	rte_tel_data_add_dict_int(d, "room", (int)fill.room);
	rte_tel_data_add_dict_int(d, "out", (int)fido_txq_out(txq->q));
	pmd_tel_add(d, "posted", fido_load_relaxed(&txq->q->stats->posted));
	pmd_tel_add(d, "reaped", fido_load_relaxed(&txq->q->stats->reaped));
}

/* Add a dictionary to d. @return it, or NULL */
static struct rte_tel_data *
add_dict(struct rte_tel_data *d, const char *name)
{
	struct rte_tel_data *part = rte_tel_data_alloc();

	if (part == NULL)
		return NULL;
	rte_tel_data_start_dict(part);
	if (rte_tel_data_add_dict_container(d, name, part, 0) == 0)
		return part;
	rte_tel_data_free(part);
	return NULL;
}

static void
add_queues(struct rte_tel_data *d, const struct mmnet_port *port)
{
	struct rte_tel_data *rx = add_dict(d, "rx_queues"), *tx = add_dict(d, "tx_queues"), *part;
	char name[16];

	for (uint16_t i = 0; rx != NULL && i < port->nrx; i++) {
		snprintf(name, sizeof(name), "q%u", i);
		part = port->rxq[i]->q != NULL ? add_dict(rx, name) : NULL;
		if (part != NULL)
			add_rxq(part, port->dev->data, port->rxq[i], i);
	}
	for (uint16_t i = 0; tx != NULL && i < port->ntx; i++) {
		snprintf(name, sizeof(name), "q%u", i);
		part = port->txq[i]->q != NULL ? add_dict(tx, name) : NULL;
		if (part != NULL)
			add_txq(part, port->dev->data, port->txq[i], i / port->spread);
	}
}

static void
add_port(struct rte_tel_data *d, const struct mmnet_port *port)
{
	int error = fido_link_error(port->link);

	rte_tel_data_add_dict_string(d, "name", port->dev->data->name);
	rte_tel_data_add_dict_string(d, "group", port->args.group);
	rte_tel_data_add_dict_string(d, "domain", port->args.domain);
	rte_tel_data_add_dict_string(d, "peer", port->args.peer);
	rte_tel_data_add_dict_string(d, "link", port->args.link);
	rte_tel_data_add_dict_int(d, "started", port->started);
	rte_tel_data_add_dict_int(d, "admin_down", port->admin_down);
	rte_tel_data_add_dict_int(d, "bound", fido_link_is_connected(port->link));
	rte_tel_data_add_dict_int(d, "up", fido_link_is_up(port->link));
	rte_tel_data_add_dict_string(d, "error", error != 0 ? strerror(-error) : "");
	rte_tel_data_add_dict_int(d, "stranded", (int)fido_link_stranded(port->link));
	rte_tel_data_add_dict_string(d, "rx_arg", mmnet_rx_mode_get(port->args.rx)->name);
	rte_tel_data_add_dict_string(d, "rx_mode", mmnet_rx_mode_get(port->mode)->name);
	rte_tel_data_add_dict_int(d, "heap_exported", !port->args.no_heap);
	pmd_tel_add(d, "arena", port->arena != NULL ? port->arena->len : 0);
	add_queues(d, port);
}

static int
info(const char *cmd, const char *params, struct rte_tel_data *d)
{
	unsigned long id;
	char *end;
	int ret = -ENODEV;

	(void)cmd;
	if (params == NULL || params[0] < '0' || params[0] > '9')
		return -EINVAL;
	id = strtoul(params, &end, 10);
	if (*end != '\0')
		return -EINVAL;
	rte_tel_data_start_dict(d);
	/* No port is freed while the lock is held. */
	fido_lock_take(&mmnet_ports_lock);
	for (const struct mmnet_port *port = mmnet_ports; port != NULL; port = port->next)
		if (port->dev != NULL && port->port_id == id) {
			add_port(d, port);
			ret = 0;
		}
	fido_lock_release(&mmnet_ports_lock);
	return ret;
}

RTE_INIT(mmnet_telemetry_register)
{
	rte_telemetry_register_cmd("/mmnet/list", list,
		"Returns the mmnet ports. Takes no parameters");
	rte_telemetry_register_cmd("/mmnet/info", info,
		"Returns the state of an mmnet port, its link and its queues. Parameters: int "
		"port_id");
}

/* ---- for people ---- */

int
mmnet_priv_dump(struct rte_eth_dev *dev, FILE *file)
{
	const struct mmnet_port *port = dev->data->dev_private;
	int ret = mmnet_view_update(dev);

	if (ret != 0)
		return ret;
	fprintf(file, "mmnet port %u: domain %s of group %s, link %s to %s\n", port->port_id,
		port->args.domain, port->args.group, port->args.link, port->args.peer);
	fprintf(file, "  %s%s, link %s, rx=%s (%s), heap=%s\n",
		port->started ? "started" : "stopped", port->admin_down ? ", set down" : "",
		dev->data->dev_link.link_status ? "up" : "down",
		mmnet_rx_mode_get(port->args.rx)->name, mmnet_rx_mode_get(port->mode)->name,
		port->args.no_heap ? "off" : "on");
	for (uint16_t i = 0; i < port->nrx; i++)
		fprintf(file,
			"  rx queue %u: %s, ring of %u, %" PRIu64 " descriptors read, %" PRIu64
			" given back\n",
			i,
			dev->data->rx_queue_state[i] == RTE_ETH_QUEUE_STATE_STARTED ? "started"
										    : "stopped",
			port->rxq[i]->ring_size, port->rxq[i]->now.polled,
			port->rxq[i]->now.completed);
	for (uint16_t i = 0; i < port->ntx; i++)
		fprintf(file,
			"  tx queue %u: %s, ring of %u, %" PRIu64 " descriptors posted, %u out\n",
			i,
			dev->data->tx_queue_state[i / port->spread] == RTE_ETH_QUEUE_STATE_STARTED
				? "started"
				: "stopped",
			port->ring_size, port->txq[i]->now.posted, port->txq[i]->out);
	return 0;
}
