/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status: the periodic status line and the summary at the end. For the main thread.
 *
 * The line has one format, so that scripts can parse it:
 *   fido-fwd: 3s rx 12.340 Mpps 8.100 Gbps tx 12.340 Mpps drop 0 copies 0 headers 0
 *   zero-copy 12340000 cpu 99% idle 0%
 * (on one line). Counts cover the period, not the whole run.
 */
#ifndef FIDO_FWD_STATUS_H
#define FIDO_FWD_STATUS_H

#include <stdint.h>

struct fwd_app;

/* Counters, summed over all streams and ports. */
struct fwd_totals {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t dropped;
	uint64_t header_copies; /* made by fido-fwd */
	uint64_t full_copies;   /* made by fido-fwd */
	uint64_t copies;        /* whole packets, by fido-fwd and the mmnet driver */
	uint64_t headers;       /* headers only, by both */
	uint64_t zero_copy;     /* packets received in place by the mmnet driver */
	uint64_t sum;
	uint64_t idle_tsc; /* of all forwarding lcores */
	uint64_t tsc;      /* now */
	double cpu;        /* seconds */
};

struct fwd_status {
	struct fwd_totals first;
	struct fwd_totals last;
	uint64_t next_tsc; /* when the next line is due; 0: never */
};

/* Start counting. */
void fwd_status_start(struct fwd_app *app);

/* Print a line if one is due. */
void fwd_status_tick(struct fwd_app *app);

/* Print the summary, as text or as JSON. Ports are still started; no lcore forwards. */
void fwd_status_summary(struct fwd_app *app);

#endif
