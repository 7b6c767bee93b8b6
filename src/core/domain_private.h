/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_DOMAIN_PRIVATE_H
#define FIDO_DOMAIN_PRIVATE_H

/**
 * @file
 * A domain from the inside: its control region, regions and links. Its peers are in peer.h, what they have been sent in
 * sent.h, the doorbells they gave us in bells.h.
 *
 * Locking: domain->lock guards everything here and in link_private.h but the data path's queues, which
 * have their own locks (order: domain->lock, then a queue's lock). The application's callbacks are run
 * without the lock. The lock is never held while DPDK's memory locks may be taken: DPDK calls us with
 * those held.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/domain.h>
#include <fido/region.h>

#include <fido/clock.h>
#include <fido/control_shm.h>
#include "extents.h"
#include "map.h"
#include "transport.h"

/** Pages of the control region's heap. */
#define FIDO_HEAP_PAGE 4096u

/** Of a domain that has exported nothing but its control region. */
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
	uint64_t generation;
	struct fido_map map;
	bool no_hugepages;
	bool watches;
	const char *allow; /**< as in the configuration; valid while joining */
	bool layout_claimed;
	bool slot_reserved;

	struct fido_control_shm *control;
	size_t control_size;
	int control_fd;
	uint8_t *heap_used; /**< a byte for each page of the control region's heap */

	struct fido_region *regions[FIDO_REGIONS_MAX + 1];
	uint64_t region_end[FIDO_REGIONS_MAX];
	uint8_t *own_granules; /**< by granule of the slot: which region it is of (own_slot.h) */
	struct fido_extents extents; /**< what is exported; the tag is the epoch of each */
	struct fido_extents
		pending; /**< what is being withdrawn (withdraw.h); the tag is 1: a ticket names it */
	uint32_t withdrawn_epoch; /**< of the last withdrawal that peers were told of */

	struct fido_link *links[FIDO_DOMAIN_LINKS_MAX];
	struct fido_peer *peers;
	struct fido_dead *dead; /**< generations that have ended: recall.c */

	const struct fido_transport_ops *ops;
	void *transport;
	pthread_t thread;
	bool thread_started;
	bool look_again;      /**< some link waits for something that nobody will tell it of */
	bool try_again;       /**< some link waits for descriptors: it is tried again in a while */
	bool dirty;           /**< what we have mapped changed: tell the peers */
	uint64_t retry_ns;    /**< when the transport tries again what failed; 0: nothing did */
	uint64_t retried_ns;  /**< when it last did */
	uint32_t retry_ms;    /**< how long that had been put off */
	uint64_t faults_told; /**< of fido_sigbus_count() */
	bool stop;
	const struct fido_link *reporting; /**< its event function runs now */
	int wake_fd;
	int epoll_fd;
};

/* ---- for the rest of libfido ---- */

/** @return the domain's slot; what it has mapped; its group's layout. */
uint32_t fido_domain_slot(const struct fido_domain *d);
const struct fido_map *fido_domain_map(const struct fido_domain *d);
const struct fido_layout *fido_domain_layout(const struct fido_domain *d);

/** Allocate zeroed, page-aligned memory of the control region. Lock held. @return NULL: none left */
void *fido_domain_heap_alloc(struct fido_domain *d, size_t size);
void fido_domain_heap_free(struct fido_domain *d, void *p, size_t size);
/** @return where the group sees an address of the control region. */
uint64_t fido_domain_control_gaddr(const struct fido_domain *d, const void *p);
/** Have the transport's retry() called in a while. */
void fido_domain_retry_later(struct fido_domain *d);
/** A peer's control block changed: bring all links up to date. */
void fido_domain_update(struct fido_domain *d);
/** Wake the control thread. Any thread. */
void fido_domain_kick(struct fido_domain *d);
/** Free a region without waiting for peers. NULL is legal. */
void fido_region_free(struct fido_region *region);
/** Publish that our own memory changed: the next epoch. Lock held. @return it */
uint32_t fido_domain_next_epoch(struct fido_domain *d);

#endif
