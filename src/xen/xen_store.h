/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_XEN_STORE_H
#define FIDO_XEN_STORE_H

/**
 * @file
 * A group in xenstore: who may join, who is there, what one domain tells another.
 *
 *   /fido/<group>/layout            "BASE SLOT_SHIFT SLOTS"       dom0's (apps/xen/fido-group)
 *   /fido/<group>/slots/<domid>     "FIRST-LAST": slots that Fido domains of that Xen domain may take; dom0's
 *   /fido/<group>/member/<domid>/   that Xen domain's own; below it:
 *       domain/<slot>               "NAME GENERATION"
 *       maps/<slot>                 "SLOT:GENERATION ...": what the domain of <slot> has mapped
 *       to/<slot>/<their slot>      what the domain of <slot> hands that of <their slot>: struct fido_xen_offer
 *
 * So what dom0 wrote says which slots a Xen domain has; nobody can take another's. When a Xen domain has ended, and its
 * mappings are gone, xenstored removes all nodes that it owned (XSA-419); it does not before: a domain may not ask
 * xenstored whether another one lives, but this says it.
 *
 * Each call goes to xenstored and back: about 0.1 ms. The domain's lock guards all but open.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/domain.h>

struct fido_xen_store;

/** A Fido domain that has said it is there. */
struct fido_xen_member {
	unsigned int domid;
	uint32_t slot;
	uint64_t generation;
	char name[FIDO_NAME_MAX];
};

/** What is needed to meet another domain's generation. */
struct fido_xen_offer {
	uint64_t generation; /**< theirs: whom this is for */
	uint64_t process;    /**< names our process */
	uint64_t clock;      /**< names the clock that we use (fido_xen_clock) */
	uint32_t root;       /**< grant reference of a struct fido_xen_root_shm */
	uint32_t port; /**< unbound event channel port for them; UINT32_MAX: they have offered it */
};

/** Reach xenstore, and learn who we are. @return 0, -ENODEV (no Xen here), -EACCES, -errno; message written */
int fido_xen_store_open(const char *group, struct fido_xen_store **out);
/** NULL is legal. */
void fido_xen_store_close(struct fido_xen_store *s);
/** @return this Xen domain's id. */
unsigned int fido_xen_store_domid(const struct fido_xen_store *s);
/** Read the group's layout. @return 0, -ENOENT (no such group), -EINVAL (asked for another); message written */
int fido_xen_store_layout(struct fido_xen_store *s, struct fido_layout *layout);
/** @return false: dom0 gave that Xen domain no slots of this group. */
bool fido_xen_store_slots(struct fido_xen_store *s, unsigned int domid, uint32_t *first,
	uint32_t *last);
/** @return number of other Xen domains that may be in the group; *only is one of them. */
unsigned int fido_xen_store_others(struct fido_xen_store *s, unsigned int *only);

/** Call fn for each domain of the group whose slot is one of its Xen domain's. @return 0, -errno, what fn did */
int fido_xen_store_each(struct fido_xen_store *s,
	int (*fn)(void *arg, const struct fido_xen_member *m), void *arg);
/** @return true when some domain says that it has a generation of the slot mapped. */
bool fido_xen_store_is_mapped(struct fido_xen_store *s, uint32_t slot);
/** Say that we are there. @return 0, -errno (message written) */
int fido_xen_store_publish(struct fido_xen_store *s, uint32_t slot, const char *name,
	uint64_t generation);
/** Take all back that was said of a slot of this Xen domain. */
void fido_xen_store_withdraw(struct fido_xen_store *s, uint32_t slot);
/** Say what we have mapped. */
void fido_xen_store_write_maps(struct fido_xen_store *s, uint32_t slot, const char *maps);
/** @return 0, -errno (message written) */
int fido_xen_store_write_offer(struct fido_xen_store *s, uint32_t slot, uint32_t to,
	const struct fido_xen_offer *offer);
void fido_xen_store_remove_offer(struct fido_xen_store *s, uint32_t slot, uint32_t to);
/** @return true when there is one, well formed. */
bool fido_xen_store_read_offer(struct fido_xen_store *s, const struct fido_xen_member *from,
	uint32_t to, struct fido_xen_offer *offer);

/** Watch the group's members, and the ends of Xen domains. @return 0, -errno (message written) */
int fido_xen_store_watch(struct fido_xen_store *s);
/** The descriptor that turns readable when a watch has fired. */
int fido_xen_store_fd(const struct fido_xen_store *s);
/** Take what has fired. @return true when anything has */
bool fido_xen_store_changed(struct fido_xen_store *s);

#endif
