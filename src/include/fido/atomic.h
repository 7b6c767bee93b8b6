/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_ATOMIC_H
#define FIDO_ATOMIC_H

/**
 * @file
 * Atomic access to shared words, the same in C11 and C++.
 *
 * C11's _Atomic does not compile in C++, and these headers must. Each function's name states its
 * ordering. A label beside each release and acquire in the code (R1, A1, ...) names its partner;
 * doc/memory-model.md lists them all.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Load the word at p (1, 2, 4 or 8 bytes) atomically, without an ordering. */
#define fido_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
/** Load the word at p. Accesses after this call stay after it. */
#define fido_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
/** Store v in the word at p (1, 2, 4 or 8 bytes) atomically, without an ordering. */
#define fido_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
/** Store v in the word at p. Accesses before this call stay before it. */
#define fido_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/** Full fence: orders a store before a later load. Only the sleep handshake needs it. */
static inline void
fido_fence_seq_cst(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/** Tell the processor that this is a busy-wait loop. */
static inline void
fido_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

/** Prefetch a cache line for writing. */
static inline void
fido_prefetch_write(const void *p)
{
#if defined(__x86_64__)
	/* The compiler's builtin prefetches for reading unless -march names a newer processor. */
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
	__builtin_prefetch(p, 1);
#endif
}

/** Prefetch a cache line for reading. */
static inline void
fido_prefetch_read(const void *p)
{
	__builtin_prefetch(p, 0);
}

/** Add n to a counter that only this thread writes and others may read at any time. */
static inline void
fido_counter_add(uint64_t *counter, uint64_t n)
{
	fido_store_relaxed(counter, fido_load_relaxed(counter) + n);
}

#ifdef __cplusplus
}
#endif

#endif
