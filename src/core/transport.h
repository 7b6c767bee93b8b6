/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_TRANSPORT_H
#define FIDO_TRANSPORT_H

/**
 * @file
 * What a transport does: let domains find each other, map memory, ring doorbells and learn of
 * deaths. Only transports know an environment (host, virtual machines, Xen). The group's prefix
 * chooses one at run time (fido_transport_find()).
 *
 * Ops are called with the domain's lock held, and do not block, unless their comment says
 * otherwise. A transport calls fido_domain_peer_*() of peer.h from process(), in the control
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

/** A run of pages that is exported, withdrawn and mapped as a whole. */
struct fido_extent {
	uint64_t gaddr;
	uint64_t len;       /**< bytes */
	int fd;             /**< file of the pages, not owned; -1: not a file's */
	uint64_t fd_offset; /**< where the pages begin in the file, in bytes */
	bool sealed;        /**< others can neither shrink the file nor map it writable */
	uint64_t place;     /**< private to the transport; grows with gaddr */
};

struct fido_transport_ops {
	/** Prefix of group names, without the colon. */
	const char *name;
	/**
	 * Claim the domain's name and a slot in the group; fill in domain->layout, domain->slot and
	 * domain->memory_size.
	 * Called first, without the lock; may block. @return 0, -errno (message logged, nothing
	 * left)
	 */
	int (*join)(struct fido_domain *domain, void **transport);
	/**
	 * Connect to every domain of the group, and admit later ones. May block.
	 * @return 0, -errno: leave() follows
	 */
	int (*start)(void *transport);
	/**
	 * Tell the peers that this domain leaves. Called without the lock, after the control thread
	 * has ended. If release is NULL, also do what release() does.
	 * @param clean this domain holds nothing, and nothing of it is out
	 */
	void (*leave)(void *transport, bool clean);
	/**
	 * Give up name and slot, and free the transport. Called last, when this domain has nothing
	 * mapped any more. May be NULL.
	 */
	void (*release)(void *transport);
	/** All memory of a slot has been unmapped here. May be NULL. */
	void (*unmapped)(void *transport, uint32_t slot);
	/**
	 * Create a memory file that can be exported. It is not yet mapped, nor are its pages
	 * reserved (memfile.h).
	 * @param size bytes
	 * @param huge of huge pages
	 * @param fd   receives the descriptor, which the caller owns
	 * @return 0, -ENOSPC (message logged), other -errno
	 */
	int (*memory_create)(void *transport, size_t size, bool huge, int *fd);
	/**
	 * Where memory at a gaddr of this domain's slot is in a file of memory_create(), which then
	 * is one file for the whole slot, and has its pages. NULL: each is a file of its own, which
	 * begins with it.
	 * @return bytes
	 */
	uint64_t (*memory_offset)(void *transport, uint64_t gaddr);
	/**
	 * After the owner has mapped a memory file: prevent writable mappings and resizing.
	 * @return 0, -errno
	 */
	int (*memory_seal)(void *transport, int fd);
	/**
	 * Ask whether pages of a file that memory_create() did not create can be exported; may fill
	 * in e->place. NULL: always.
	 * @param va the pages, mapped here
	 * @return 0, -ENOENT (these cannot), -EOPNOTSUPP (none can; message logged, once)
	 */
	int (*can_export)(void *transport, const void *va, struct fido_extent *e);
	/** Send every peer the extents of domain->extents that it lacks, and the new epoch. */
	void (*export)(void *transport);
	/** Tell every peer to unmap pages, by which the given epoch starts. */
	void (*withdraw)(void *transport, uint64_t gaddr, uint64_t len, uint32_t epoch);
	/**
	 * Try again what failed (fido_domain_retry_later()). Control thread. NULL: never needed.
	 */
	void (*retry)(void *transport);
	/**
	 * Explain an error (-errno) by which memory was not sent or mapped. Any thread. NULL: as if
	 * it returned NULL.
	 * @return what a user can do; NULL: nothing that only this transport knows
	 */
	const char *(*memory_advice)(int error);
	/** Have every peer read the control block, which has changed. */
	void (*notify)(void *transport);
	/**
	 * Send this end's doorbells of a link to the link's peer, if that is there. Called before
	 * the link is bound, because a peer without them would wake nobody.
	 * @return 0, -errno: not sent; called again later
	 */
	int (*offer_doorbells)(void *transport, struct fido_link *link);
	/** Create a doorbell that this domain sleeps on. @return 0, -errno */
	int (*doorbell_create)(void *transport, struct fido_doorbell **out);
	/** @return the file descriptor that turns readable when process() has work. */
	int (*fd)(void *transport);
	/** Handle incoming events. Control thread. @return true: some wait, call again soon */
	bool (*process)(void *transport);
	/**
	 * Create and remove a group (<fido/group.h>). Without a domain; may block. NULL: another
	 * program does it.
	 */
	int (*group_create)(const char *group, const struct fido_group_config *config);
	int (*group_destroy)(const char *group);
	/**
	 * Call fn for each domain of a group, without joining it. fn owns the observation. May
	 * block.
	 * @return 0, -errno (message logged), what fn returned
	 */
	int (*observe)(const char *group, int (*fn)(void *arg, struct fido_observation *o),
		void *arg);
	/** End an observation, and unmap its control region. */
	void (*observe_end)(struct fido_observation *o);
};

extern const struct fido_transport_ops fido_transport_host;
extern const struct fido_transport_ops fido_transport_vm;
/** If libfido was built without Xen's libraries, its join() fails and says so. */
extern const struct fido_transport_ops fido_transport_xen;

/** Add a transport to the table. Before any domain joins. @return 0, -ENOSPC */
int fido_transport_add(const struct fido_transport_ops *ops);

/**
 * Split "host:demo" into a transport and the group's own name.
 * @param name receives the name, a part of group
 * @return the transport, the host's if there is no prefix; NULL: there is no such transport
 */
const struct fido_transport_ops *fido_transport_find(const char *group, const char **name);

#endif
