/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VTAP_TUN_H
#define VTAP_TUN_H

/**
 * @file
 * A tap interface of the kernel: /dev/net/tun and the calls that configure the interface. The
 * interface may be renamed, moved to another network namespace, or removed by others at any time.
 *
 * Each packet of a queue is preceded by a virtio-net header (struct virtio_net_hdr).
 */

#include <linux/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "vtap_args.h"

/** TUN_F_USO4 and TUN_F_USO6, since Linux 6.2: headers may be older than the kernel that runs. */
#define VTAP_F_USO (0x20u | 0x40u)

struct vtap_tun {
	pthread_mutex_t lock;    /**< protects name, index, control */
	char name[IFNAMSIZ];     /**< as of the last call; others may rename the interface */
	int index;               /**< the kernel's number of the interface */
	int fd[VTAP_QUEUES_MAX]; /**< the queues; they do not block */
	uint16_t queues;
	int control;  /**< a socket in the interface's namespace, for ioctls; -1: none */
	bool can_uso; /**< the kernel leaves UDP segmentation to us, and takes it from us */
	bool attached[VTAP_QUEUES_MAX];
};

/**
 * Create the interface, or take over a persistent one.
 * @return 0; -errno: a message has been logged
 */
int vtap_tun_open(struct vtap_tun *tun, const struct vtap_args *args);

/** Close the queues; an interface that is not persistent is removed. */
void vtap_tun_close(struct vtap_tun *tun);

/**
 * Find the interface again after it was renamed or moved, and update name, index and control.
 * @return 0, -EBADFD: it was removed, -errno
 */
int vtap_tun_refresh(struct vtap_tun *tun);

/** @return whether the interface is where it was at the last refresh, perhaps renamed */
bool vtap_tun_is_there(struct vtap_tun *tun);

/** Attach the first n queues, from which the kernel then chooses, and detach the others. */
int vtap_tun_attach(struct vtap_tun *tun, uint16_t n);

/**
 * Tell the kernel what it may leave undone.
 * @param offloads TUN_F_*
 */
int vtap_tun_set_offloads(struct vtap_tun *tun, unsigned int offloads);

/** Set the carrier, without which the kernel sends nothing. */
int vtap_tun_set_carrier(struct vtap_tun *tun, bool on);

/** Set and clear interface flags (IFF_*). */
int vtap_tun_set_flags(struct vtap_tun *tun, unsigned int set, unsigned int clear);

/** @return 0 with the interface flags, -errno */
int vtap_tun_get_flags(struct vtap_tun *tun, unsigned int *flags);

int vtap_tun_set_mtu(struct vtap_tun *tun, unsigned int mtu);
int vtap_tun_get_mtu(struct vtap_tun *tun, unsigned int *mtu);
int vtap_tun_set_mac(struct vtap_tun *tun, const struct rte_ether_addr *mac);
int vtap_tun_get_mac(struct vtap_tun *tun, struct rte_ether_addr *mac);

/** Read and discard the packets that wait in a queue. */
void vtap_tun_drain(struct vtap_tun *tun, uint16_t queue);

/** Open a socket in the interface's network namespace. @return the descriptor, -errno */
int vtap_tun_socket(const struct vtap_tun *tun, int family, int type, int protocol);

#endif
