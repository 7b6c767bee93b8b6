/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port: one ethdev port, of any driver.
 *
 * The main thread probes a port, starts it, quiesces it, stops it and closes it. The forwarding
 * lcores only read it; link_up and live change while they run.
 */
#ifndef FIDO_FWD_PORT_H
#define FIDO_FWD_PORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "options.h"

/* Counters of the mmnet driver: how many packets it copied. */
enum fwd_port_counter {
	FWD_RX_ZERO_COPY,
	FWD_RX_HEADER,
	FWD_RX_COPIED,
	FWD_TX_ZERO_COPY,
	FWD_TX_FORWARDED,
	FWD_TX_COPIED,
	FWD_TX_BUFFERS_OUT,
	FWD_NB_PORT_COUNTERS,
};

struct fwd_port {
	uint16_t id;
	bool used;   /* on some route */
	bool source; /* some route receives from it */
	bool sink;   /* some route sends to it */
	bool mmnet;
	bool unfinished;    /* its driver passes on unfinished packets as they are */
	bool multi_segs;    /* sends packets of several segments */
	bool rx_scatter;    /* --scatter is given, and the driver supports it */
	bool can_split;     /* receives one packet into buffers of two pools */
	bool can_cut_udp;   /* segments UDP on Tx */
	bool can_finish;    /* computes checksums and segments TCP on Tx */
	bool rx_unfinished; /* receives packets that need this */
	bool rx_split;      /* receives the rest of long packets into buffers of another pool */
	bool tx_finish;     /* sends packets that need this */
	bool rx_intr;       /* Rx interrupts work */
	bool tx_cleanup;    /* rte_eth_tx_done_cleanup() works */
	bool started;
	_Atomic bool link_up; /* written by the main thread */
	_Atomic bool live;    /* the driver reports link changes, and we read its status */
	uint16_t nb_rxq;
	uint16_t nb_txq;
	uint16_t rxd;
	uint16_t txd;
	uint16_t mtu;
	bool has_counter[FWD_NB_PORT_COUNTERS];
	uint64_t counter_id[FWD_NB_PORT_COUNTERS];
	char name[RTE_ETH_NAME_MAX_LEN];
	char driver[32];
};

/* Pools that a port receives into. */
struct fwd_port_pools {
	struct rte_mempool *rx;
	struct rte_mempool *rest; /* of a port with rx_split; else NULL */
};

/* xstats names of the counters. */
extern const char *const fwd_port_counter_names[FWD_NB_PORT_COUNTERS];

/*
 * Query the capabilities of port->id, and choose its queues, descriptors and MTU. The caller has
 * set port->source and port->sink.
 *
 * @return
 *   - 0: done
 *   - < 0: the port cannot be used so; a message has been printed
 */
int fwd_port_probe(struct fwd_port *port, const struct fwd_options *opt);

/*
 * Let from receive packets without checksums, or to be segmented, if opt->offload is set and to can
 * complete them. Call it after both ports were probed, and before either is started.
 */
void fwd_port_pair(struct fwd_port *from, struct fwd_port *to, const struct fwd_options *opt);

/*
 * Configure and start a probed port, whose Rx queues receive into mbufs of the pools. Enable Rx
 * interrupts unless opt->idle is poll; go on without them if the driver refuses.
 *
 * @return
 *   - 0: started; undone by fwd_port_stop()
 *   - < 0: not started; a message has been printed
 */
int fwd_port_start(struct fwd_port *port, const struct fwd_options *opt,
	const struct fwd_port_pools *pools);

/*
 * Tell the peer of an mmnet port to post no more. Other ports are unchanged. fwd_port_is_down()
 * goes on returning the link state from before the call.
 */
void fwd_port_quiesce(struct fwd_port *port);

/* Stop and close the port, if it was probed. */
void fwd_port_stop(struct fwd_port *port);

/* Read the link status into port->link_up. */
void fwd_port_refresh_link(struct fwd_port *port);

/* Return the value of a counter; 0: the port does not have it. */
uint64_t fwd_port_counter(const struct fwd_port *port, enum fwd_port_counter counter);

/* Let the driver free the sent buffers of one queue. */
void fwd_port_reap(const struct fwd_port *port, uint16_t tx_queue);

/*
 * Return whether the link is down. For the forwarding lcores: makes no system call. The status of a
 * port with link status events is current; that of another port is as old as the last refresh.
 *
 * Read live again after the status: fwd_port_quiesce() clears live before it sets the link down,
 * and that must not look like a failed link.
 */
static inline bool
fwd_port_is_down(const struct fwd_port *port)
{
	struct rte_eth_link link;
	bool down;

	if (atomic_load_explicit(&port->live, memory_order_acquire) &&
		rte_eth_link_get_nowait(port->id, &link) == 0) {
		down = link.link_status == RTE_ETH_LINK_DOWN;
		if (atomic_load_explicit(&port->live, memory_order_acquire))
			return down;
	}
	return !atomic_load_explicit(&port->link_up, memory_order_relaxed);
}

#endif
