/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PKTCHECK_H
#define PKTCHECK_H

/** @file Shared by the parts of pktcheck; see pktcheck.c. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <rte_mempool.h>
#include <rte_ring.h>

#include "pktcheck-flow.h"

#define PORTS_MAX 8
#define QUEUES_MAX 32
#define BURST_MAX 512

enum mode {
	MODE_GEN,
	MODE_SINK,
	MODE_ECHO,
	MODE_CLONE
};
enum ipv4 {
	IPV4_NO,
	IPV4_TO_0,
	IPV4_TO_1
};
enum pool {
	POOL_DEFAULT,
	POOL_ARENA,
	POOL_EXTBUF
};
enum back {
	BACK_NO,
	BACK_YES,
	BACK_ANY
};

struct options {
	enum mode mode;
	enum ipv4 ipv4; /**< packets to this port of a router; echo writes to them */
	bool net_100;   /**< IPv4 addresses of 100.0.0.0/8, which other routers know */
	/** DST-SRC: the Ethernet addresses that packets arrive with; NULL: as they were sent */
	const char *ether;
	bool csum;      /**< leave IPv4 header checksums to the ports, and check them */
	enum pool pool; /**< the mbufs' memory: as usual, an mmnet arena, external buffers */
	enum back back; /**< gen: packets come back; clone: send back */
	uint32_t size_min;
	uint32_t size_max;
	bool random_size;
	uint64_t count;  /**< to send; 0: until stopped */
	uint64_t expect; /**< to receive, then exit; 0: until stopped */
	uint32_t segs;   /**< each packet has 1 to this many segments, or more if too small */
	uint32_t room;   /**< bytes that one of its own mbufs holds */
	uint32_t burst;
	uint32_t seed;
	uint32_t gap_us; /**< between bursts */
	uint32_t window; /**< gen: packets that may be under way; 0: any number */
	uint32_t hold;   /**< packets kept before they are freed; gen: by its peer */
	uint32_t churn;  /**< number of pools, used one after the other */
	uint32_t halt;   /**< stop and restart the queue after each this many packets; 0: never */
	uint32_t reset;  /**< gen: reset the ports after each this many packets; 0: never */
	uint32_t mbufs;  /**< gen: to send; else: to receive; 0: enough */
	uint16_t rxq, txq, rxd, txd;
	const char *go;  /**< gen: begin when this file exists; NULL: at once */
	double timeout;  /**< give up after this many seconds */
	double duration; /**< stop after this many seconds */
	bool keep;       /**< sink: hold packets even if no more arrive */
	bool scatter;
	bool spin;
	bool times;   /**< have the ports record receive times, and check them */
	bool pdump;   /**< let dpdk-dumpcap capture */
	bool monitor; /**< while nothing arrives, watch the address that the driver gives */
	bool no_link_wait;
};

struct app {
	struct options opt;
	uint16_t nports;
	uint16_t rxq;
	uint16_t txq;
	struct rte_mempool *rx_pool;
	struct rte_mempool *tx_pool;    /**< gen */
	struct rte_mempool *clone_pool; /**< clone */
	struct rte_ring *to_worker;
	struct flows flows;
	uint64_t corrupt; /**< also written by the worker */
	uint64_t swapped;
	uint64_t checked; /**< packets whose checksum the port found right */
	uint64_t rx_own;  /**< right packets that this program sent itself */
	uint64_t rx_packets, rx_bytes, rx_max_segs, rx_max_burst;
	uint64_t tx_packets, tx_bytes, tx_refused, tx_max_burst;
	uint64_t pools, pages_added, pages_freed;
	uint64_t halts, halt_wrong,
		halt_waiting; /**< waiting: most that waited in a stopped queue */
	uint64_t resets, reset_wrong,
		reset_out; /**< out: most buffers that a peer had kept meanwhile */
	uint64_t times_right, times_wrong,
		times_own; /**< own: right packets that this program sent itself */
	uint64_t monitor_seen, monitor_empty, monitor_wrong, monitor_refused;
	uint64_t now_us;
	double seconds;       /**< from the first link up to the end of the run */
	bool link[PORTS_MAX]; /**< at the end of the run */
	bool stopping;
	volatile bool worker_stop;
};

extern volatile int stop_signal;

/* pktcheck-options.c */
int options_parse(struct options *opt, int argc, char **argv);

/* pktcheck-gen.c */
int gen_init(struct app *app);
/** Send a burst if it is time. @return packets accepted */
unsigned int gen_step(struct app *app);
bool gen_done(const struct app *app);
/** Free what was not accepted, and pools whose packets are all back. @return true: all are */
bool gen_settle(struct app *app);

/* pktcheck-receive.c */
int receive_init(struct app *app);
/** Receive a burst on each queue, and treat it as the mode says. @return work done */
unsigned int receive_step(struct app *app);
/** @return true when packets wait to be sent back */
bool receive_pending(void);
/** Free all held packets. */
void receive_settle(struct app *app);
int receive_worker(void *arg);

/* pktcheck-queue.c */
/** --halt: stop port 0's queue 0 for a while, if it is time. */
void halt_step(struct app *app);
/** --monitor: nothing came; wait for a packet as a sleeping processor does. */
void monitor_step(struct app *app);

/* pktcheck-reset.c */
/** --reset: reset the ports, if it is time, and set them up again. */
void reset_step(struct app *app);

/* pktcheck-times.c; without --times these do nothing. */
/** Call after the ports were started. @return 0, -errno */
int times_init(struct app *app);
/** Call before a packet is sent. */
void times_sent(const struct app *app, uint64_t seq);
/** Call before a port is polled. */
void times_before(const struct app *app, uint16_t port);
/** Call after it was polled: check all that it returned. */
void times_after(struct app *app, uint16_t port, uint16_t queue, struct rte_mbuf *const *m,
	uint16_t n);
/** The same for a packet of this program's own that came back. */
void times_came_back(struct app *app, const struct rte_mbuf *m, uint64_t seq);

/* pktcheck-report.c */
/** @return number of its own packets that no peer has returned */
uint64_t buffers_out(const struct app *app);
/** Print the result. in_use: mbufs that did not come back. */
void report(struct app *app, unsigned int in_use);

/** Configure and start a port. @return 0, -errno */
int port_setup(struct app *app, uint16_t port);
/** Check which links are up. @return true: all */
bool links_up(struct app *app);
/** @return the next random number */
uint64_t random_next(void);
/** Make the drivers free what was sent. */
void reap(const struct app *app);
/** @return a pool of n mbufs with `room` bytes each beyond the headroom */
struct rte_mempool *pool_create(enum pool kind, const char *name, unsigned int n, uint32_t room);

#endif
