/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lcore: a core that runs streams, and sleeps when they have nothing to do.
 *
 *	RUN -----------> DRAIN ----------> QUIT
 *	    signal, or         nothing came for 20 ms,
 *	    --duration         or 2 s went by
 *
 * The main thread moves the phase on, and the lcores follow. In DRAIN everything goes on as before,
 * but nobody sleeps, and sources that cannot be told to stop are left after 100 ms.
 */
#ifndef FIDO_FWD_LCORE_H
#define FIDO_FWD_LCORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_epoll.h>

#include "options.h"
#include "port.h"
#include "stream.h"

enum fwd_phase {
	FWD_RUN,
	FWD_DRAIN,
	FWD_QUIT,
};

struct __rte_cache_aligned fwd_lcore {
	unsigned int id; /* EAL's number */
	unsigned int nb_streams;
	struct fwd_stream **streams;
	const struct fwd_port *ports;
	enum fwd_idle idle;
	bool can_wait;      /* some stream has an interrupt to sleep on */
	uint32_t rings_max; /* more interrupts without a packet than buffers can have come back */
	uint64_t spin_tsc;  /* how long it looks before it sleeps, at most */
	const _Atomic int *phase;
	/*
	 * Called now and then where the main lcore forwards too; NULL on other lcores. Returns the
	 * time at which an lcore that sleeps must wake to call it again; UINT64_MAX: never.
	 */
	uint64_t (*service)(void *arg);
	void *service_arg;
	uint64_t service_tsc; /* when it is called next, unless the lcore sleeps */
	uint64_t service_due; /* when it is called next, even if the lcore sleeps */

	/* Private to the lcore. */
	uint64_t now;
	uint64_t last_step; /* when a packet last got on */
	uint64_t drain_tsc; /* when the lcore began to drain; 0 before */
	uint64_t spin_now;  /* how long it looks at present */
	uint32_t empty_rounds;
	uint32_t nap_us;
	uint32_t wait_ms;
	bool looked;    /* it has looked in vain since a packet last got on, or it slept */
	uint32_t rings; /* interrupts since a packet last got on */
	bool settled; /* no buffer is out, and those that came back last have been given back too */
	struct rte_epoll_event wake; /* of fwd_wake_fd() */

	/* Written by the lcore, read by the main thread. */
	_Atomic uint64_t published_step; /* last_step */
	_Atomic uint64_t idle_tsc;       /* time spent in rounds that found nothing, or asleep */
	_Atomic uint64_t sleeps;
	_Atomic bool pending; /* some stream holds packets */
	_Atomic int phase_seen;
};

/* Set what follows from lcore->streams, ports and the options, before the first run. */
void fwd_lcore_prepare(struct fwd_lcore *lcore, const struct fwd_options *opt);

/*
 * Forward until the phase is QUIT, then send what is held, and count as dropped what nobody takes.
 * For rte_eal_remote_launch().
 *
 * @param arg
 *   struct fwd_lcore
 * @return
 *   0
 */
int fwd_lcore_run(void *arg);

#endif
