/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port: one ethdev port, whatever its driver.
 *
 * A port is probed (what can it do, what shall it be), started, quiesced, stopped and closed by the
 * main thread. The forwarding lcores only read it; link_up and live are what changes meanwhile.
 */
#ifndef FIDO_FWD_PORT_H
#define FIDO_FWD_PORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "options.h"

/* The counters of the mmnet driver that say how its packets travelled. */
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
	bool used;   /* some route begins or ends here */
	bool source; /* some route begins here */
	bool sink;   /* some route ends here */
	bool mmnet;
	bool multi_segs;    /* a packet of several segments can be sent */
	bool rx_scatter;    /* asked for, and the driver has it */
	bool can_finish;    /* packets may be sent that lack checksums, or are to be cut */
	bool rx_unfinished; /* such packets are received */
	bool tx_finish;     /* and sent */
	bool rx_intr;       /* Rx interrupts work */
	bool tx_cleanup;    /* rte_eth_tx_done_cleanup() works */
	bool started;
	_Atomic bool link_up; /* written by the main thread */
	_Atomic bool live;    /* the driver itself keeps the link status fresh, and we follow it */
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

/* Names of the counters, as in the driver's xstats. */
extern const char *const fwd_port_counter_names[FWD_NB_PORT_COUNTERS];

/*
 * Learn what port->id can do and fix its queues, descriptors and MTU. port->source and port->sink
 * are set by the caller.
 *
 * @return
 *   - 0: done
 *   - < 0: impossible; a message has been printed
 */
int fwd_port_probe(struct fwd_port *port, const struct fwd_options *opt);

/*
 * Have the port of a route receive what the other one can finish, if opt->offload says so. After both have been
 * probed, before either is started.
 */
void fwd_port_pair(struct fwd_port *from, struct fwd_port *to, const struct fwd_options *opt);

/*
 * Configure and start a probed port, whose Rx queues fill mbufs from pool. Asks for Rx interrupts
 * unless opt->idle is poll, and goes without where the driver refuses.
 *
 * @return
 *   - 0: started; undone by fwd_port_stop()
 *   - < 0: not started; a message has been printed
 */
int fwd_port_start(struct fwd_port *port, const struct fwd_options *opt, struct rte_mempool *pool);

/*
 * Tell the peer of an mmnet port to post no more; nothing happens to other ports. The link state
 * that fwd_port_is_down() sees stays what it was before.
 */
void fwd_port_quiesce(struct fwd_port *port);

/* Stop and close the port, if it was probed. */
void fwd_port_stop(struct fwd_port *port);

/* Look at the link again, and keep it in port->link_up. */
void fwd_port_refresh_link(struct fwd_port *port);

/* Return the value of a counter, 0 where the port does not have it. */
uint64_t fwd_port_counter(const struct fwd_port *port, enum fwd_port_counter counter);

/* Let the driver free what has been sent by one queue. */
void fwd_port_reap(const struct fwd_port *port, uint16_t tx_queue);

/*
 * Tell whether the link is down now. For the forwarding lcores: no system call. The link of a port
 * with link status events is always fresh, that of another port as old as the last refresh.
 *
 * live is looked at again afterwards: a link that fwd_port_quiesce() took down on purpose must not
 * look like one that went down, and live was cleared before that.
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
