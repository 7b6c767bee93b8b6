/* SPDX-License-Identifier: BSD-3-Clause */
/* Rx interrupts. */

#include <errno.h>
#include <sys/epoll.h>

#include <ethdev_driver.h>
#include <rte_epoll.h>
#include <rte_errno.h>
#include <rte_interrupts.h>

#include "vtap_intr.h"
#include "vtap_port.h"

int
vtap_intr_start(struct rte_eth_dev *dev)
{
	struct vtap_port *port = vtap_port_of(dev);
	struct rte_intr_handle *h = dev->intr_handle;
	uint16_t n = dev->data->nb_rx_queues;

	if (dev->data->dev_conf.intr_conf.rxq == 0)
		return 0;
	if (rte_intr_vec_list_alloc(h, NULL, n) != 0)
		return -ENOMEM;
	for (uint16_t i = 0; i < n; i++)
		if (rte_intr_vec_list_index_set(h, i, RTE_INTR_VEC_RXTX_OFFSET + i) != 0 ||
			rte_intr_efds_index_set(h, i, port->tun.fd[i]) != 0)
			return -rte_errno;
	/* Counter size 0: EAL must not read packets. */
	if (rte_intr_type_set(h, RTE_INTR_HANDLE_VDEV) != 0 || rte_intr_nb_efd_set(h, n) != 0 ||
		rte_intr_max_intr_set(h, n + 1) != 0 || rte_intr_efd_counter_size_set(h, 0) != 0)
		return -rte_errno;
	return 0;
}

void
vtap_intr_stop(struct rte_eth_dev *dev)
{
	if (dev->data->dev_conf.intr_conf.rxq == 0)
		return;
	rte_intr_free_epoll_fd(dev->intr_handle);
	rte_intr_vec_list_free(dev->intr_handle);
	rte_intr_nb_efd_set(dev->intr_handle, 0);
}

/*
 * EAL waits for edges. An application may have left packets in the queue since the last one:
 * modifying the descriptor in the epoll set makes an edge of them.
 */
int
vtap_rx_intr_enable(struct rte_eth_dev *dev, uint16_t i)
{
	const struct vtap_port *port = vtap_port_of(dev);
	struct rte_epoll_event *event = rte_intr_elist_index_get(dev->intr_handle, i);
	struct epoll_event ev;

	/* A descriptor without an interface is always readable. */
	if (event == NULL || event->status == RTE_EPOLL_INVALID || port->removed ||
		port->rxq[i]->drained)
		return 0;
	/* rte_epoll_ctl() would lose the pointer. */
	ev = (struct epoll_event){.events = event->epdata.event, .data.ptr = event};
	return epoll_ctl(event->epfd, EPOLL_CTL_MOD, event->fd, &ev) != 0 ? -errno : 0;
}

/* An interrupt that nobody waits for costs nothing. */
int
vtap_rx_intr_disable(struct rte_eth_dev *dev, uint16_t i)
{
	(void)dev;
	(void)i;
	return 0;
}
