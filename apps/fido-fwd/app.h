/* SPDX-License-Identifier: BSD-3-Clause */
/* app: all that there is of one run of fido-fwd. Built and taken apart by main.c. */
#ifndef FIDO_FWD_APP_H
#define FIDO_FWD_APP_H

#include <stdatomic.h>
#include <stdint.h>

#include "lcore.h"
#include "options.h"
#include "pools.h"
#include "port.h"
#include "route.h"
#include "status.h"
#include "stream.h"

struct fwd_app {
	struct fwd_options opt;
	struct fwd_routes routes;
	struct fwd_pools pools;
	struct fwd_port port[RTE_MAX_ETHPORTS]; /* indexed by port number */
	struct fwd_stream *streams;
	unsigned int nb_streams;
	struct fwd_stream **stream_list; /* the lcores' shares, one after the other */
	struct fwd_lcore lcore[RTE_MAX_LCORE];
	unsigned int nb_lcores; /* that forward */
	_Atomic int phase;      /* enum fwd_phase; written by the main thread */
	uint64_t start_tsc;
	uint64_t drain_tsc; /* when the phase became DRAIN */
	uint64_t link_tsc;  /* when links are looked at next */
	struct fwd_status status;
};

#endif
