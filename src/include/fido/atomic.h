/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_ATOMIC_H
#define FIDO_ATOMIC_H

/**
 * @file
 * Atomic access to shared words, the same in C11 and C++.
 *
 * C11's _Atomic does not compile in C++, and these headers must. Each access names its ordering in
 * the function's name, so that a reader sees at the call which ordering is meant. The label beside
 * each release/acquire in the code (R1, A1, ...) names its partner; doc/memory-model.md lists them.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define fido_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define fido_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define fido_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define fido_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/** Full fence. Used in the sleep handshake only: it orders a store before a later load. */
static inline void
fido_fence_seq_cst(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/** Tell the core that this is a busy loop. */
static inline void
fido_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

/** Fetch a cache line that is about to be written, in the state for writing. */
static inline void
fido_prefetch_write(const void *p)
{
#if defined(__x86_64__)
	/* The compiler's builtin becomes a fetch for reading unless a newer processor is asked for. */
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
	__builtin_prefetch(p, 1);
#endif
}

/** Fetch a cache line that is about to be read. */
static inline void
fido_prefetch_read(const void *p)
{
	__builtin_prefetch(p, 0);
}

/** Add to a counter that one thread writes and others may read at any time. */
static inline void
fido_counter_add(uint64_t *counter, uint64_t n)
{
	fido_store_relaxed(counter, fido_load_relaxed(counter) + n);
}

#ifdef __cplusplus
}
#endif

#endif
