/* SPDX-License-Identifier: BSD-3-Clause */
/* counter: a 64-bit counter with one writer and any number of readers. */
#ifndef FIDO_FWD_COUNTER_H
#define FIDO_FWD_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

/* Add n to a counter. Only its writer may call this. */
static inline void
fwd_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
		memory_order_relaxed);
}

/* Return the value of a counter. Any thread. */
static inline uint64_t
fwd_read(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
