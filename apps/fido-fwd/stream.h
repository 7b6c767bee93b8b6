/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stream: moves packets from one Rx queue to one Tx queue.
 *
 * One lcore runs a stream, and only one lcore uses a Tx queue: no locks. A stream holds one burst.
 * It receives the next burst after it has sent all of this one, or dropped and counted it.
 *
 *	0 ........ sent ........ ready    next ........ count
 *	   gone          to send             to prepare
 *
 * I1: sent <= ready <= next <= count <= burst.
 * I2: rx = tx + dropped + held. The counters have one writer, the stream's lcore.
 */
#ifndef FIDO_FWD_STREAM_H
#define FIDO_FWD_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "options.h"
#include "pools.h"
#include "port.h"
#include "route.h"

struct fwd_stream;

/*
 * Receive, prepare and send once.
 *
 * @return
 *   Number of packets received, prepared and sent, added up; 0: no progress
 */
typedef unsigned int (*fwd_engine)(struct fwd_stream *stream);

struct fwd_stream_counters {
	_Atomic uint64_t rx_packets;
	_Atomic uint64_t rx_bytes;
	_Atomic uint64_t tx_packets;
	_Atomic uint64_t tx_bytes;
	_Atomic uint64_t dropped_packets;  /* link down, too long, or unsent at exit */
	_Atomic uint64_t too_long_packets; /* dropped: the Tx port cannot send them */
	_Atomic uint64_t header_copies;
	_Atomic uint64_t full_copies;
	_Atomic uint64_t tx_stalls; /* calls in which the Tx queue accepted nothing */
	_Atomic uint64_t sum;       /* --mode touch: sum of all packets, see sum.h */
};

struct __rte_cache_aligned fwd_stream {
	fwd_engine run; /* set by fwd_lcore_prepare() */
	uint16_t rx_port;
	uint16_t rx_queue;
	uint16_t tx_port;
	uint16_t tx_queue;
	uint16_t burst;
	bool hold;        /* --on-down hold: keep packets while the link is down */
	uint64_t udp_lro; /* mbuf flag of UDP datagrams to be cut; 0: none come */
	bool closed;      /* receive no more; send the held packets */
	uint16_t count;
	uint16_t next;
	uint16_t ready;
	uint16_t sent;
	uint64_t pending_bytes; /* bytes of the burst, not counted as sent yet */
	const struct fwd_pools *pools;
	const struct fwd_port *sink;
	/* How the stream's lcore can sleep; set by fwd_lcore_prepare(). */
	bool rx_bell;           /* the Rx queue has an interrupt */
	bool tx_bell;           /* returned Tx buffers raise the interrupt of tx_bell_queue */
	uint16_t tx_bell_queue; /* an Rx queue of tx_port */
	const struct fwd_stream *tx_bell_reader; /* the stream that reads it, or NULL */
	struct fwd_stream_counters counters;
	struct rte_mbuf *packet[FWD_BURST_MAX];
};

/*
 * Create the streams of all routes: one for each Rx queue.
 *
 * @return
 *   - array of *count streams; the caller frees it with rte_free()
 *   - NULL: no memory; a message has been printed
 */
struct fwd_stream *fwd_streams_create(const struct fwd_routes *routes,
	const struct fwd_options *opt, const struct fwd_port *ports, const struct fwd_pools *pools,
	unsigned int *count);

/* Return how many streams fwd_streams_create() creates. */
unsigned int fwd_streams_count(const struct fwd_routes *routes, const struct fwd_port *ports);

/*
 * Spread the streams over nb_lcores lcores: set lcore_of[i] to 0..nb_lcores - 1. Streams that share
 * a Tx queue get the same lcore. So do the two directions between a pair of queues, unless that
 * leaves an lcore without work.
 */
void fwd_streams_spread(const struct fwd_stream *streams, unsigned int count,
	unsigned int nb_lcores, unsigned int *lcore_of);

/* Return whether the stream holds packets. */
static inline bool
fwd_stream_is_pending(const struct fwd_stream *stream)
{
	return stream->sent < stream->ready || stream->next < stream->count;
}

#endif
