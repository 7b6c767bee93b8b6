/* SPDX-License-Identifier: BSD-3-Clause */
/* Link status: up while both ends are started and not set down. */

#include <ethdev_driver.h>

#include <fido/link.h>

#include "mmnet_link.h"
#include "mmnet_port.h"

int
mmnet_link_update(struct rte_eth_dev *dev, int wait)
{
	struct mmnet_port *port = mmnet_port_of(dev);
	struct rte_eth_link link = {
		.link_speed = RTE_ETH_SPEED_NUM_100G,
		.link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
		.link_autoneg = RTE_ETH_LINK_FIXED,
		.link_status = port->started && !port->admin_down && fido_link_is_up(port->link)
			? RTE_ETH_LINK_UP
			: RTE_ETH_LINK_DOWN,
	};

	(void)wait;
	return rte_eth_linkstatus_set(dev, &link);
}

void
mmnet_link_event(void *arg, enum fido_link_event event)
{
	struct mmnet_port *port = arg;
	struct rte_eth_dev *dev = port->dev;

	(void)event;
	if (dev == NULL || !port->started)
		return;
	mmnet_link_update(dev, 0);
	if (dev->data->dev_conf.intr_conf.lsc != 0)
		rte_eth_dev_callback_process(dev, RTE_ETH_EVENT_INTR_LSC, NULL);
}

int
mmnet_link_set_up(struct rte_eth_dev *dev)
{
	mmnet_port_of(dev)->admin_down = false;
	fido_link_resume(mmnet_port_of(dev)->link);
	mmnet_link_update(dev, 0);
	return 0;
}

int
mmnet_link_set_down(struct rte_eth_dev *dev)
{
	mmnet_port_of(dev)->admin_down = true;
	fido_link_quiesce(mmnet_port_of(dev)->link);
	mmnet_link_update(dev, 0);
	return 0;
}
