/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_WORKER_H
#define PERF_WORKER_H

/**
 * @file
 * A thread that keeps one queue busy: it makes requests while there are free slots, hands them
 * over, polls for completions, and sleeps when there is nothing to do (worker.c). It writes blocks
 * that say what they are (block.h), and judges all that is read by what may be there (state.h):
 *
 *   FIRST  each block of its stripe once: one that was ever written is read, another one is written
 *   RUN    requests as the options say, at random places, no two in flight on one block
 *   LAST   each block once more (not after a signal or an error)
 *
 * Part of what is lent is kept for a while, part of that until its blocks have been written: when
 * it is given back, it must be what it was (verify.c).
 *
 * All workers together have phases, which only go forward:
 *
 *   GO --time is up--> FINISH --all workers have ended--> (join)
 *    \--signal, error--> STOP: no new requests
 *                         \--no answer for --stop-timeout--> ABANDON: do not wait any more
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <fido/blk.h>
#include <fido/region.h>

#include "options.h"
#include "random.h"
#include "state.h"

/** Requests handed over, and completions polled, at a time. */
#define PERF_BURST 32u

enum perf_phase {
	PERF_GO,
	PERF_FINISH, /**< time is up: a verified run reads all once more */
	PERF_STOP, /**< no new requests */
	PERF_ABANDON, /**< do not wait for those that are in flight */
};

/** What the workers share. */
struct perf_run {
	/* set before they start */
	const struct perf_options *opt;
	struct perf_state state;
	uint64_t volume; /**< what blocks say: the volume, and the state file's history */
	uint32_t block_size;
	bool can_flush; /**< if not, what is acknowledged counts as flushed */
	bool can_fua;
	/* while they run */
	uint32_t phase; /**< enum perf_phase; forward only */
	uint32_t ready; /**< workers that are past FIRST; they add to it */
	uint32_t running; /**< workers that have not ended; they take away from it */
	uint64_t failures; /**< errors and wrong data; the workers add to it */
	int wake; /**< eventfd: readable from FINISH on */
};

/** What is to become of memory that was lent and is kept for a while. */
enum perf_lend {
	PERF_LEND_PLAIN,
	PERF_LEND_WANTED, /**< its blocks are to be written before it is looked at again */
	PERF_LEND_WRITING, /**< that write has been made */
};

/** A request that can be in flight or lent, with its memory. */
struct perf_slot {
	struct fido_blk_request request;
	uint8_t *memory; /**< of bs_max bytes; NULL when none is needed */
	struct iovec *iov; /**< the pieces of it that the request has */
	/* what was lent */
	struct fido_blk_lent *lent; /**< NULL: nothing */
	const struct iovec *lent_iov;
	unsigned int lent_iovcnt;
	/* its blocks */
	uint64_t first_block; /**< of the range */
	uint64_t block_count;
	uint64_t *versions; /**< of each block: what is being written */
	uint32_t *sums; /**< of each block: what was lent */
	uint64_t *covered; /**< by a flush */
	enum perf_lend lend; /**< of a read whose lent memory is kept */
	struct perf_slot *overwrites; /**< this write changes what that one was lent */
	struct perf_slot *next; /**< the next free one */
};

enum perf_stage {
	PERF_STAGE_FIRST,
	PERF_STAGE_RUN,
	PERF_STAGE_LAST
};

/** Read by the main thread at any time. */
struct perf_counters {
	uint64_t requests[8]; /**< done without an error, by enum fido_blk_op */
	uint64_t bytes[8];
	uint64_t errors;
	uint64_t inflight;
};

/** What was looked at. */
struct perf_checks {
	uint64_t blocks; /**< read and judged */
	uint64_t again; /**< lent blocks that were looked at a second time */
	uint64_t overwritten; /**< of these, such that had been written in the meantime */
	uint64_t wrong; /**< blocks */
};

struct perf_worker {
	/* set before the thread starts */
	const struct perf_options *opt;
	struct perf_run *run;
	struct fido_blk_queue *q;
	uint16_t index;
	uint64_t first_block; /**< this queue's stripe of the range */
	uint64_t block_count;
	uint64_t budget; /**< requests that are left to make */
	/* the slots: `depth` of them, and the memory that they share out */
	struct perf_slot *slots, *free;
	struct iovec *iovs;
	uint64_t *versions;
	uint32_t *sums;
	struct fido_region *arena; /**< NULL: none */
	uint8_t *heap; /**< NULL: none */
	/* the thread's own */
	struct perf_random random;
	enum perf_stage stage;
	bool *busy; /**< of each block of the stripe: a request is in flight on it */
	uint64_t cursor; /**< FIRST, LAST: the next block of the stripe */
	struct perf_slot **kept; /**< reads whose lent memory is kept, in no order */
	uint32_t kept_count;
	void *scratch; /**< a block */
	uint64_t writes; /**< since the last flush */
	struct fido_blk_request pending[PERF_BURST]; /**< made, but not accepted yet */
	unsigned int pending_count;
	struct fido_blk_lent *release[PERF_BURST]; /**< to be given back together */
	unsigned int release_count;
	bool ended; /**< there will be no more requests */
	bool stopped;
	/* results */
	struct perf_counters counters;
	struct perf_checks checks;
	struct fido_blk_stats stats;
	uint64_t unanswered; /**< requests that were given up */
	pthread_t thread;
	bool started;
};

/** @return the phase. Any thread. */
enum perf_phase perf_run_phase(const struct perf_run *run);
/** Go forward to this phase, and wake all. One behind the present one changes nothing. Any thread. */
void perf_run_advance(struct perf_run *run, enum perf_phase phase);

/**
 * Make the slots and their memory, as the options say.
 * @param domain for an arena; may be NULL when the options want none
 * @return 0, -ENOMEM, what fido_arena_create() returns (fido_last_error() says what to do)
 */
int perf_worker_create(struct perf_worker *w, struct fido_domain *domain);
/** Give it its stripe. @return 0, -ENOMEM */
int perf_worker_open(struct perf_worker *w, struct fido_blk *blk, uint64_t first, uint64_t count);
/** Nothing is in flight. */
void perf_worker_destroy(struct perf_worker *w);
/** The thread: run until there is nothing more to do, or the phase ends it. @param arg a worker */
void *perf_worker_main(void *arg);
/** Let the request have as many bytes of the slot's memory as it is long. */
void perf_worker_set_iov(const struct perf_worker *w, struct perf_slot *slot);
/** Give back what the slot was lent (soon, with others), and the slot. */
void perf_worker_release(struct perf_worker *w, struct perf_slot *slot);
/**
 * There was an error or wrong data: count it; stop the run, unless --continue-on-error.
 * @return true: it is one of the first: write a message about it
 */
bool perf_worker_failed(struct perf_worker *w);

/** Make a request in the slot. @return false: nothing now; w->ended: nothing any more (verify.c) */
bool perf_verify_next(struct perf_worker *w, struct perf_slot *slot);
/** The request is done, or has failed; the slot goes to perf_worker_release() in the end. */
void perf_verify_done(struct perf_worker *w, struct perf_slot *slot, int error);
/** Give back all that is kept, but for what is being written. */
void perf_verify_give_back(struct perf_worker *w);
/** Judge what was read. @param keep for perf_check_again() @return false: part is wrong (check.c) */
bool perf_check_read(struct perf_worker *w, struct perf_slot *slot, bool keep);
/** What was lent must still be what it was. */
void perf_check_again(struct perf_worker *w, struct perf_slot *slot);

#endif
