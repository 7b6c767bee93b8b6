/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_SLOTS_H
#define PERF_SLOTS_H

/**
 * @file
 * A queue's requests: as many as it can have in flight or lent, each with its memory. A slot is
 * taken when a request is made, and is free again when the request is done and what it was lent has
 * been given back. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/blk.h>
#include <fido/region.h>

#include "dirty.h"
#include "options.h"

/** What is to become of memory that was lent and is kept for a while. */
enum perf_lend {
	PERF_LEND_PLAIN,
	PERF_LEND_WANTED, /**< its blocks are to be written before it is looked at again */
	PERF_LEND_WRITING, /**< that write has been made */
};

struct perf_slot {
	struct fido_blk_request request;
	uint64_t start_ns; /**< when it was handed over */
	uint8_t *memory; /**< of bs_max bytes; NULL when the load needs none */
	struct iovec *iov; /**< the pieces of it that the request has */
	/* what was lent */
	struct fido_blk_lent *lent; /**< NULL: nothing */
	const struct iovec *lent_iov;
	unsigned int lent_iovcnt;
	/* checking */
	uint64_t first_block; /**< of the range */
	uint64_t block_count;
	uint64_t *versions; /**< of each block: what is being written */
	uint32_t *sums; /**< of each block: what was lent */
	struct perf_dirty_set flushed; /**< of a flush: what it covers */
	enum perf_lend lend; /**< of a read whose lent memory is kept */
	struct perf_slot *overwrites; /**< this write changes what that one was lent */
	struct perf_slot *next; /**< in a list: free, kept */
};

struct perf_slots {
	struct perf_slot *slots;
	struct perf_slot *free;
	uint32_t count;
	uint32_t segments;
	size_t slot_size; /**< bytes of a slot's memory */
	struct fido_region *arena; /**< NULL: none */
	uint8_t *heap; /**< NULL: none */
};

/**
 * Make the slots and their memory, as the options say.
 * @param domain for an arena; may be NULL when the options want none
 * @return 0, -ENOMEM, what fido_arena_create() returns (fido_last_error() says what to do)
 */
int perf_slots_create(struct perf_slots *slots, const struct perf_options *opt,
	struct fido_domain *domain);
/** All are free; nothing is in flight. */
void perf_slots_destroy(struct perf_slots *slots);
/** @return a free slot with an empty request, or NULL. */
struct perf_slot *perf_slots_take(struct perf_slots *slots);
void perf_slots_give(struct perf_slots *slots, struct perf_slot *slot);
/** Let the request have `length` bytes of the slot's memory. */
void perf_slots_set_iov(const struct perf_slots *slots, struct perf_slot *slot, size_t length);

#endif
