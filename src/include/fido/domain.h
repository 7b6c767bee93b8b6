/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_DOMAIN_H
#define FIDO_DOMAIN_H

/**
 * @file
 * A domain: one participant of a group. To join is to claim a name and a slot, publish a control
 * block, connect to every other domain of the group, and start the control thread. The control
 * thread does everything but the data path: it maps peers' memory, runs the links' state machine
 * and learns of deaths.
 *
 * Several domains may live in one process. Domains of the same group then share its mappings; two
 * groups in one process need layouts that do not overlap.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/gaddr.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest name of a domain, group or link, in bytes, with the terminating zero. */
#define FIDO_NAME_MAX 32

struct fido_domain;

/** How to join. Zero-initialize: a member that is zero takes its default. */
struct fido_domain_config {
	/** Transport and group: "demo", "host:demo", "vm:demo" or "xen:demo". */
	const char *group;
	/** This domain's name, unique in the group: [A-Za-z0-9_.-], not starting with a dot. */
	const char *name;
	/** Layout of a new group. An existing group's layout must equal it, unless it is all 0. */
	struct fido_layout layout;
	size_t control_size; /**< bytes of the control region (block, rings); default 8 MiB */
	bool no_hugepages;   /**< arenas use ordinary pages, without a warning */
	/** An observer: makes no links; on Xen and in VMs, maps only the peers' control regions. */
	bool observes;
	/**
	 * Host transport: users whose processes may map this domain's memory, by name or id, as in
	 * "alice:1001". This user and root always may. NULL: every user whom the permissions of the
	 * group's folder admit.
	 */
	const char *allow;
};

/**
 * Join a group.
 *
 * Control path; blocks. Takes milliseconds even if other domains do not answer. If all slots are in
 * use it waits 0.25 s for a free one, and 10 s for a process that was stopped while claiming one.
 *
 * @param out    receives the domain, which the caller owns
 * @param config copied; the caller may free it afterwards
 * @return
 *   - 0: joined
 *   - -EINVAL: bad name, group, layout or list of users
 *   - -EEXIST: a living domain has this name
 *   - -EACCES, -EPERM: no permission for the group's folder
 *   - -EPROTO: a domain of the group speaks another layout version
 *   - -ENOSPC: no free slot, or no memory for the control block
 *   - -ENOTSUP: the processor lacks the clock for timestamps of messages (<fido/clock.h>)
 *   - other -errno of the system call that failed
 * A failure leaves nothing behind; fido_last_error() says what to do.
 * @see fido_domain_leave
 */
int fido_domain_join(struct fido_domain **out, const struct fido_domain_config *config);

/**
 * Leave the group: close all links, tell the peers, unmap their memory, stop the control thread.
 *
 * Control path; blocks. Frees the domain's links, queues and regions: no thread may still use them.
 * Takes milliseconds even if peers hang, but waits up to 1 s for buffers that peers have not given
 * back to this domain, or this domain to peers.
 *
 * @param domain NULL is legal
 */
void fido_domain_leave(struct fido_domain *domain);

/** @return the domain's name; it lives as long as the domain. Any thread; does not block. */
const char *fido_domain_name(const struct fido_domain *domain);
/** @return the group's name, without transport, likewise. */
const char *fido_domain_group(const struct fido_domain *domain);
/** @return the domain's generation, a number that is new at each join. */
uint64_t fido_domain_generation(const struct fido_domain *domain);

/**
 * Allocate zeroed memory in the control region, which all domains of the group and its observers
 * can read, for instance for counters. Control path; may block for an allocation.
 * @param size bytes; rounded up to 4 KiB
 * @return the memory, page-aligned; NULL: control_size is too small, or no memory
 * @see fido_domain_shm_free
 */
void *fido_domain_shm_alloc(struct fido_domain *domain, size_t size);
/**
 * Free memory of fido_domain_shm_alloc(). Others may read it for a while longer; what they read
 * then has no meaning. Control path.
 * @param p    NULL is legal
 * @param size as it was allocated
 */
void fido_domain_shm_free(struct fido_domain *domain, void *p, size_t size);
/** @return the gaddr of memory of fido_domain_shm_alloc(). Any thread; does not block. */
uint64_t fido_domain_shm_gaddr(const struct fido_domain *domain, const void *p);
/**
 * Publish a table that describes a service of this domain. Peers copy it with
 * fido_domain_peer_table(); observers read it through struct fido_control_shm. A domain publishes
 * one table at a time. Control path; does not block.
 * @param kind  names the table's format, a number that the service chooses (FIDO_BLK_SHM_MAGIC)
 * @param table memory of fido_domain_shm_alloc(), which stays the caller's; NULL: withdraw the
 *              table
 */
void fido_domain_publish(struct fido_domain *domain, uint32_t kind, const void *table);
/**
 * Copy the first bytes of a peer's published table. Control path; does not block.
 * @param peer name of the peer
 * @param kind format that the caller expects
 * @param copy room for len bytes; the contents come from the peer, unchecked
 * @param len  bytes, a multiple of 8
 * @return 0, -ENOENT (no such peer, or it publishes no table of this kind)
 */
int fido_domain_peer_table(struct fido_domain *domain, const char *peer, uint32_t kind, void *copy,
	size_t len);

#ifdef __cplusplus
}
#endif

#endif
