/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VM_PRIVATE_H
#define FIDO_VM_PRIVATE_H

/** @file A domain on the vm transport: internals. The domain's lock guards all but the port. */

#include <stdbool.h>
#include <stdint.h>

#include <fido/observer.h>

#include "domain_private.h"
#include "vm_place.h"
#include "vm_port.h"
#include "vm_ram.h"
#include "vm_root.h"
#include "vm_vectors.h"

struct fido_vm_bell;

/** One generation of another member, from PEER to GONE. */
struct fido_vm_session {
	struct fido_vm_session *next;
	struct fido_vm_peer other; /**< its name is checked */
	bool look;                 /**< read its root again */
	bool refused;  /**< it broke the protocol, or a resource was short: wait for its end */
	int memory_fd; /**< of its slot; -1: not open yet */
	uint64_t memory_offset;              /**< of the slot's base in that file, in bytes */
	int ram_fd;                          /**< of its machine's RAM; -1: not open */
	uint32_t ram_file;                   /**< number of that file */
	uint64_t ram_offset;                 /**< where the memory begins in it, in bytes */
	const struct fido_vm_root_shm *root; /**< mapped at its gaddr; NULL: not yet */
	uint32_t seq;                        /**< of the extents last mapped; 0: none */
	uint32_t bells_seen[FIDO_DOMAIN_LINKS_MAX];
	struct fido_peer *peer; /**< NULL: its control region is not mapped yet */
};

struct fido_vm {
	struct fido_domain *domain;
	struct fido_vm_place place;
	struct fido_vm_port port;
	struct fido_vm_welcome welcome;
	int memory_fd;                 /**< of our slot; -1: not open */
	uint64_t memory_offset;        /**< of the slot's base in that file, in bytes */
	struct fido_vm_root_shm *root; /**< ours, mapped; NULL: not yet */
	struct fido_vm_ram ram;        /**< of this machine */
	struct fido_vm_session *sessions;
	uint64_t held[FIDO_SLOTS_MAX]; /**< by slot: generation that fido-vmd believes us to map */
	uint32_t announced;            /**< PEER frames since the first WELCOME */
	struct fido_vm_bell *bells;    /**< ours */
	struct fido_vm_vectors vectors;
	int epoll_fd;
	int timer_fd;     /**< runs while the connection is lost */
	bool uses_events; /**< fido_event_use() was called */
	bool connected;
	bool told_permission; /**< logged: we may not ask where our memory is */
	bool left;
};

/** Tell a member, or all (slot FIDO_VM_ANY). */
void fido_vm_tell(struct fido_vm *v, enum fido_vm_type type, uint32_t slot, uint64_t generation,
	uint32_t value);

/* ---- vm_member.c: joining, and the connection to fido-vmd ---- */

/** Find a free slot of this machine, and say HELLO there. May block. @return 0, -errno (logged) */
int fido_vm_member_join(struct fido_vm *v);
/** Say HELLO on the present connection. */
void fido_vm_member_hello(struct fido_vm *v);
/** The connection has ended: look for it again. */
void fido_vm_member_disconnected(struct fido_vm *v);
/** End it for good. */
void fido_vm_member_end(struct fido_vm *v);
/** Look whether it is back. */
void fido_vm_member_reconnect(struct fido_vm *v);
/** Watch the connection for what has come and, if frames wait, for room. */
void fido_vm_member_watch(struct fido_vm *v, bool waits);

/* ---- vm_own.c: our slot's memory ---- */

/** Open and clear our slot. @return 0, -errno (logged) */
int fido_vm_own_open(struct fido_vm *v);
void fido_vm_own_close(struct fido_vm *v);
/** Publish the root: the control region is complete. @return 0, -errno */
int fido_vm_own_publish(struct fido_vm *v);
/** Write the extents and the epoch. */
void fido_vm_own_write_extents(struct fido_vm *v);
/** Write the doorbells of a link of ours. @param bells nrx of receive queues, ntx of others */
void fido_vm_own_write_bells(struct fido_vm *v, uint32_t link, const char *name, uint16_t nrx,
	uint16_t ntx, const uint32_t *bells);

/* ---- vm_session.c ---- */

/** A member was announced: create a session, unless there is one. */
void fido_vm_session_add(struct fido_vm *v, const struct fido_vm_peer *other);
/** @return the session with that generation; NULL: none */
struct fido_vm_session *fido_vm_session_find(struct fido_vm *v, uint32_t slot, uint64_t generation);
/** Go on as far as possible now. @return true: call again soon */
bool fido_vm_session_step(struct fido_vm *v, struct fido_vm_session *s);
/** Report the member's end, and free the session. */
void fido_vm_session_end(struct fido_vm *v, struct fido_vm_session *s, bool clean);
/** Free all sessions. What is mapped stays. */
void fido_vm_sessions_free(struct fido_vm *v);
/** fido_transport_ops.unmapped */
void fido_vm_unmapped(void *transport, uint32_t slot);

/* ---- vm_observe.c ---- */

/** fido_transport_ops.observe */
int fido_vm_observe_all(const char *group, int (*fn)(void *arg, struct fido_observation *o),
	void *arg);

#endif
