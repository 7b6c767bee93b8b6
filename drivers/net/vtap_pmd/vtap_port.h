/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VTAP_PORT_H
#define VTAP_PORT_H

/** @file A port and its queues. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <ethdev_driver.h>
#include <rte_ether.h>
#include <rte_interrupts.h>

#include <linux/virtio_net.h>

#include "vtap_args.h"
#include "vtap_tun.h"

/** Longest frame of the kernel: 65,535 bytes of IP, addresses and type, two tags. */
#define VTAP_FRAME_MAX (65535u + RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN)
/** Bytes of a frame beyond the MTU. */
#define VTAP_OVERHEAD (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN)

/** Counters of a receive queue, written by its lcore. */
struct vtap_rx_counters {
	uint64_t packets;
	uint64_t bytes;
	uint64_t unfinished; /**< with checksums left to the next port */
	uint64_t large;      /**< of these, to be segmented */
	uint64_t finished;   /**< checksums computed by the driver */
	uint64_t bad_header; /**< dropped: the header contradicts the packet */
	uint64_t too_long;   /**< dropped: longer than a frame may be */
	uint64_t no_buffer;  /**< polls that found no mbufs; packets wait */
	uint64_t failed;     /**< reads that the kernel refused */
};

/** Counters of a transmit queue, written by its lcore. */
struct vtap_tx_counters {
	uint64_t packets;
	uint64_t bytes;
	uint64_t unfinished;    /**< with checksums left to the kernel */
	uint64_t large;         /**< of these, to be segmented */
	uint64_t header_copies; /**< with headers copied, since they had to change */
	uint64_t invalid;       /**< dropped: headers contradict flags, or no such offload */
	uint64_t too_long;      /**< dropped: longer than the MTU allows */
	uint64_t refused;       /**< dropped: the kernel refused them (interface down or gone) */
};

/** Pools for the segments of a packet, at most (RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT). */
#define VTAP_POOLS_MAX 4

/** A segment of each packet. */
struct vtap_rx_seg {
	struct rte_mempool *pool;
	uint32_t room; /**< bytes of the packet that it holds */
};

struct vtap_rxq {
	int fd;
	uint16_t port_id;
	uint16_t segs;         /**< mbufs that hold the longest frame */
	uint16_t missing;      /**< the first mbufs, which were given away */
	bool leave_unfinished; /**< the application accepts unfinished packets */
	bool drained;     /**< the last read found no packet: the next one raises an interrupt */
	uint32_t room;    /**< bytes that all mbufs hold */
	uint64_t udp_lro; /**< the flag of datagrams to be cut; 0: none */
	struct rte_mbuf **mbufs;                /**< of segs */
	struct vtap_rx_seg seg[VTAP_POOLS_MAX]; /**< the last one also for all further segments */
	uint16_t nb_seg;
	struct iovec *iov; /**< of 2 + segs: header, mbufs, beyond */
	struct virtio_net_hdr header;
	uint8_t beyond; /**< the first byte that the mbufs do not hold */
	struct vtap_rx_counters now;
	struct vtap_rx_counters base; /**< at the last reset */
} __rte_cache_aligned;

struct vtap_txq {
	int fd;
	bool can_uso;
	const _Atomic uint32_t *max_frame; /**< the port's */
	struct vtap_tx_counters now;
	struct vtap_tx_counters base;
} __rte_cache_aligned;

struct vtap_port {
	struct vtap_tun tun;
	struct vtap_args args;
	struct rte_eth_dev *dev;
	struct rte_intr_handle *watch; /**< netlink: changes of the interface; NULL: none */
	int watched;                   /**< the interface's number where it is watched */
	pthread_mutex_t watch_lock;    /**< protects both; held while changes are handled */
	struct rte_ether_addr mac;
	_Atomic uint32_t max_frame; /**< longest to be sent, by the MTU */
	bool started;
	bool admin_down; /**< rte_eth_dev_set_link_down() */
	bool removed;    /**< the interface is gone */
	struct vtap_rxq *rxq[VTAP_QUEUES_MAX];
	struct vtap_txq *txq[VTAP_QUEUES_MAX];
};

static inline struct vtap_port *
vtap_port_of(const struct rte_eth_dev *dev)
{
	return dev->data->dev_private;
}

#endif
