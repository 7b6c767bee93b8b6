/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_DOMAIN_PRIVATE_H
#define FIDO_DOMAIN_PRIVATE_H

/**
 * @file
 * A domain from the inside: its control region, regions and links. Its peers are in peer.h, what
 * they have been sent in sent.h, the doorbells that they sent us in bells.h.
 *
 * Locking: domain->lock guards everything here and in link_private.h, except the queues of the data
 * path, which have their own locks (order: domain->lock, then a queue's lock). Event functions of
 * the application run without the lock. Code that holds the lock never calls into DPDK's memory
 * functions, because DPDK calls us with its memory locks held.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/domain.h>
#include <fido/region.h>

#include <fido/clock.h>
#include <fido/control_shm.h>
#include "control_region.h"
#include "extents.h"
#include "map.h"
#include "transport.h"

/** Epoch of a domain that has exported only its control region. */
#define FIDO_EPOCH_FIRST 1u

struct fido_dead;
struct fido_link;
struct fido_peer;

struct fido_domain {
	pthread_mutex_t lock;
	char group[FIDO_NAME_MAX];
	char name[FIDO_NAME_MAX];
	struct fido_layout layout;
	uint32_t slot;
	/** Bytes of the slot, from its base, that memory_create() has memory for; 0: all. */
	uint64_t memory_size;
	uint64_t generation;
	struct fido_map map;
	bool no_hugepages;
	bool observes;
	const char *allow; /**< of fido_domain_config; valid only while joining */
	bool layout_claimed;
	bool slot_reserved;

	struct fido_control_shm *control;
	size_t control_size;
	int control_fd;
	uint8_t *heap_used; /**< one byte per page of the control region's heap */

	struct fido_region *regions[FIDO_REGIONS_MAX + 1]; /**< the last is always NULL */
	uint64_t region_end[FIDO_REGIONS_MAX];             /**< gaddr behind each, whole granules */
	uint8_t *own_granules;       /**< by granule of the slot: its region (own_slot.h) */
	struct fido_extents extents; /**< exported memory; tag: its epoch */
	struct fido_extents pending; /**< being withdrawn (withdraw.h); tag 1: a ticket names it */
	uint32_t withdrawn_epoch;    /**< of the last withdrawal sent to peers */

	struct fido_link *links[FIDO_DOMAIN_LINKS_MAX];
	struct fido_peer *peers;
	struct fido_dead *dead; /**< generations that have ended (recall.c) */

	const struct fido_transport_ops *ops;
	void *transport;
	pthread_t thread;
	bool thread_started;
	bool look_again;      /**< a link waits for something of which no notice will come */
	bool try_again;       /**< a link waits for file descriptors: retry later */
	bool dirty;           /**< what we have mapped has changed: notify the peers */
	uint64_t retry_ns;    /**< when the next retry is due; 0: none */
	uint64_t retried_ns;  /**< when the last retry was */
	uint32_t retry_ms;    /**< delay of the last retry */
	uint64_t faults_told; /**< fido_sigbus_count() that was last logged */
	bool stop;            /**< the control thread must end */
	const struct fido_link *reporting; /**< link whose event function is running; NULL: none */
	int wake_fd;                       /**< eventfd that wakes the control thread */
	int epoll_fd;                      /**< the control thread sleeps on it */
};

/* ---- for the rest of libfido ---- */

/** @return the domain's slot; its table of mapped granules; its group's layout. Any thread. */
uint32_t fido_domain_slot(const struct fido_domain *d);
const struct fido_map *fido_domain_map(const struct fido_domain *d);
const struct fido_layout *fido_domain_layout(const struct fido_domain *d);

/** Have the control thread call the transport's retry() after a delay. Lock held. */
void fido_domain_retry_later(struct fido_domain *d);
/** Step all links, because a peer's control block may have changed. Lock held. */
void fido_domain_update(struct fido_domain *d);
/** Wake the control thread. Any thread; does not block. */
void fido_domain_kick(struct fido_domain *d);
/** Free a region without waiting for peers. Lock held. NULL is legal. */
void fido_region_free(struct fido_region *region);
/** @return where memory at a gaddr of our slot is in its file, in bytes (memory_offset) */
uint64_t fido_domain_memory_offset(const struct fido_domain *d, uint64_t gaddr);
/** Start a new epoch, because our exported memory has changed. Lock held. @return its number */
uint32_t fido_domain_next_epoch(struct fido_domain *d);

#endif
