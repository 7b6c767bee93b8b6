/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_XEN_GRANT_H
#define FIDO_XEN_GRANT_H

/**
 * @file
 * Grant memory to other Xen domains, always read-only, and map the memory that they granted.
 *
 * Two drivers grant:
 * - The fido-grant module (drivers/xen/fido-grant): pages of any shared file mapping, to any number
 *   of domains. Memory is memfds, as on the host transport. DPDK's heap can be exported, and any
 *   number of domains can forward a page.
 * - gntalloc, in every Linux kernel: it allocates a page together with its one grant. So all our
 *   memory is for one other domain, chosen at join: the group has two Xen domains, and only arenas
 *   are exported.
 *
 * gntdev's import of dma-bufs is no option: it grants pages writable, so the owner would enforce
 * nothing.
 *
 * gntdev (/dev/xen/gntdev, opened read-only) maps the grants.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport.h"

/** Maximum pages to grant or map at a time: those of one granule. */
#define FIDO_XEN_PIECE_PAGES 512u
#define FIDO_XEN_PAGE 4096u

struct fido_xen_grants;

/**
 * Open the devices.
 * @param only the one other Xen domain of the group; UINT32_MAX: there are none, or several
 * @return 0, -ENODEV, -EACCES, -EOPNOTSUPP (several others, and no module), -ENOSPC (limits);
 *         message written
 */
int fido_xen_grants_open(const char *group, uint32_t only, struct fido_xen_grants **out);
/** Close the devices. The kernel keeps pages allocated until no domain maps them. NULL is legal. */
void fido_xen_grants_close(struct fido_xen_grants *g);
/** @return true: memory that fido_xen_grants_memory() did not create can be granted too. */
bool fido_xen_grants_any_memory(const struct fido_xen_grants *g);
/** fido_transport_ops.memory_create and memory_seal. */
int fido_xen_grants_memory(struct fido_xen_grants *g, size_t size, bool huge, int *fd);
int fido_xen_grants_seal(struct fido_xen_grants *g, int fd);
/**
 * Grant pages of an extent of ours, which is mapped at its gaddr.
 * @param gaddr, pages within the extent; at most FIDO_XEN_PIECE_PAGES
 * @param refs  filled in
 * @param id    for fido_xen_grants_end()
 * @return 0, -ENOSPC (no grant references left; message written), -EOPNOTSUPP (not for that
 *         domain), -errno
 */
int fido_xen_grants_add(struct fido_xen_grants *g, const struct fido_extent *e, uint64_t gaddr,
	uint32_t pages, unsigned int domid, uint32_t *refs, uint64_t *id);
/** End a grant. Pages that the other domain still maps stay allocated until it unmaps them. */
void fido_xen_grants_end(struct fido_xen_grants *g, uint64_t id);
/**
 * Map pages that a domain granted, read-only, over a reservation of address space.
 * @return 0, -errno: the reservation is as before
 */
int fido_xen_grants_map(struct fido_xen_grants *g, unsigned int domid, const uint32_t *refs,
	uint32_t pages, void *addr);
/** Unmap pages outside the slots. fido_slot_unmap() unmaps those in a slot. */
void fido_xen_grants_unmap(void *addr, uint32_t pages);
/** Map one page at any address. @return NULL: the page cannot be mapped */
const void *fido_xen_grants_map_page(struct fido_xen_grants *g, unsigned int domid, uint32_t ref);
/** @return an id of the clock that fido/clock.h reads here: equal ids mean the same clock. */
uint64_t fido_xen_clock(unsigned int domid);

#endif
