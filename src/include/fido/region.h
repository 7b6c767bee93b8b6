/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_REGION_H
#define FIDO_REGION_H

/**
 * @file
 * Regions: memory of this domain that the group can read.
 *
 * An arena is memory that libfido allocates in the owner's slot: its pointer is its gaddr. Imported
 * memory (DPDK's heap) stays where it is in the owner: its pointer and gaddr differ by a constant.
 * The owner exports and withdraws pages of a region in extents. Each export or withdrawal starts a
 * new *epoch* of the domain. A page is sent by pointer only to peers that have mapped its epoch.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most regions of a domain. */
#define FIDO_REGIONS_MAX 64

/**
 * One region. The control path writes it with the domain's lock held; senders read it
 * (fido_txq_gaddr()). The application may read it between creation and destruction.
 */
struct fido_region {
	uintptr_t va;               /**< address in the owner */
	uint64_t len;               /**< bytes of address space */
	uint64_t gaddr;             /**< address in the group */
	uint32_t *granule_epoch;    /**< by granule: epoch that exported it; 0: not exported */
	struct fido_domain *domain; /**< owner */
	uint32_t index;             /**< in the domain's table of regions */
	int fd;                     /**< arena: its memfd; otherwise -1 */
	uint32_t page_size;         /**< bytes; of an arena's pages, or the align of an import */
	bool arena;                 /**< allocated by fido_arena_create() */
};

/**
 * Allocate an arena: a sealed memfd of huge pages, mapped at its gaddr. Without free huge pages it
 * uses ordinary pages, and logs a warning unless fido_domain_config.no_hugepages is set.
 *
 * Control path; blocks for the allocation (seconds for some GiB).
 *
 * @param size bytes, rounded up to whole granules
 * @param out  receives the region, which the domain owns until fido_region_destroy()
 * @return
 *   - 0
 *   - -EINVAL: size is 0
 *   - -ENOSPC: no room in the slot, too many regions, or a limit of the transport
 *   - -ENOMEM, other -errno
 * @see fido_region_destroy
 */
int fido_arena_create(struct fido_domain *domain, size_t size, struct fido_region **out);

/**
 * Reserve a place in the slot for the caller's memory [va, va + len). Exports nothing yet.
 * Control path; does not block.
 *
 * @param align power of two: the largest page size that will be exported, in bytes; raised to a
 *              granule
 * @param out   receives the region, which the domain owns until fido_region_destroy(); the memory
 *              stays the caller's
 * @return 0, -EINVAL (len or align), -ENOSPC (no room in the slot, or too many regions)
 * @see fido_region_destroy
 */
int fido_region_import(struct fido_domain *domain, void *va, size_t len, size_t align,
	struct fido_region **out);

/**
 * Export pages of an imported region: peers map them. Until a peer has mapped them, nothing in them
 * is sent to it by pointer. Any thread, but not from a fido_link_event_fn; does not wait for peers.
 *
 * @param offset in the region, in bytes: a multiple of the page size and of a granule
 * @param len    bytes: likewise, except that the range may end with the region
 * @param fd     file that holds the pages; stays the caller's, and open until
 *               fido_region_withdraw() is called. Peers get it read-only
 * @param fd_offset where the pages begin in the file, in bytes
 * @return
 *   - 0
 *   - -EINVAL: bad range, or not within the file
 *   - -EBUSY: a part of the range is exported, or was exported and is still read
 *   - -ENOENT: these pages lie outside the memory that the group shares (virtual machines)
 *   - -EOPNOTSUPP: only arenas can be exported here (Xen without the fido-grant module; a virtual
 *     machine without shared RAM; no /proc)
 *   - other -errno
 * @see fido_region_withdraw
 */
int fido_region_export(struct fido_region *region, uint64_t offset, uint64_t len, int fd,
	uint64_t fd_offset);

/**
 * Withdraw exported pages, before their memory is freed. From now on nothing in them is sent. Peers
 * unmap them as soon as no ticket that names them is out: a peer that unmapped them earlier would
 * read zeros. Any thread, but not from a fido_link_event_fn; blocks until every peer has unmapped
 * them, at most timeout_ms.
 *
 * @param offset, len any part of what was exported, in bytes, aligned as for fido_region_export()
 * @return
 *   - 0: no domain reads or maps the pages
 *   - -EINVAL: bad range
 *   - -ETIMEDOUT: some peer still reads or maps a part of them. The withdrawal continues in the
 *     background, and the peers' mappings keep the pages until then. Until then do not write to
 *     pages that were sent, nor truncate or punch their file. A range that is still read cannot
 *     be exported again (-EBUSY)
 */
int fido_region_withdraw(struct fido_region *region, uint64_t offset, uint64_t len,
	unsigned int timeout_ms);

/**
 * Withdraw everything and free the region. Control path; waits some milliseconds for peers to unmap
 * it.
 *
 * An arena may be destroyed while tickets that name it are out. Its memory then no longer belongs
 * to this domain, and keeps its contents until the last reader has given it back or has exited. The
 * memory of an imported region stays the caller's: fido_region_withdraw() tells when it may be
 * freed.
 *
 * @param region NULL is legal
 */
void fido_region_destroy(struct fido_region *region);

#ifdef __cplusplus
}
#endif

#endif
