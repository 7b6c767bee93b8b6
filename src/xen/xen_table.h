/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_XEN_TABLE_H
#define FIDO_XEN_TABLE_H

/**
 * @file
 * The table that one domain hands another on Xen: the grant references of its memory, and its
 * doorbells. Its pages are granted to that one domain, read-only. xenstore names the first page,
 * the root.
 *
 *   root ──► piece pages: which memory, 2 MiB and less at a time     (256 pieces each)
 *        ──► reference pages: the grant references of two pieces      (512 references each)
 *        ──► bell pages: event channel ports of a link's queues       (13 links each)
 *
 * The owner writes every field. It creates pages when needed and keeps them. A piece and a bell set
 * have a `serial`, which is odd while the owner writes them and changes with every write. A reader
 * loads `epoch` and `sent` first: the pieces that it reads afterwards hold all memory granted up to
 * the epoch `sent`.
 *
 * `alive` is 1 as long as the owner's process lives. When the process ends, for whatever reason,
 * its kernel clears `alive` and rings the event channel (gntalloc's unmap notification).
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/atomic.h>
#include <fido/link.h>
#include <fido/queue_shm.h>

#include "xen_grant.h"

#define FIDO_XEN_MAGIC UINT32_C(0x584f4446) /* "FDOX" */
#define FIDO_XEN_PIECE_PAGES_OF_TABLE 4
#define FIDO_XEN_PIECES_PER_PAGE (FIDO_XEN_PAGE / 16)
/** Maximum number of pieces of a domain: 2 GiB of memory. */
#define FIDO_XEN_PIECES_MAX (FIDO_XEN_PIECE_PAGES_OF_TABLE * FIDO_XEN_PIECES_PER_PAGE)
#define FIDO_XEN_REF_PAGES (FIDO_XEN_PIECES_MAX / 2)
#define FIDO_XEN_BELLS_PER_PAGE 13
#define FIDO_XEN_BELL_PAGES \
	((FIDO_DOMAIN_LINKS_MAX + FIDO_XEN_BELLS_PER_PAGE - 1) / FIDO_XEN_BELLS_PER_PAGE)

enum fido_xen_left {
	FIDO_XEN_STAYS,
	FIDO_XEN_LEFT, /**< buffers were still out or held */
	FIDO_XEN_LEFT_CLEAN,
};

struct fido_xen_root_shm {
	uint32_t magic;
	uint32_t version; /**< FIDO_LAYOUT_VERSION */
	uint8_t alive;
	uint8_t observes; /**< an observer: it has no links */
	uint8_t pad[2];
	uint32_t left; /**< enum fido_xen_left */
	uint64_t generation;
	uint64_t to; /**< generation of the domain that this is for */
	uint64_t control_size;
	uint32_t epoch;   /**< all withdrawals up to it are in the pieces; 0: nothing granted yet */
	uint32_t changes; /**< incremented when the control block has changed */
	uint32_t piece_pages[FIDO_XEN_PIECE_PAGES_OF_TABLE]; /**< grant references; 0: none */
	uint32_t bell_pages[FIDO_XEN_BELL_PAGES];
	uint32_t sent; /**< all memory up to this epoch is in the pieces */
	uint32_t pad2[2];
	uint32_t ref_pages[FIDO_XEN_REF_PAGES];
};

struct fido_xen_piece_shm {
	uint64_t gaddr;
	uint32_t pages; /**< 0: none */
	uint32_t serial;
};

struct fido_xen_bells_shm {
	char link[FIDO_NAME_MAX];
	uint32_t serial; /**< 0: none */
	uint16_t nrx;
	uint16_t ntx;
	/** Of the nrx receive queues, then of the ntx transmit queues. */
	uint32_t ports[2 * FIDO_LINK_QUEUES_MAX];
};

FIDO_STATIC_ASSERT(sizeof(struct fido_xen_piece_shm) == 16, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_xen_bells_shm) == 296, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_xen_bells_shm) * FIDO_XEN_BELLS_PER_PAGE <= FIDO_XEN_PAGE,
	"layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_xen_root_shm, piece_pages) == 48, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_xen_root_shm, sent) == 84, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_xen_root_shm, ref_pages) == 96, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_xen_root_shm) <= FIDO_XEN_PAGE, "layout");

/* ---- our table for one peer ---- */

struct fido_xen_table;

/**
 * Create a table, with its root, for a domain.
 * @param port event channel port that the kernel rings when this process ends
 * @return 0, -ENOSPC, -ENOMEM, -errno; message written
 */
int fido_xen_table_create(struct fido_xen_table **out, unsigned int domid, uint32_t port);
/** Free a table and end the grants of its pieces. The peer keeps its mappings. NULL is legal. */
void fido_xen_table_destroy(struct fido_xen_table *t, struct fido_xen_grants *g);
/** @return the root, for its plain fields; *ref is its grant reference. */
struct fido_xen_root_shm *fido_xen_table_root(struct fido_xen_table *t, uint32_t *ref);
/**
 * Grant memory and add it to the table.
 * @param g NULL: grant nothing, the reader is in this process
 * @return 0, -ENOSPC (no piece or grant left), -errno: the table may have some of it
 */
int fido_xen_table_add(struct fido_xen_table *t, struct fido_xen_grants *g,
	const struct fido_extent *e);
/** Remove memory from the table and end its grants. */
void fido_xen_table_remove(struct fido_xen_table *t, struct fido_xen_grants *g, uint64_t gaddr,
	uint64_t len);
/** Publish the bells of link i. @return 0, -ENOSPC */
int fido_xen_table_set_bells(struct fido_xen_table *t, uint32_t i,
	const struct fido_xen_bells_shm *bells);

/* ---- a peer's table for us ---- */

struct fido_xen_view;

/**
 * Map a peer's root.
 * @return 0, -EPROTO (not a root, or of another version: *version), -ENOMEM, -EINVAL (no such
 *         grant)
 */
int fido_xen_view_open(struct fido_xen_view **out, struct fido_xen_grants *g, unsigned int domid,
	uint32_t ref, uint32_t *version);
/** NULL is legal. */
void fido_xen_view_close(struct fido_xen_view *v);
const struct fido_xen_root_shm *fido_xen_view_root(const struct fido_xen_view *v);
/**
 * Compare the pieces with those of the last call. Call gone() for each that was removed, then
 * came() for each that was added. A piece for which came() does not return 0 counts as new in the
 * next call; a positive number does not stop this call.
 * @return 0, -EPROTO, -errno of gone() or came()
 */
int fido_xen_view_pieces(struct fido_xen_view *v,
	int (*gone)(void *arg, uint64_t gaddr, uint64_t len),
	int (*came)(void *arg, uint64_t gaddr, uint64_t len), void *arg);
/**
 * A fido_map_fn: map [addr, addr + len) from the peer's pieces; arg is the view.
 * @return 0, -EAGAIN (the peer does not grant some of it, yet or any more: its next epoch tells),
 *         -EPROTO, -errno
 */
int fido_xen_view_map(void *arg, void *addr, size_t len);
/** Call fn for each new set of bells. @return 0, -EPROTO */
int fido_xen_view_bells(struct fido_xen_view *v,
	void (*fn)(void *arg, const struct fido_xen_bells_shm *bells), void *arg);

#endif
