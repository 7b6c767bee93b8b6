/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_XEN_GRANT_H
#define FIDO_XEN_GRANT_H

/**
 * @file
 * Granting memory to other Xen domains, always read-only, and mapping what they granted.
 *
 * Two ways to grant:
 * - The fido-grant module (drivers/xen/fido-grant): pages of any shared file mapping, to any number of domains. Memory
 *   is memfds, as on the host transport, DPDK's heap can be exported, and a page is passed on by as many as like.
 * - gntalloc, of every Linux kernel: it allocates the page together with its one grant. So there is one other domain that
 *   all our memory is for, chosen at join: a group of two Xen domains, and arenas only.
 *
 * (gntdev's import of dma-bufs is no third way: it grants writable, so the owner would not enforce anything.)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport.h"

/** Pages granted or mapped at a time: a granule of them. */
#define FIDO_XEN_PIECE_PAGES 512u
#define FIDO_XEN_PAGE 4096u

struct fido_xen_grants;

/**
 * Open the devices.
 * @param only the one other Xen domain of the group; UINT32_MAX: there are none, or several
 * @return 0, -ENODEV, -EACCES, -EOPNOTSUPP (several others, and no module), -ENOSPC (limits); message written
 */
int fido_xen_grants_open(const char *group, uint32_t only, struct fido_xen_grants **out);
/** What is granted stays granted until those who map it let it go: the kernel sees to that. NULL is legal. */
void fido_xen_grants_close(struct fido_xen_grants *g);
/** @return true: memory that was not made by fido_xen_grants_memory() can be granted too. */
bool fido_xen_grants_any_memory(const struct fido_xen_grants *g);
/** As fido_transport_ops.memory_create and memory_seal. */
int fido_xen_grants_memory(struct fido_xen_grants *g, size_t size, bool huge, int *fd);
int fido_xen_grants_seal(struct fido_xen_grants *g, int fd);
/**
 * Grant pages of an own extent, which is mapped at its gaddr.
 * @param gaddr, pages within the extent; at most FIDO_XEN_PIECE_PAGES
 * @param refs  filled in
 * @param id    for fido_xen_grants_end()
 * @return 0, -ENOSPC (no grant references left; message written), -EOPNOTSUPP (not for that domain), -errno
 */
int fido_xen_grants_add(struct fido_xen_grants *g, const struct fido_extent *e, uint64_t gaddr,
	uint32_t pages, unsigned int domid, uint32_t *refs, uint64_t *id);
/** End a grant. Where the other domain still maps the pages, they stay allocated until it does not. */
void fido_xen_grants_end(struct fido_xen_grants *g, uint64_t id);
/** Map what a domain granted, read-only, over a reservation. @return 0, -errno: the reservation is there as before */
int fido_xen_grants_map(struct fido_xen_grants *g, unsigned int domid, const uint32_t *refs,
	uint32_t pages, void *addr);
/** Unmap at an address of our own choice; what lies in slots goes by fido_slot_unmap(). */
void fido_xen_grants_unmap(void *addr, uint32_t pages);
/** Map one page at any address. @return NULL: it cannot be */
const void *fido_xen_grants_map_page(struct fido_xen_grants *g, unsigned int domid, uint32_t ref);
/** Name the clock that fido/clock.h reads here: equal only where it is the same one. */
uint64_t fido_xen_clock(unsigned int domid);

#endif
