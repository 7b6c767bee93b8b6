/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_REGION_H
#define FIDO_REGION_H

/**
 * @file
 * Regions: memory of this domain that the group can read.
 *
 * An arena is memory that libfido allocates, in the owner's slot: its pointer is its gaddr. Imported
 * memory (DPDK's heap) stays where it is in the owner; its gaddr differs by a constant. A region's
 * pages are exported and withdrawn in extents; each change is a new *epoch* of the domain, and a page
 * is sent by pointer only to peers that have mapped its epoch.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Regions a domain can have. */
#define FIDO_REGIONS_MAX 64

/** One region. Read by the data path (fido_txq_gaddr); written by the control path. */
struct fido_region {
	uintptr_t va;            /**< where the owner uses it */
	uint64_t len;            /**< bytes of address space */
	uint64_t gaddr;          /**< where the group sees it */
	uint32_t *granule_epoch; /**< by granule: epoch in which it was exported, 0: it is not */
	struct fido_domain *domain;
	uint32_t index;
	int fd;             /**< arena: its memfd; else -1 */
	uint32_t page_size; /**< bytes; smallest page of an extent */
	bool arena;
};

/**
 * Allocate an arena: a sealed memfd, huge pages if there are any (else ordinary pages and one
 * warning), mapped at its gaddr.
 *
 * Control path; blocks for the allocation. Owned by the domain until fido_region_destroy().
 *
 * @param size bytes, rounded up to whole granules
 * @return 0, -ENOSPC (slot or memory), -errno
 */
int fido_arena_create(struct fido_domain *domain, size_t size, struct fido_region **out);

/**
 * Give the address range [va, va + len) a place in the slot. Nothing is exported yet.
 *
 * @param align power of two: the largest page size that will be exported; at least a granule is used
 * @return 0, -EINVAL, -ENOSPC
 */
int fido_region_import(struct fido_domain *domain, void *va, size_t len, size_t align,
	struct fido_region **out);

/**
 * Export pages of an imported region. Peers are told; until a peer has mapped them they are not sent to
 * it by pointer. Any thread but the control thread's callbacks; does not wait for peers.
 *
 * @param offset, len in the region; multiples of the page size and of a granule (the last granule may be
 *        cut off by the region's end)
 * @param fd, fd_offset the pages; fd stays the caller's and open until fido_region_withdraw() is called. Peers get it
 *        read-only.
 * @return 0, -EINVAL (not such a range, or not in the file), -EBUSY (a part is exported, or was and is still read), -EOPNOTSUPP
 *         (here only arenas can be exported: Xen without the fido-grant module, no /proc), -errno
 */
int fido_region_export(struct fido_region *region, uint64_t offset, uint64_t len, int fd,
	uint64_t fd_offset);

/**
 * Withdraw pages before they are freed: from now on they are not sent, and peers unmap them as soon as no ticket is out
 * that names them: a peer that unmapped what it still reads would read zeros. Blocks until every peer has done so, at most
 * timeout_ms. Any part of what was exported, as fido_region_export().
 *
 * @return
 *   - 0: nobody reads or maps them
 *   - -ETIMEDOUT: some peer still reads, or has mapped, a part of them. It goes on by itself: peers unmap them when they can,
 *     and their mappings keep the pages until then. Pages that were sent must not be written before, nor their file be
 *     truncated or punched. A range that somebody still reads cannot be exported again (-EBUSY)
 *   - -EINVAL: not such a range
 */
int fido_region_withdraw(struct fido_region *region, uint64_t offset, uint64_t len,
	unsigned int timeout_ms);

/**
 * Withdraw everything and free the region; waits some milliseconds for the peers to let go of it. NULL is legal. An arena may be destroyed while
 * tickets are out that name it: its memory is not this domain's any more, and stays as it is, for those who read it, until
 * the last of them has given it back or has ended. The memory of an imported region is the caller's: fido_region_withdraw()
 * tells when it may be freed.
 */
void fido_region_destroy(struct fido_region *region);

#ifdef __cplusplus
}
#endif

#endif
