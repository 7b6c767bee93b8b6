/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options: the command line after the `--` that ends EAL's arguments.
 *
 * Parsed before EAL starts, so that a wrong option costs no hugepages and leaves nothing behind.
 * Port names are resolved later, when the ports exist: see route.h.
 */
#ifndef FIDO_FWD_OPTIONS_H
#define FIDO_FWD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define FWD_BURST_MAX 512

/* Which port forwards to which. */
enum fwd_topology {
	FWD_PAIRS, /* 0 <-> 1, 2 <-> 3, ... */
	FWD_CHAIN, /* port i -> port i + 1, the last port -> port 0 */
	FWD_MAP,   /* as --map says */
};

/* What to do with a packet. */
enum fwd_mode {
	FWD_IO,    /* nothing */
	FWD_MAC,   /* swap source and destination MAC addresses */
	FWD_TOUCH, /* read every byte and add it to a sum */
};

/* What an lcore without packets does. */
enum fwd_idle {
	FWD_IDLE_POLL,      /* poll again at once */
	FWD_IDLE_ADAPTIVE,  /* poll for spin_us, then sleep until an Rx interrupt */
	FWD_IDLE_INTERRUPT, /* sleep at once: adaptive with spin_us 0 */
};

struct fwd_options {
	enum fwd_topology topology;
	enum fwd_mode mode;
	enum fwd_idle idle;
	const char *map; /* argument of --map; points into argv */
	uint16_t burst;
	uint16_t rxq;
	uint16_t txq;
	uint16_t rxd;
	uint16_t txd;
	uint16_t mtu;       /* 0: the driver's default */
	uint32_t mbufs;     /* 0: as many as the rings can hold */
	uint16_t data_room; /* bytes of a receive buffer; 0: chosen by fwd_pools_create() */
	uint32_t spin_us;
	double stats_period; /* seconds, 0: no status line */
	double duration;     /* seconds, 0: until a signal */
	bool scatter;
	bool offload; /* forward packets with checksums or segmentation left to do */
	bool hold;    /* --on-down hold: wait for the link, do not drop */
	bool json;
	bool quiet;
	bool help;
};

/*
 * Set *opt from the arguments after `--` in argv, or to the defaults if there are none.
 *
 * @return
 *   - 0: done; with opt->help set, the caller prints fwd_options_usage() and exits
 *   - -EINVAL: a wrong argument; a message that names it has been printed
 */
int fwd_options_parse(struct fwd_options *opt, int argc, char **argv);

/* Print what each option does. */
void fwd_options_usage(FILE *out);

/* Return the name as the option spells it. */
const char *fwd_mode_name(enum fwd_mode mode);

const char *fwd_idle_name(enum fwd_idle idle);

#endif
