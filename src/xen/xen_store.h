/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_XEN_STORE_H
#define FIDO_XEN_STORE_H

/**
 * @file
 * A group in xenstore: which Xen domains may join, which domains have joined, and what one domain
 * hands another.
 *
 *   /fido/<group>/layout            "BASE SLOT_SHIFT SLOTS"   written by dom0 (apps/xen/fido-group)
 *   /fido/<group>/slots/<domid>     "FIRST-LAST": slots of that Xen domain; written by dom0
 *   /fido/<group>/member/<domid>/   written by that Xen domain:
 *       domain/<slot>               "NAME GENERATION"
 *       maps/<slot>                 "SLOT:GENERATION ...": what the domain of <slot> maps
 *       to/<slot>/<their slot>      struct fido_xen_offer from <slot>'s domain to <their slot>'s
 *
 * Only dom0 can write which slots a Xen domain has, so none can take another's. When a Xen domain
 * has ended and its mappings are gone, and not before, xenstored removes all nodes that it owned
 * (XSA-419). This is how others learn of its death: a domain may not ask xenstored whether another
 * one lives.
 *
 * Each call is a round trip to xenstored of about 0.1 ms. The domain's lock guards all but open.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/domain.h>

struct fido_xen_store;

/** A Fido domain that has published itself. */
struct fido_xen_member {
	unsigned int domid;
	uint32_t slot;
	uint64_t generation;
	char name[FIDO_NAME_MAX];
};

/** One domain's offer to one generation of another. */
struct fido_xen_offer {
	uint64_t generation; /**< of the domain that this is for */
	uint64_t process;    /**< id of our process */
	uint64_t clock;      /**< id of our clock (fido_xen_clock) */
	uint32_t root;       /**< grant reference of a struct fido_xen_root_shm */
	uint32_t port;       /**< unbound event channel port; UINT32_MAX: the other offers one */
};

/**
 * Connect to xenstore and read this Xen domain's id.
 * @return 0, -ENODEV (no Xen here), -EACCES, -errno; message written
 */
int fido_xen_store_open(const char *group, struct fido_xen_store **out);
/** NULL is legal. */
void fido_xen_store_close(struct fido_xen_store *s);
/** @return this Xen domain's id. */
unsigned int fido_xen_store_domid(const struct fido_xen_store *s);
/**
 * Read the group's layout.
 * @param layout in: the one wanted, fields of 0: any value; out: the group's
 * @return 0, -ENOENT (no such group), -EINVAL (the group has another one); message written
 */
int fido_xen_store_layout(struct fido_xen_store *s, struct fido_layout *layout);
/** @return false: dom0 gave that Xen domain no slots of this group. */
bool fido_xen_store_slots(struct fido_xen_store *s, unsigned int domid, uint32_t *first,
	uint32_t *last);
/** @return number of other Xen domains that may be in the group; *only is one of them. */
unsigned int fido_xen_store_others(struct fido_xen_store *s, unsigned int *only);

/**
 * Call fn for each domain of the group whose slot belongs to its Xen domain.
 * @return 0, -errno, what fn returned
 */
int fido_xen_store_each(struct fido_xen_store *s,
	int (*fn)(void *arg, const struct fido_xen_member *m), void *arg);
/** @return true: some domain has published that it maps a generation of the slot. */
bool fido_xen_store_is_mapped(struct fido_xen_store *s, uint32_t slot);
/** Publish that we have joined. @return 0, -errno (message written) */
int fido_xen_store_publish(struct fido_xen_store *s, uint32_t slot, const char *name,
	uint64_t generation);
/** Remove all nodes of a slot of this Xen domain. */
void fido_xen_store_withdraw(struct fido_xen_store *s, uint32_t slot);
/** Publish what we map. */
void fido_xen_store_write_maps(struct fido_xen_store *s, uint32_t slot, const char *maps);
/** Publish an offer of `slot`, ours, for slot `to`. @return 0, -errno (message written) */
int fido_xen_store_write_offer(struct fido_xen_store *s, uint32_t slot, uint32_t to,
	const struct fido_xen_offer *offer);
void fido_xen_store_remove_offer(struct fido_xen_store *s, uint32_t slot, uint32_t to);
/** Read the offer of a domain for slot `to`. @return false: there is none, or it is malformed */
bool fido_xen_store_read_offer(struct fido_xen_store *s, const struct fido_xen_member *from,
	uint32_t to, struct fido_xen_offer *offer);

/** Watch the group's members, and the ends of Xen domains. @return 0, -errno (message written) */
int fido_xen_store_watch(struct fido_xen_store *s);
/** The descriptor that turns readable when a watch has fired. */
int fido_xen_store_fd(const struct fido_xen_store *s);
/** Consume the watch events. @return true: there was one */
bool fido_xen_store_changed(struct fido_xen_store *s);

#endif
