/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_PORT_H
#define MMNET_PORT_H

/**
 * @file
 * A port, and the list of all ports of the process.
 *
 * Ports and queues lie in EAL's shared memory, so that a secondary process can read them; libfido's
 * objects that they point to (link, arena, q) are the primary's alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include <ethdev_driver.h>
#include <rte_ether.h>

#include <fido/link.h>
#include <fido/lock.h>
#include <fido/region.h>

#include "mmnet_args.h"
#include "mmnet_meta.h"

struct mmnet_hash;
struct mmnet_rxq;
struct mmnet_txq;

/** MAC addresses of a port. It receives all that the peer sends, whatever they are. */
#define MMNET_MAX_MACS 16

struct mmnet_port {
	struct mmnet_port *next; /**< in the list of all ports */
	struct rte_eth_dev *dev; /**< NULL: closed, waits for its buffers */
	struct fido_link *link;
	struct fido_region *arena;
	struct fido_region *more[FIDO_LINK_QUEUES_MAX]; /**< arenas of queues that came later */
	uint16_t more_count;
	struct mmnet_args args;
	struct rte_ether_addr macs[MMNET_MAX_MACS];
	unsigned int mode; /**< mmnet_rx_mode_get(): chosen when the port was started */
	uint16_t port_id;
	uint16_t nrx;
	uint16_t nrx_made; /**< the application may still hold packets of queues beyond nrx */
	uint16_t ntx;      /**< rings: `spread` for each transmit queue */
	uint16_t ntx_made; /**< rings beyond ntx may still have buffers out */
	uint16_t spread;
	uint32_t ring_size;      /**< of all transmit rings, since the last start */
	uint32_t max_frame;      /**< longer packets are neither sent nor delivered */
	struct mmnet_note note;  /**< for the peer */
	struct mmnet_hash *hash; /**< for received packets; NULL: none are hashed */
	bool started;
	bool admin_down; /**< rte_eth_dev_set_link_down() */
	struct mmnet_rxq *rxq[FIDO_LINK_QUEUES_MAX];
	/** By ring; queue i has those from i * spread on. */
	struct mmnet_txq *txq[FIDO_LINK_QUEUES_MAX];
};

/**
 * All ports, also closed ones that wait for their buffers. The lock guards the list; no port is
 * freed while it is held.
 */
extern struct mmnet_port *mmnet_ports;
extern struct fido_lock mmnet_ports_lock;

/** Ports that the application has not closed. */
extern unsigned int mmnet_open_ports;

/** Put a port on the list. */
void mmnet_port_link(struct mmnet_port *port);

/** Take a port off the list. */
void mmnet_port_unlink(struct mmnet_port *port);

/**
 * @return true when a port of the process, of any driver, is no virtual device. A device cannot
 * read a peer's memory by DMA.
 */
bool mmnet_has_physical_port(void);

static inline struct mmnet_port *
mmnet_port_of(const struct rte_eth_dev *dev)
{
	return dev->data->dev_private;
}

#endif
