/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of the interface. The link is up while the port is started and the interface is up: the
 * kernel then takes packets. The carrier tells the kernel that the port is started.
 */

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ethdev_driver.h>
#include <rte_interrupts.h>

#include "vtap_link.h"
#include "vtap_log.h"
#include "vtap_port.h"
#include "vtap_tun.h"
#include "vtap_tx.h"

/* ---- link status ---- */

int
vtap_link_update(struct rte_eth_dev *dev, int wait)
{
	struct vtap_port *port = vtap_port_of(dev);
	struct rte_eth_link link = {
		.link_speed = RTE_ETH_SPEED_NUM_100G,
		.link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
		.link_autoneg = RTE_ETH_LINK_FIXED,
		.link_status = RTE_ETH_LINK_DOWN,
	};
	unsigned int flags;

	(void)wait;
	if (port->started && !port->admin_down && !port->removed &&
		vtap_tun_get_flags(&port->tun, &flags) == 0 && (flags & IFF_UP) != 0)
		link.link_status = RTE_ETH_LINK_UP;
	return rte_eth_linkstatus_set(dev, &link);
}

int
vtap_link_set_up(struct rte_eth_dev *dev)
{
	struct vtap_port *port = vtap_port_of(dev);
	/* A port that is stopped gets its carrier when it starts. */
	int ret = port->started ? vtap_tun_set_carrier(&port->tun, true) : 0;

	if (ret == 0)
		port->admin_down = false;
	vtap_link_update(dev, 0);
	return ret;
}

int
vtap_link_set_down(struct rte_eth_dev *dev)
{
	struct vtap_port *port = vtap_port_of(dev);

	port->admin_down = true;
	/* The interface may be gone. */
	vtap_tun_set_carrier(&port->tun, false);
	vtap_link_update(dev, 0);
	return 0;
}

void
vtap_link_adopt(struct vtap_port *port)
{
	struct rte_eth_dev *dev = port->dev;
	unsigned int mtu;

	if (vtap_tun_get_mtu(&port->tun, &mtu) == 0 && mtu <= UINT16_MAX) {
		dev->data->mtu = (uint16_t)mtu;
		vtap_tx_limit(port);
	}
	vtap_tun_get_mac(&port->tun, &port->mac);
	if (vtap_link_update(dev, 0) == 0 && dev->data->dev_conf.intr_conf.lsc != 0)
		rte_eth_dev_callback_process(dev, RTE_ETH_EVENT_INTR_LSC, NULL);
}

/* ---- changes by others ---- */

/* Namespaces to look for the interface in until it stays in one. */
#define MOVES_MAX 100

static void on_change(void *arg);

/* @return a socket that hears of all changes from now on; -EAGAIN: the interface moved; -errno */
static int
open_watch(struct vtap_port *port)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = vtap_tun_socket(&port->tun, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);
	int ret;

	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		ret = -errno;
	else
		ret = vtap_tun_is_there(&port->tun) ? 0 : -EAGAIN;
	if (ret == 0)
		return fd;
	close(fd);
	return ret;
}

static void
free_watch(struct rte_intr_handle *handle)
{
	close(rte_intr_fd_get(handle));
	rte_intr_instance_free(handle);
}

/* @param handle EAL's own copy, which it frees */
static void
close_watch(struct rte_intr_handle *handle, void *arg)
{
	(void)arg;
	close(rte_intr_fd_get(handle));
}

int
vtap_link_watch(struct vtap_port *port)
{
	struct rte_intr_handle *handle;
	int fd = open_watch(port), ret;

	if (fd < 0)
		return fd;
	handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	if (handle == NULL) {
		close(fd);
		return -ENOMEM;
	}
	rte_intr_fd_set(handle, fd);
	rte_intr_type_set(handle, RTE_INTR_HANDLE_EXT);
	ret = rte_intr_callback_register(handle, on_change, port);
	if (ret != 0) {
		free_watch(handle);
		return ret;
	}
	port->watch = handle;
	port->watched = port->tun.index;
	return 0;
}

void
vtap_link_unwatch(struct vtap_port *port)
{
	struct rte_intr_handle *handle;

	/*
	 * Waits for a handler that runs by a handle which it has replaced, and from now on none
	 * touches the port: EAL waits only for those by the last handle.
	 */
	pthread_mutex_lock(&port->watch_lock);
	handle = port->watch;
	port->watch = NULL;
	pthread_mutex_unlock(&port->watch_lock);
	if (handle == NULL)
		return;
	rte_intr_callback_unregister_sync(handle, on_change, port);
	free_watch(handle);
}

/*
 * Read what the socket has.
 * @return true when the interface changed; *left: it may be gone from this namespace
 */
static bool
read_changes(const struct vtap_port *port, int fd, bool *left)
{
	union {
		struct nlmsghdr header;
		char bytes[16384];
	} buf;
	bool changed = false;
	ssize_t n;

	*left = false;
	for (;;) {
		n = recv(fd, &buf, sizeof(buf), 0);
		if (n < 0 && errno == ENOBUFS) {
			/* Messages were lost: perhaps that one. */
			changed = *left = true;
			continue;
		}
		if (n <= 0)
			return changed;
		for (struct nlmsghdr *h = &buf.header; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			const struct ifinfomsg *info = NLMSG_DATA(h);

			if ((h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK) ||
				h->nlmsg_len < NLMSG_LENGTH(sizeof(*info)) ||
				info->ifi_index != port->watched)
				continue;
			changed = true;
			/* A bridge reports ports that leave it by the same message. */
			*left |= h->nlmsg_type == RTM_DELLINK && info->ifi_family == AF_UNSPEC;
		}
	}
}

static void
report_removed(struct vtap_port *port)
{
	VTAP_LOG(WARNING,
		"%s: interface %s was removed: the port stays down; close it, or detach and attach "
		"the device",
		port->dev->data->name, port->tun.name);
	vtap_link_adopt(port);
	if (port->dev->data->dev_conf.intr_conf.rmv != 0)
		rte_eth_dev_callback_process(port->dev, RTE_ETH_EVENT_INTR_RMV, NULL);
}

/* Begin to watch the interface in the namespace where it is now. @return as vtap_tun_refresh() */
static int
watch_anew(struct vtap_port *port)
{
	int ret = -EAGAIN;

	/* It may be moved again meanwhile. */
	for (int i = 0; i < MOVES_MAX && (ret == -EAGAIN || ret == -ENODEV); i++) {
		ret = vtap_tun_refresh(&port->tun);
		if (ret == 0)
			ret = vtap_link_watch(port);
	}
	return ret;
}

/*
 * The interface left the namespace that the socket listens in: listen in its new one. The lock is
 * held.
 */
static void
follow(struct vtap_port *port)
{
	struct rte_intr_handle *before = port->watch;
	int ret = watch_anew(port);

	if (ret == -EBADFD) {
		port->removed = true;
	} else if (ret != 0) {
		VTAP_LOG(WARNING,
			"%s: cannot watch interface %s in its new network namespace: %s: the link "
			"status is no longer current",
			port->dev->data->name, port->tun.name, strerror(-ret));
	} else {
		/* EAL closes the descriptor when the handler, which runs now, has returned. */
		rte_intr_callback_unregister_pending(before, on_change, port, close_watch);
		rte_intr_instance_free(before);
	}
}

static void
on_change(void *arg)
{
	struct vtap_port *port = arg;
	bool changed = false, left = false, was_removed = port->removed;

	pthread_mutex_lock(&port->watch_lock);
	if (port->watch != NULL)
		changed = read_changes(port, rte_intr_fd_get(port->watch), &left);
	if (left && !was_removed)
		follow(port);
	if (port->removed && !was_removed)
		report_removed(port);
	else if (changed)
		vtap_link_adopt(port);
	pthread_mutex_unlock(&port->watch_lock);
}
