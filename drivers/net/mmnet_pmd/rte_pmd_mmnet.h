/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RTE_PMD_MMNET_H
#define RTE_PMD_MMNET_H

/**
 * @file
 * Mbuf pools in an arena, which the mmnet driver offers in addition to the ethdev interface.
 *
 * An arena is memory that libfido allocates for the group to read. Packets in it are sent without a
 * copy even if EAL's memory is not exported: with heap=off, or if the transport cannot export it
 * (Xen without Fido's kernel module).
 *
 * The pools are ordinary mempools, whose mempool ops the driver registers; no library has to be
 * linked. An application that does not include this header can use them too, with the device
 * argument pools=arena or EAL's option --mbuf-pool-ops-name=mmnet_arena.
 */

#include <rte_mbuf.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The mempool ops whose objects lie in an arena. */
#define RTE_PMD_MMNET_ARENA_OPS "mmnet_arena"

/**
 * Create an mbuf pool in an arena of the process's Fido domain.
 *
 * The process must have an mmnet port; one that --vdev creates is early enough. The mbufs have no
 * IOVA: virtual devices can send them, a NIC cannot reach them.
 *
 * The process stays in its group until the pool is freed. Free it with rte_mempool_free() when all
 * its mbufs are back; that waits up to a second for the peers to unmap it.
 *
 * @param name, n, cache_size, priv_size, data_room_size
 *   As for rte_pktmbuf_pool_create().
 * @return
 *   The pool, or NULL with rte_errno: ENODEV (no mmnet port), ENOMEM, ENOSPC (no room in the slot,
 *   or no region left; each pool is a region), or an error of rte_pktmbuf_pool_create().
 */
static inline struct rte_mempool *
rte_pmd_mmnet_pool_create(const char *name, unsigned int n, unsigned int cache_size,
	uint16_t priv_size, uint16_t data_room_size)
{
	return rte_pktmbuf_pool_create_by_ops(name, n, cache_size, priv_size, data_room_size,
		SOCKET_ID_ANY, RTE_PMD_MMNET_ARENA_OPS);
}

#ifdef __cplusplus
}
#endif

#endif
