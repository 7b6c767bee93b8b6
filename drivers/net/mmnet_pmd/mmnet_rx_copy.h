/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_COPY_H
#define MMNET_RX_COPY_H

/** @file Copies out of a peer's memory, whose lines are in another core's cache. For mmnet_rx.c. */

#include <stdint.h>
#include <string.h>

#include <rte_common.h>
#include <rte_memcpy.h>
#include <rte_prefetch.h>

/** Up to here the C library's copy is a loop of wide vectors; beyond, one string instruction on many processors. */
#define MMNET_COPY_PIECE 2048

/**
 * Copy a packet of several pages, in pieces for which the C library has its loop. The processor fetches ahead within a page
 * only: so the pages to come are begun here.
 */
static __rte_noinline void
mmnet_copy_long(char *to, const char *from, uint32_t len)
{
	const uintptr_t page = 4096;

	for (uintptr_t p = ((uintptr_t)from | (page - 1)) + 1; p < (uintptr_t)from + len; p += page)
		for (unsigned int line = 0; line < 8; line++)
			rte_prefetch0((const void *)(p + line * RTE_CACHE_LINE_SIZE));
	while (len != 0) {
		/* Not a constant, of which the compiler would make a string instruction again. */
		uint32_t n = RTE_MIN(len, (uint32_t)MMNET_COPY_PIECE);

		memcpy(to, from, n);
		to += n;
		from += n;
		len -= n;
	}
}

/**
 * Copy a packet's bytes. The C library's copy is made for the processor it runs on, ours for the oldest one that DPDK takes;
 * but a call costs more than a copy of two lines.
 */
static inline void
mmnet_copy(void *to, const void *from, uint32_t len)
{
	if (len <= 2 * RTE_CACHE_LINE_SIZE)
		rte_memcpy(to, from, len);
	else if (len <= MMNET_COPY_PIECE)
		memcpy(to, from, len);
	else
		mmnet_copy_long(to, from, len);
}

#endif
