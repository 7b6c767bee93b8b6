/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_TRANSPORT_H
#define FIDO_TRANSPORT_H

/**
 * @file
 * What a transport does: how domains find each other, map memory, ring doorbells and learn of deaths.
 * Only transport_*.c know an environment. Chosen at run time by the group's prefix (fido_transport_find).
 *
 * All ops are called with the domain's lock held unless it says otherwise, and do not block unless it
 * says so. A transport calls back into domain.h's fido_domain_peer_*() from process(), in the control
 * thread, with the lock held.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/domain.h>

struct fido_doorbell;
struct fido_group_config;
struct fido_observation;
struct fido_link;

/** A run of pages of this domain that peers may map. */
struct fido_extent {
	uint64_t gaddr;
	uint64_t len;
	int fd; /**< where the pages are; owned by the region's user */
	uint64_t fd_offset;
	bool sealed; /**< the descriptor cannot shrink or be mapped writable by others */
};

struct fido_transport_ops {
	const char *name;
	/**
	 * Claim the domain's name and a slot in the group; fill in domain->layout and domain->slot. Called
	 * before anything else, without the lock; may block. On failure nothing is left.
	 */
	int (*join)(struct fido_domain *domain, void **transport);
	/** Connect to every domain of the group, let later ones in. May block. On failure: leave() follows. */
	int (*start)(void *transport);
	/**
	 * Tell the peers. Called without the lock, control thread ended. clean: this domain holds nothing and nothing of it is
	 * out. Without release() also: give up name and slot, free.
	 */
	void (*leave)(void *transport, bool clean);
	/** Give up name and slot, free. Called last: this domain has mapped nothing any more. May be NULL. */
	void (*release)(void *transport);
	/** A slot's memory has been unmapped here. May be NULL. */
	void (*unmapped)(void *transport, uint32_t slot);
	/** Make a file of memory that can be exported, not mapped and not reserved (memfile.h) yet. @return 0 and a descriptor, -ENOSPC (message written), -errno */
	int (*memory_create)(void *transport, size_t size, bool huge, int *fd);
	/** After its owner has mapped it: let nobody map it writable or change its size. @return 0, -errno */
	int (*memory_seal)(void *transport, int fd);
	/** May memory that memory_create() did not make be exported? @return 0, -EOPNOTSUPP (message written, once). NULL: always */
	int (*can_export)(void *transport, int fd);
	/** Pages were exported (they are in domain->extents, its epoch is new): send every peer what it has not got. */
	void (*export)(void *transport);
	/** Pages were withdrawn: tell every peer. */
	void (*withdraw)(void *transport, uint64_t gaddr, uint64_t len, uint32_t epoch);
	/** Try again what failed (fido_domain_retry_later()). Control thread. NULL: nothing is tried again */
	void (*retry)(void *transport);
	/** The control block changed: have every peer look at it. */
	void (*notify)(void *transport);
	/**
	 * Hand this end's doorbells of a link to its peer, if it is there: before the link is bound, as a peer without them would
	 * wake nobody. @return 0, -errno: not handed over; it is tried again
	 */
	int (*offer_doorbells)(void *transport, struct fido_link *link);
	/** Make a doorbell of our own. @return 0, -errno */
	int (*doorbell_create)(void *transport, struct fido_doorbell **out);
	/** The descriptor that turns readable when process() has something to do. */
	int (*fd)(void *transport);
	/** Handle what has come in. Control thread. @return true: something waits, call again soon */
	bool (*process)(void *transport);
	/** Make a group before its first domain joins, and remove one (<fido/group.h>). NULL: another program does. */
	int (*group_create)(const char *group, const struct fido_group_config *config);
	int (*group_destroy)(const char *group);
	/**
	 * Call fn for each domain of a group that is not joined; it owns the observation afterwards. May block.
	 * @return 0, -errno (message written), what fn returned
	 */
	int (*observe)(const char *group, int (*fn)(void *arg, struct fido_observation *o),
		void *arg);
	/** Let go of an observation. */
	void (*observe_end)(struct fido_observation *o);
};

extern const struct fido_transport_ops fido_transport_host;
/** Where Xen's libraries were not there to build with: joining says so. */
extern const struct fido_transport_ops fido_transport_xen;

/** Add a transport to those that fido_transport_find() knows. Before any domain joins. @return 0, -ENOSPC */
int fido_transport_add(const struct fido_transport_ops *ops);

/**
 * Split "host:demo" into the transport and the group's own name.
 * @return the ops, or NULL when there is no such transport
 */
const struct fido_transport_ops *fido_transport_find(const char *group, const char **name);

#endif
