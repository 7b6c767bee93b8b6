/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_SEQLOCK_H
#define FIDO_SEQLOCK_H

/**
 * @file
 * Consistent snapshots of several words of shared memory, by a sequence number beside them
 * (seqlock).
 *
 * One writer at a time, any number of readers; the writer never waits for a reader. The words are
 * written and read with relaxed atomics, because a reader may copy them while they are being
 * written, and then discards the copy.
 *
 *	writer                                          reader
 *	n = fido_seq_write_begin(&seq)                  do {
 *	store the words                                         n = fido_seq_read_begin(&seq)
 *	fido_seq_write_end(&seq, n)                             copy the words
 *	                                                } while (!fido_seq_read_whole(&seq, n))
 *
 * I1. The number is odd while the words are being written, and a new even number afterwards.
 * I2. A reader limits its tries: the writer may be dead or hostile.
 *
 * Orderings:
 * | label | where             | partner | what it proves                                |
 * |-------|-------------------|---------|-----------------------------------------------|
 * | R6    | write: odd number | A6      | a copy with a word newer than its number is   |
 * |       |                   |         | discarded                                     |
 * | R7    | write: even one   | A7      | no word of the copy is older than its number  |
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/atomic.h>

/** Writer: begin to store the words. @return the number for fido_seq_write_end() */
static inline uint32_t
fido_seq_write_begin(uint32_t *seq)
{
	uint32_t before = *seq;

	fido_store_relaxed(seq, before + 1);
	/*
	 * R6: pairs with A6. The odd number is seen before any of the new words. This takes a
	 * fence: a release store orders earlier accesses, not later ones.
	 */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return before + 2;
}

/** Writer: all words are stored. */
static inline void
fido_seq_write_end(uint32_t *seq, uint32_t value)
{
	/* R7: pairs with A7. All words are written before the number turns even. */
	fido_store_release(seq, value);
}

/**
 * Reader: begin to copy the words.
 * @return the number for fido_seq_read_whole(); odd: it will fail
 */
static inline uint32_t
fido_seq_read_begin(const uint32_t *seq)
{
	/* A7: pairs with R7. No word is copied before the number is read. */
	return fido_load_acquire(seq);
}

/** Reader: end. @return true: the words copied since fido_seq_read_begin() are consistent */
static inline bool
fido_seq_read_whole(const uint32_t *seq, uint32_t value)
{
	/* A6: pairs with R6. The words are read before the number is read again. This takes a
	 * fence: an acquire load orders later accesses, not earlier ones. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return (value & 1) == 0 && fido_load_relaxed(seq) == value;
}

#endif
