/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lcore: a core that runs streams, and sleeps when they have nothing to do.
 *
 *	RUN -----------> DRAIN ----------> QUIT
 *	    signal, or         no packet for 20 ms,
 *	    --duration         or 2 s elapsed
 *
 * The main thread sets the phase, and the lcores follow. In DRAIN the lcores go on forwarding, but
 * do not sleep. After 100 ms they stop polling sources that cannot be told to stop.
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
	unsigned int id; /* EAL lcore ID */
	unsigned int nb_streams;
	struct fwd_stream **streams;
	const struct fwd_port *ports;
	enum fwd_idle idle;
	bool can_wait;      /* some stream has an interrupt to sleep on */
	uint32_t rings_max; /* bound on interrupts that returned buffers can raise, see arm_tx() */
	uint64_t spin_tsc;  /* --spin-us: longest polling time before a sleep */
	const _Atomic int *phase;
	/*
	 * Called about every millisecond if the main lcore forwards; NULL on other lcores. Returns
	 * the time at which a sleeping lcore must wake to call it again; UINT64_MAX: never.
	 */
	uint64_t (*service)(void *arg);
	void *service_arg;
	uint64_t service_tsc; /* next call while the lcore is awake */
	uint64_t service_due; /* next call, even if the lcore sleeps */

	/* Private to the lcore. */
	uint64_t now;
	uint64_t last_step; /* when a stream last made progress */
	uint64_t drain_tsc; /* when this lcore saw DRAIN; 0: not yet */
	uint64_t spin_now;  /* current polling time before a sleep */
	uint32_t empty_rounds;
	uint32_t nap_us;
	uint32_t wait_ms;
	bool looked;                 /* polled without success since the last progress or sleep */
	uint32_t rings;              /* interrupts since the last progress */
	bool settled;                /* no buffer is out, and the last ones have been passed on */
	struct rte_epoll_event wake; /* for fwd_wake_fd() */

	/* Written by the lcore, read by the main thread. */
	_Atomic uint64_t published_step; /* last_step */
	_Atomic uint64_t idle_tsc;       /* time in rounds without progress, or asleep */
	_Atomic uint64_t sleeps;
	_Atomic bool pending; /* some stream holds packets */
	_Atomic int phase_seen;
};

/*
 * Prepare lcore and its streams to run. The caller has set lcore->streams, nb_streams and ports.
 */
void fwd_lcore_prepare(struct fwd_lcore *lcore, const struct fwd_options *opt);

/*
 * Forward until the phase is QUIT. Then send the held packets, and drop and count those that cannot
 * be sent within 100 ms. For rte_eal_remote_launch().
 *
 * @param arg
 *   struct fwd_lcore
 * @return
 *   0
 */
int fwd_lcore_run(void *arg);

#endif
