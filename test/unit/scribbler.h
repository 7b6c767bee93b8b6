/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SCRIBBLER_H
#define SCRIBBLER_H

/**
 * @file
 * A hostile domain: a process that joins as "b", brings up a link to "a", lets honest traffic run,
 * and then scribbles over all its shared memory and sends malformed messages until it is killed.
 */

#include <stdint.h>

enum scribble_kind {
	SCRIBBLE_CONTROL_RANDOM, /**< words anywhere in the control block */
	SCRIBBLE_HEAP_RANDOM,    /**< words anywhere in rings and counters */
	SCRIBBLE_RECORD,         /**< fields of the link's record */
	SCRIBBLE_MAPPED,         /**< the list of what it has mapped */
	SCRIBBLE_RING_HEAD,      /**< closed, attached, armed, sleeps, queue_id, size */
	SCRIBBLE_DESC_ADDRESS,   /**< valid descriptors except for address and length */
	SCRIBBLE_DESC_CHAIN,     /**< messages that never end */
	SCRIBBLE_DESC_BROKEN,    /**< descriptors with invalid tickets and laps */
	SCRIBBLE_COMP_BROKEN,    /**< completions: of what is not out, twice, too many */
	SCRIBBLE_MESSAGE,        /**< control messages */
	SCRIBBLE_KINDS
};

extern const char *const scribble_names[SCRIBBLE_KINDS];

/** Shared by the test and the process. The process writes all but want, seed and only. */
struct scribble_shared {
	uint64_t want; /**< items in this life */
	uint64_t seed;
	uint64_t items[SCRIBBLE_KINDS]; /**< in all lives */
	uint64_t total;                 /**< in this life */
	uint32_t links;                 /**< times the link came up, in all lives */
	uint32_t done;                  /**< all items of this life are written; it goes on */
};

/** Act as that domain. Does not return. */
void scribbler_run(struct scribble_shared *shared) __attribute__((noreturn));

#endif
