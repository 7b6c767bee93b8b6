/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of all ports of the process. */

#include <string.h>

#include <ethdev_driver.h>
#include <rte_bus.h>

#include <fido/lock.h>

#include "mmnet_port.h"

struct mmnet_port *mmnet_ports;
struct fido_lock mmnet_ports_lock;
unsigned int mmnet_open_ports;

void
mmnet_port_link(struct mmnet_port *port)
{
	fido_lock_take(&mmnet_ports_lock);
	port->next = mmnet_ports;
	mmnet_ports = port;
	fido_lock_release(&mmnet_ports_lock);
}

void
mmnet_port_unlink(struct mmnet_port *port)
{
	struct mmnet_port **p = &mmnet_ports;

	fido_lock_take(&mmnet_ports_lock);
	while (*p != NULL && *p != port)
		p = &(*p)->next;
	if (*p == port)
		*p = port->next;
	fido_lock_release(&mmnet_ports_lock);
}

bool
mmnet_has_physical_port(void)
{
	uint16_t id;

	RTE_ETH_FOREACH_DEV (id) {
		struct rte_eth_dev_info info;

		if (rte_eth_dev_info_get(id, &info) == 0 && info.device != NULL &&
			strcmp(rte_bus_name(rte_dev_bus(info.device)), "vdev") != 0)
			return true;
	}
	return false;
}
