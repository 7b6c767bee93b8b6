/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_SEQLOCK_H
#define FIDO_SEQLOCK_H

/**
 * @file
 * Several words of shared memory that are taken as they were at one time, or not at all, by the number beside them.
 *
 * One writer at a time; any number of readers, of which the writer knows nothing and for which it never waits. The
 * words are written and read by relaxed atomics, as a reader may copy what is being written, to throw it away.
 *
 *	writer                                          reader
 *	n = fido_seq_write_begin(&seq)                  do {
 *	store the words                                         n = fido_seq_read_begin(&seq)
 *	fido_seq_write_end(&seq, n)                             copy the words
 *	                                                } while (!fido_seq_read_whole(&seq, n))      so many times
 *
 * I1. The number is odd while the words are being written, and is another, even one after that.
 * I2. A reader gives up at some time: the writer may be dead, or mean no good.
 *
 * Orderings:
 * | label | where             | partner | what it proves                                |
 * |-------|-------------------|---------|-----------------------------------------------|
 * | R6    | write: odd number | A6      | a copy of which something is newer than its   |
 * |       |                   |         | number is not taken                           |
 * | R7    | write: even one   | A7      | what a number stands for is read, not older   |
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/atomic.h>

/** Writer: the words may be stored from here on. @return what fido_seq_write_end() wants */
static inline uint32_t
fido_seq_write_begin(uint32_t *seq)
{
	uint32_t before = *seq;

	fido_store_relaxed(seq, before + 1);
	/*
	 * R6: pairs with A6. The odd number is seen before any of the new words. A fence, as a release store keeps in
	 * place what comes before it, not what comes after.
	 */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return before + 2;
}

/** Writer: all are stored. */
static inline void
fido_seq_write_end(uint32_t *seq, uint32_t value)
{
	/* R7: pairs with A7. All words are written before the number turns even. */
	fido_store_release(seq, value);
}

/** Reader: the words may be copied from here on. @return what fido_seq_read_whole() wants; odd: it will say no */
static inline uint32_t
fido_seq_read_begin(const uint32_t *seq)
{
	/* A7: pairs with R7. No word is copied before the number is read. */
	return fido_load_acquire(seq);
}

/** @return true: what was copied since fido_seq_read_begin() is of one time */
static inline bool
fido_seq_read_whole(const uint32_t *seq, uint32_t value)
{
	/* A6: pairs with R6. What was copied was read before the number is read again; a fence, for the same reason. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return (value & 1) == 0 && fido_load_relaxed(seq) == value;
}

#endif
