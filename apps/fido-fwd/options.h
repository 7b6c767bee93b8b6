/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options: what the person asked for, after the `--` that ends EAL's own arguments.
 *
 * Parsed before EAL starts, so that a wrong option costs no hugepages and leaves nothing behind.
 * Names of ports are not looked at here (there are none yet): see stream.h.
 */
#ifndef FIDO_FWD_OPTIONS_H
#define FIDO_FWD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define FWD_BURST_MAX 512

/* Which port's packets leave by which port. */
enum fwd_topology {
	FWD_PAIRS, /* 0 <-> 1, 2 <-> 3, ... */
	FWD_CHAIN, /* port i leaves by port i + 1, the last one by port 0 */
	FWD_MAP,   /* as --map says */
};

/* What is done with a packet. */
enum fwd_mode {
	FWD_IO,    /* nothing */
	FWD_MAC,   /* source and destination address change places */
	FWD_TOUCH, /* every byte is read and summed */
};

/* What an lcore does when there is nothing to forward. */
enum fwd_idle {
	FWD_IDLE_POLL,      /* look again at once */
	FWD_IDLE_ADAPTIVE,  /* look again for spin_us, then sleep until an Rx interrupt */
	FWD_IDLE_INTERRUPT, /* sleep at once: adaptive with spin_us 0 */
};

struct fwd_options {
	enum fwd_topology topology;
	enum fwd_mode mode;
	enum fwd_idle idle;
	const char *map; /* the text of --map; points into argv */
	uint16_t burst;
	uint16_t rxq;
	uint16_t txq;
	uint16_t rxd;
	uint16_t txd;
	uint16_t mtu;   /* 0: the driver's default */
	uint32_t mbufs; /* 0: as many as the rings can hold */
	uint32_t spin_us;
	double stats_period; /* seconds, 0: no status line */
	double duration;     /* seconds, 0: until a signal */
	bool scatter;
	bool offload; /* take packets that are not finished, and pass them on */
	bool hold;    /* --on-down hold: wait for the link instead of dropping */
	bool json;
	bool quiet;
	bool help;
};

/*
 * Set *opt from the arguments that follow `--` in argv, or to the defaults when there are none.
 *
 * @return
 *   - 0: done; with opt->help set, the caller prints fwd_options_usage() and ends
 *   - -EINVAL: an argument is wrong; a message that says which has been printed
 */
int fwd_options_parse(struct fwd_options *opt, int argc, char **argv);

/* Print what each option does. */
void fwd_options_usage(FILE *out);

/* Names as the options spell them. */
const char *fwd_mode_name(enum fwd_mode mode);

const char *fwd_idle_name(enum fwd_idle idle);

#endif
