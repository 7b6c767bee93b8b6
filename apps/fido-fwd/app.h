/* SPDX-License-Identifier: BSD-3-Clause */
/* app: the state of one run of fido-fwd. main.c creates and destroys it. */
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
	struct fwd_stream **stream_list; /* by lcore: each lcore's streams are adjacent */
	struct fwd_lcore lcore[RTE_MAX_LCORE];
	unsigned int nb_lcores; /* forwarding lcores */
	_Atomic int phase;      /* enum fwd_phase; written by the main thread */
	uint64_t start_tsc;
	uint64_t drain_tsc; /* when DRAIN began */
	uint64_t link_tsc;  /* when to refresh the links next */
	struct fwd_status status;
};

#endif
