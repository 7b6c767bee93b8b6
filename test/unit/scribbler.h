/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SCRIBBLER_H
#define SCRIBBLER_H

/**
 * @file
 * A hostile domain: a process that joins as "b", brings up a link to "a", lets honest traffic run, and then
 * writes what it likes into all that it owns, and says what it likes, until it is killed.
 */

#include <stdint.h>

enum scribble_kind {
	SCRIBBLE_CONTROL_RANDOM, /**< words anywhere in the control block */
	SCRIBBLE_HEAP_RANDOM,    /**< words anywhere in rings and counters */
	SCRIBBLE_RECORD,         /**< fields of the link's record */
	SCRIBBLE_MAPPED,         /**< what it says that it has mapped */
	SCRIBBLE_RING_HEAD,      /**< closed, attached, armed, sleeps, queue_id, size */
	SCRIBBLE_DESC_ADDRESS,   /**< descriptors by the rules, but for address and length */
	SCRIBBLE_DESC_CHAIN,     /**< messages that never end */
	SCRIBBLE_DESC_BROKEN,    /**< descriptors with tickets and laps against the rules */
	SCRIBBLE_COMP_BROKEN,    /**< completions: of what is not out, twice, too many */
	SCRIBBLE_MESSAGE,        /**< control messages */
	SCRIBBLE_KINDS
};

extern const char *const scribble_names[SCRIBBLE_KINDS];

/** Shared by the test and the process. Writer: the process, but for want, seed and only. */
struct scribble_shared {
	uint64_t want; /**< items in this life */
	uint64_t seed;
	uint64_t items[SCRIBBLE_KINDS]; /**< in all lives */
	uint64_t total;                 /**< in this life */
	uint32_t links;                 /**< times the link came up, in all lives */
	uint32_t done;                  /**< all items of this life are written; it goes on */
};

/** Be that domain. Does not return. */
void scribbler_run(struct scribble_shared *shared) __attribute__((noreturn));

#endif
