/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RTE_PMD_MMNET_H
#define RTE_PMD_MMNET_H

/**
 * @file
 * What the mmnet driver offers applications beside the ethdev interface: mbuf pools in an arena.
 *
 * An arena is memory that libfido allocates so that the group can read it. Packets of such a pool are sent without
 * a copy also where EAL's own memory is not exported: with heap=off, or where the transport cannot export it (Xen
 * without Fido's kernel module).
 *
 * The pools are ordinary mempools, of mempool ops that the driver registers; there is nothing to link with. An
 * application that knows nothing of them uses them too, with the device argument pools=arena or EAL's option
 * --mbuf-pool-ops-name=mmnet_arena.
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
 * The process must have an mmnet port: --vdev on the command line is early enough. Its mbufs have no IOVA: they are
 * for virtual devices, a NIC cannot reach them. The process stays in its group until the pool is freed, with
 * rte_mempool_free(), when all mbufs are back; that waits up to a second for the peers to unmap it.
 *
 * @param name, n, cache_size, priv_size, data_room_size
 *   As rte_pktmbuf_pool_create() takes them.
 * @return
 *   The pool, or NULL with rte_errno: ENODEV (no mmnet port), ENOMEM, ENOSPC (no room in the slot, or no region left:
 *   each pool is one), and what rte_pktmbuf_pool_create() says
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
