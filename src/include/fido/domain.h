/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_DOMAIN_H
#define FIDO_DOMAIN_H

/**
 * @file
 * A domain: one participant of a group. Joining claims its name and a slot, publishes its control
 * block, connects to every other domain of the group, and starts the control thread, which does all
 * that is not the data path: maps peers' memory, runs the links' state machine, learns of deaths.
 *
 * Several domains may live in one process; those of one group see each other's memory at the same
 * address. Two groups in one process need layouts that do not overlap.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/gaddr.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FIDO_NAME_MAX 32

struct fido_domain;

/** How to join. Zero-initialize; what is left zero takes its default. */
struct fido_domain_config {
	const char *group; /**< "demo" or "host:demo": transport and group name */
	const char *
		name; /**< this domain's name, unique in the group; [A-Za-z0-9_.-], < FIDO_NAME_MAX */
	struct fido_layout
		layout; /**< of a new group; an existing group's own layout must equal it unless 0 */
	size_t control_size; /**< bytes for control block and rings; default 8 MiB */
	bool no_hugepages;   /**< arenas use ordinary pages, without a warning */
	bool watches; /**< it makes no links; on Xen others show it their control region and no more */
	/**
	 * host: users whose processes may map this domain's memory, by name or id, "alice:1001"; this user and
	 * root always may. NULL: everybody whom the permissions of the group's folder let in.
	 */
	const char *allow;
};

/**
 * Join a group.
 *
 * Control thread of the application. Takes milliseconds, whether other domains answer or not; when all slots are in use it
 * waits a quarter of a second for one, and ten seconds for a process that was stopped while it claimed one.
 *
 * @return
 *   - 0: joined; *out is to be left with fido_domain_leave()
 *   - -EINVAL: bad name, group, layout or list of users
 *   - -EEXIST: the name is taken by a domain that lives
 *   - -EACCES, -EPERM: no permission for the group's folder
 *   - -EPROTO: a domain of the group speaks another layout version
 *   - -ENOSPC: no free slot, or no memory for the control block
 *   - -ENOTSUP: the processor has no clock that messages can be dated by (<fido/clock.h>)
 *   - other -errno of the system call that failed
 * After a failure nothing is left behind; fido_last_error() says what to do.
 */
int fido_domain_join(struct fido_domain **out, const struct fido_domain_config *config);

/**
 * Leave: close all links, tell the peers, unmap their memory, end the control thread. All links and regions must be unused.
 * Takes milliseconds, also beside peers that hang; but for buffers of ours that a peer has and has not given back, and for
 * buffers that we hold, it waits for up to a second. NULL is legal.
 */
void fido_domain_leave(struct fido_domain *domain);

/** @return the domain's name, its group's name, its generation. */
const char *fido_domain_name(const struct fido_domain *domain);
const char *fido_domain_group(const struct fido_domain *domain);
uint64_t fido_domain_generation(const struct fido_domain *domain);

/**
 * Allocate zeroed memory of the control region, which everybody in the group and its observers can read: counters.
 * Control path. @return NULL: control_size is too small @see fido_domain_shm_free
 */
void *fido_domain_shm_alloc(struct fido_domain *domain, size_t size);
/** Free it. It may still be read for a while: its contents say nothing then. NULL is legal. */
void fido_domain_shm_free(struct fido_domain *domain, void *p, size_t size);
/** @return where the group sees memory of fido_domain_shm_alloc(). */
uint64_t fido_domain_shm_gaddr(const struct fido_domain *domain, const void *p);
/**
 * Publish a table that describes a service of this domain: peers copy it with fido_domain_peer_table(), observers read it
 * (struct fido_control_shm). A domain publishes one table at a time.
 * @param kind  names the table's format, a number of the service's choice: FIDO_BLK_SHM_MAGIC for block volumes
 * @param table memory of fido_domain_shm_alloc(); NULL: withdraw the table
 */
void fido_domain_publish(struct fido_domain *domain, uint32_t kind, const void *table);
/**
 * Copy the first bytes of the table that a peer has published. The contents are unchecked. Control path.
 * @param len bytes, a multiple of 8
 * @return 0, -ENOENT: there is no such peer, or it publishes no table of this kind
 */
int fido_domain_peer_table(struct fido_domain *domain, const char *peer, uint32_t kind, void *copy,
	size_t len);

#ifdef __cplusplus
}
#endif

#endif
