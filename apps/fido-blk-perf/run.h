/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_RUN_H
#define PERF_RUN_H

/**
 * @file
 * One run: its phases, which only go forward, and the news that wakes who waits for them.
 *
 *   GO --time is up--> FINISH --all workers have ended--> (join)
 *    \--signal, error--> STOP: no new requests
 *                         \--no answer for --stop-timeout--> ABANDON: do not wait any more
 */

#include <stdbool.h>
#include <stdint.h>

enum perf_phase {
	PERF_GO,
	PERF_FINISH, /**< time is up: a verified run reads all once more */
	PERF_STOP, /**< no new requests */
	PERF_ABANDON, /**< do not wait for those that are in flight */
};

/** Written by the main thread, read by the workers, unless said otherwise. */
struct perf_run {
	uint32_t phase; /**< enum perf_phase; forward only; a worker may ask for PERF_STOP */
	uint32_t
		ready; /**< workers that are past what comes before the measuring; they add to it */
	uint32_t running; /**< workers that have not ended; they take away from it */
	uint64_t failures; /**< errors and wrong data; the workers add to it */
	int news; /**< eventfd: a worker has changed something */
	int *wake; /**< eventfd of each worker: the phase has changed */
	unsigned int workers;
};

/** @return 0, -ENOMEM, -errno */
int perf_run_create(struct perf_run *run, unsigned int workers);
void perf_run_destroy(struct perf_run *run);
/** @return the phase. Any thread. */
enum perf_phase perf_run_phase(const struct perf_run *run);
/**
 * Go forward to this phase, and wake all. A phase behind the present one changes nothing. Any
 * thread.
 */
void perf_run_advance(struct perf_run *run, enum perf_phase phase);
/** A worker is past what comes before the measuring. */
void perf_run_ready(struct perf_run *run);
/** A worker has ended. */
void perf_run_ended(struct perf_run *run);
/** Count a failure. @return true when it is one of the first and should be told of. Any thread. */
bool perf_run_failed(struct perf_run *run);
/** Empty an eventfd. */
void perf_run_heard(int fd);

#endif
