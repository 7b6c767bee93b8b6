/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CHAIN_WATCH_H
#define CHAIN_WATCH_H

/**
 * @file
 * A watchdog beside a member's thread: a second thread that inspects the member's queues from
 * outside. A thread that has armed its queues and sleeps must have nothing to take: if something
 * waits for more than CHAIN_WATCH_LIMIT_NS and the doorbell has not rung, a wake-up was lost.
 *
 * A busy machine causes no false alarm: a doorbell that was rung and not answered yet is readable,
 * and late looks do not count, since the ringing thread may have been stopped, too.
 */

#include <pthread.h>
#include <stdint.h>

#define CHAIN_WATCH_LIMIT_NS UINT64_C(1000000000)

struct member_report;

struct chain_watch {
	struct fido_rxq *rxq;       /**< NULL: none */
	struct fido_txq *txq;       /**< NULL: none */
	const struct fido_link *to; /**< the link of txq */
	int bell_fd;                /**< what the thread sleeps on */
	struct member_report *report;
	uint64_t asleep_ns; /**< when the thread fell asleep; 0: it is awake. Writer: the thread */
	uint32_t wants_rx;  /**< 1: it has room for what waits in rxq. Writer: the thread */
	uint32_t wants_tx;  /**< 1: it has something to post on txq. Writer: the thread */
	uint32_t stop;
	pthread_t thread;
};

/** Start the watchdog. @return 0, or an error number */
int chain_watch_start(struct chain_watch *watch);
/** Stop it: from then on the queues may be destroyed. */
void chain_watch_stop(struct chain_watch *watch);

#endif
