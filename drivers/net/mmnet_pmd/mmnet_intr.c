/* SPDX-License-Identifier: BSD-3-Clause */
/* Rx interrupts: an lcore sleeps until a doorbell rings. */

#include <errno.h>

#include <ethdev_driver.h>
#include <rte_errno.h>
#include <rte_interrupts.h>
#include <rte_lcore.h>

#include <fido/doorbell.h>
#include <fido/link.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "mmnet_intr.h"
#include "mmnet_pool.h"
#include "mmnet_port.h"
#include "mmnet_rxq.h"
#include "mmnet_tx.h"
#include "mmnet_txq.h"

/*
 * A doorbell is a file descriptor that becomes readable; only its transport knows how to clear it.
 * So EAL must read nothing from it (counter size 0): mmnet_rx_intr_enable() clears it.
 */
int
mmnet_intr_start(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = mmnet_port_of(dev);
	struct rte_intr_handle *h = dev->intr_handle;

	if (dev->data->dev_conf.intr_conf.rxq == 0)
		return 0;
	if (rte_intr_vec_list_alloc(h, NULL, port->nrx) != 0)
		return -ENOMEM;
	for (uint16_t i = 0; i < port->nrx; i++)
		if (rte_intr_vec_list_index_set(h, i, RTE_INTR_VEC_RXTX_OFFSET + i) != 0 ||
			rte_intr_efds_index_set(h, i, fido_rxq_fd(port->rxq[i]->q)) != 0)
			return -rte_errno;
	if (rte_intr_type_set(h, RTE_INTR_HANDLE_VDEV) != 0 ||
		rte_intr_nb_efd_set(h, port->nrx) != 0 ||
		rte_intr_max_intr_set(h, port->nrx + 1) != 0 ||
		rte_intr_efd_counter_size_set(h, 0) != 0)
		return -rte_errno;
	return 0;
}

void
mmnet_intr_stop(struct rte_eth_dev *dev)
{
	if (dev->data->dev_conf.intr_conf.rxq == 0)
		return;
	rte_intr_free_epoll_fd(dev->intr_handle);
	rte_intr_vec_list_free(dev->intr_handle);
	rte_intr_nb_efd_set(dev->intr_handle, 0);
}

/*
 * Arm a receive queue and the transmit queues that share its doorbell.
 * @return true when descriptors or completions wait
 */
static bool
arm_queue(struct mmnet_port *port, uint16_t rx)
{
	struct fido_txq *txqs[FIDO_LINK_QUEUES_MAX];
	unsigned int n = 0;
	bool pending = false;

	for (uint16_t i = rx; i < port->ntx; i += port->nrx)
		txqs[n++] = port->txq[i]->q;
	if (!port->rxq[rx]->stopped)
		return fido_link_arm(port->rxq[rx]->q, txqs, n);
	/* Descriptors for a stopped queue do not wake its thread. */
	for (unsigned int i = 0; i < n; i++)
		pending |= fido_txq_arm(txqs[i]);
	return pending;
}

int
mmnet_rx_intr_enable(struct rte_eth_dev *dev, uint16_t i)
{
	struct mmnet_port *port = mmnet_port_of(dev);

	/* Reaping frees packets of any port of this lcore: return the tickets of all its queues. */
	mmnet_tx_reap_lcore(rte_lcore_id());
	mmnet_rx_settle_lcore(rte_lcore_id());
	/*
	 * Before arming: arming then finds the packets that the doorbell was rung for. EAL waits
	 * for edges, and a doorbell that was not cleared may give none when it is rung again.
	 */
	fido_doorbell_clear(port->rxq[i]->q->bell);
	/* Something waits already: the application must not sleep. */
	if (arm_queue(port, i))
		fido_doorbell_ring(port->rxq[i]->q->bell);
	return 0;
}

int
mmnet_rx_intr_disable(struct rte_eth_dev *dev, uint16_t i)
{
	struct mmnet_port *port = mmnet_port_of(dev);

	/* The doorbell stays rung: mmnet_rx_intr_enable() clears it. */
	fido_rxq_disarm(port->rxq[i]->q, false);
	for (uint16_t k = i; k < port->ntx; k += port->nrx)
		fido_txq_disarm(port->txq[k]->q, false);
	mmnet_tx_reap_lcore(rte_lcore_id());
	return 0;
}
