/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_WORKER_H
#define PERF_WORKER_H

/**
 * @file
 * A worker is a thread that keeps one queue busy. It makes requests while there are free slots,
 * submits them, polls for completions, and sleeps (--idle sleep) while there is nothing to do
 * (worker.c). Each written block identifies itself (block.h). The oracle judges all that is read
 * (state.h). A worker has three stages:
 *
 *   FIRST  visit each block of its stripe once: read it if it was ever written, else write it
 *   RUN    requests as the options say, at random places, no two in flight on one block
 *   LAST   read each block once more (not after a signal or an error)
 *
 * The worker keeps some lent memory for a while, and overwrites the blocks of some of it meanwhile.
 * At its release, the contents must be unchanged (verify.c).
 *
 * The workers share a phase, which only goes forward:
 *
 *   GO --time is up--> FINISH --all workers have exited--> (join)
 *    \--signal, error--> STOP: no new requests
 *                         \--no completion for --stop-timeout--> ABANDON: do not wait any more
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <fido/blk.h>
#include <fido/region.h>

#include "options.h"
#include "random.h"
#include "state.h"

/** Requests submitted, and completions polled, at a time. */
#define PERF_BURST 32u

enum perf_phase {
	PERF_GO,
	PERF_FINISH,  /**< time is up: read all blocks once more */
	PERF_STOP,    /**< no new requests */
	PERF_ABANDON, /**< do not wait for requests in flight */
};

/** State that all workers share. */
struct perf_run {
	/* set before the workers start */
	const struct perf_options *opt;
	struct perf_state state;
	uint64_t volume; /**< in block headers: checksum of the name, XOR the file's history */
	uint32_t block_size;
	bool can_flush; /**< false: acknowledged counts as flushed */
	bool can_fua;
	/* changed while they run */
	uint32_t phase;    /**< enum perf_phase; forward only */
	uint32_t ready;    /**< workers that have finished FIRST */
	uint32_t running;  /**< workers that have not exited */
	uint64_t failures; /**< errors and wrong data */
	int wake;          /**< eventfd: readable from FINISH on */
};

/** What to do with kept lent memory before its release. */
enum perf_lend {
	PERF_LEND_PLAIN,   /**< nothing */
	PERF_LEND_WANTED,  /**< overwrite its blocks first */
	PERF_LEND_WRITING, /**< that write is made, but not complete */
};

/** A request that can be in flight or lent, with its memory. */
struct perf_slot {
	struct fido_blk_request request;
	uint8_t *memory;   /**< bs_max bytes; NULL: not needed */
	struct iovec *iov; /**< the pieces of `memory` */
	/* lent memory */
	struct fido_blk_lent *lent; /**< NULL: none */
	const struct iovec *lent_iov;
	unsigned int lent_iovcnt;
	/* its blocks */
	uint64_t first_block; /**< counted from the start of the range */
	uint64_t block_count;
	uint64_t *versions;           /**< of each block: the version being written */
	uint32_t *sums;               /**< of each block: crc32c when it was lent */
	uint64_t *covered;            /**< the versions that a flush covers */
	enum perf_lend lend;          /**< of a kept read */
	struct perf_slot *overwrites; /**< the kept read whose blocks this write changes */
	struct perf_slot *next;       /**< in the list of free slots */
};

enum perf_stage {
	PERF_STAGE_FIRST,
	PERF_STAGE_RUN,
	PERF_STAGE_LAST
};

/** The main thread reads these at any time. */
struct perf_counters {
	uint64_t requests[8]; /**< completed without an error, by enum fido_blk_op */
	uint64_t bytes[8];
	uint64_t errors;
	uint64_t inflight;
};

/** Blocks that were checked. */
struct perf_checks {
	uint64_t blocks;      /**< read and judged */
	uint64_t again;       /**< lent blocks checked again at release */
	uint64_t overwritten; /**< of these, written meanwhile */
	uint64_t wrong;       /**< found wrong */
};

struct perf_worker {
	/* set before the thread starts */
	const struct perf_options *opt;
	struct perf_run *run;
	struct fido_blk_queue *q;
	uint16_t index;
	uint64_t first_block; /**< this queue's stripe of the range */
	uint64_t block_count;
	uint64_t budget; /**< random requests left to make */
	/* `depth` slots, and the memory that is divided among them */
	struct perf_slot *slots, *free;
	struct iovec *iovs;
	uint64_t *versions;
	uint32_t *sums;
	struct fido_region *arena; /**< NULL: none */
	uint8_t *heap;             /**< NULL: none */
	/* private to the thread */
	struct perf_random random;
	enum perf_stage stage;
	bool *busy;              /**< per block of the stripe: a request is in flight */
	uint64_t cursor;         /**< FIRST, LAST: next block of the stripe */
	struct perf_slot **kept; /**< reads whose lent memory is kept, unordered */
	uint32_t kept_count;
	void *scratch;                               /**< room for a block */
	uint64_t writes;                             /**< writes since the last flush */
	struct fido_blk_request pending[PERF_BURST]; /**< made, not submitted yet */
	unsigned int pending_count;
	struct fido_blk_lent *release[PERF_BURST]; /**< to release together */
	unsigned int release_count;
	bool ended;   /**< makes no more requests */
	bool stopped; /**< stop() was done */
	/* results */
	struct perf_counters counters;
	struct perf_checks checks;
	struct fido_blk_stats stats;
	uint64_t unanswered; /**< requests still in flight at exit */
	pthread_t thread;
	bool started;
};

/** @return the phase. Any thread. */
enum perf_phase perf_run_phase(const struct perf_run *run);
/** Advance to the phase, unless it is past, and wake all workers. Any thread. */
void perf_run_advance(struct perf_run *run, enum perf_phase phase);

/**
 * Create the slots and their memory.
 * @param domain may be NULL if the options need no arena
 * @return 0, -ENOMEM, or an error of fido_arena_create() (fido_last_error() says what to do)
 */
int perf_worker_create(struct perf_worker *w, struct fido_domain *domain);
/** Give the worker its queue and its stripe. @return 0, -ENOMEM */
int perf_worker_open(struct perf_worker *w, struct fido_blk *blk, uint64_t first, uint64_t count);
/** Free all. The thread has exited, and no request is in flight. */
void perf_worker_destroy(struct perf_worker *w);
/** Thread function: run all stages, or until the phase ends them. @param arg the worker */
void *perf_worker_main(void *arg);
/** Point the request at pieces of the slot's memory, as many bytes as its length. */
void perf_worker_set_iov(const struct perf_worker *w, struct perf_slot *slot);
/** Free the slot. Release its lent memory, in the next batch. */
void perf_worker_release(struct perf_worker *w, struct perf_slot *slot);
/**
 * Count an error or wrong data. Stop the run, unless --continue-on-error is given.
 * @return true for the first ones: the caller writes a message
 */
bool perf_worker_failed(struct perf_worker *w);

/** Make the next request in the slot. @return false: none now; if w->ended: no more (verify.c) */
bool perf_verify_next(struct perf_worker *w, struct perf_slot *slot);
/** Handle the completion of the slot's request, with `error` 0 or -errno. Takes the slot. */
void perf_verify_done(struct perf_worker *w, struct perf_slot *slot, int error);
/** Check and release all kept lends, except those whose overwrite is in flight. */
void perf_verify_give_back(struct perf_worker *w);
/** Judge what was read (check.c). @param keep store sums for a second check @return it is right */
bool perf_check_read(struct perf_worker *w, struct perf_slot *slot, bool keep);
/** Check that kept lent memory is unchanged. */
void perf_check_again(struct perf_worker *w, struct perf_slot *slot);

#endif
