/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Close a port. Peers may still hold buffers that it sent, the application packets that it
 * delivered: the port lingers, invisible, until all are back.
 */

#include <ethdev_driver.h>
#include <rte_alarm.h>
#include <rte_eal.h>
#include <rte_interrupts.h>
#include <rte_malloc.h>

#include <fido/link.h>
#include <fido/lock.h>
#include <fido/region.h>

#include "mmnet_close.h"
#include "mmnet_domain.h"
#include "mmnet_pool.h"
#include "mmnet_port.h"
#include "mmnet_rxq.h"
#include "mmnet_start.h"
#include "mmnet_txq.h"

/* Close waits this long for the peer to return all buffers. */
#define CLOSE_WAIT_MS 500
/* Period at which a lingering port is checked. */
#define LINGER_US 100000

/*
 * Takes the queue's lock: the thread that returned the last mbuf then uses neither pool nor queue
 * any more.
 */
static bool
pointers_home(const struct mmnet_rxq *rxq)
{
	bool home;

	if (rxq->pointers == NULL || rxq->q == NULL)
		return true;
	fido_lock_take(&rxq->q->lock);
	home = rxq->pointers->count == rxq->pointers->size;
	fido_lock_release(&rxq->q->lock);
	return home;
}

/* @return true when the application has freed every packet that this port delivered */
static bool
all_home(struct mmnet_port *port)
{
	for (uint16_t i = 0; i < FIDO_LINK_QUEUES_MAX; i++)
		if (port->rxq[i] != NULL && !pointers_home(port->rxq[i]))
			return false;
	return true;
}

static void
rxq_free(struct mmnet_rxq *rxq)
{
	if (rxq == NULL)
		return;
	mmnet_pointers_free(rxq->pointers);
	rte_free(rxq);
}

void
mmnet_port_free(struct mmnet_port *port)
{
	mmnet_port_unlink(port);
	fido_link_destroy(port->link);
	fido_region_destroy(port->arena);
	for (uint16_t i = 0; i < port->more_count; i++)
		fido_region_destroy(port->more[i]);
	for (uint16_t i = 0; i < FIDO_LINK_QUEUES_MAX; i++) {
		rxq_free(port->rxq[i]);
		if (port->txq[i] != NULL) {
			rte_free(port->txq[i]->bounce_free);
			rte_free(port->txq[i]->places);
			rte_free(port->txq[i]->peer);
		}
		rte_free(port->txq[i]);
	}
	rte_free(port->hash);
	mmnet_domain_put();
	rte_free(port);
}

static bool
try_free(struct mmnet_port *port)
{
	for (uint16_t i = 0; i < FIDO_LINK_QUEUES_MAX; i++)
		if (port->rxq[i] != NULL)
			mmnet_rx_settle(port->rxq[i]);
	if (!mmnet_port_reap(port) || !all_home(port))
		return false;
	mmnet_port_free(port);
	return true;
}

/*
 * Packets that a closed port delivered may have been sent by a port that the application no longer
 * polls.
 */
static void
reap_ports(void)
{
	if (!fido_lock_try(&mmnet_ports_lock))
		return;
	for (struct mmnet_port *port = mmnet_ports; port != NULL; port = port->next)
		mmnet_port_reap(port);
	fido_lock_release(&mmnet_ports_lock);
}

/* Free a closed port when its last buffer is back. */
static void
linger(void *arg)
{
	struct mmnet_port *port = arg;

	reap_ports();
	if (!try_free(port))
		rte_eal_alarm_set(LINGER_US, linger, port);
}

int
mmnet_close(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = dev->data->dev_private;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY || port == NULL)
		return 0;
	mmnet_stop(dev);
	port->dev = NULL;
	mmnet_open_ports--;
	rte_intr_instance_free(dev->intr_handle);
	dev->intr_handle = NULL;
	dev->data->dev_private = NULL;
	dev->data->mac_addrs = NULL;
	mmnet_port_drain(port, CLOSE_WAIT_MS);
	if (!try_free(port))
		rte_eal_alarm_set(LINGER_US, linger, port);
	return 0;
}
