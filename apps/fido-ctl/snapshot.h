/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_SNAPSHOT_H
#define CTL_SNAPSHOT_H

/**
 * @file
 * A copy of what the domains of a group publish, at one moment. Only this file and volumes.c read
 * shared memory.
 *
 * The domains are not trusted: read each value once, and check every count, name and address before
 * it goes into the copy. A user of a snapshot needs no further checks, but may find garbage where a
 * domain publishes garbage: a wrong pid, counters that decrease.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/observer.h>

#include "counters.h"
#include "volumes.h"

enum ctl_state {
	CTL_ALIVE,
	CTL_SILENT, /**< exists, but does not answer: stopped, hung, or denies this user */
	CTL_GONE,   /**< has left or died since it answered */
};

struct ctl_queue {
	bool tx;
	bool readable; /**< the counters can be read */
	uint16_t index;
	uint32_t ring_size; /**< tx: its ring; rx: the largest ring it reads; 0: no ring */
	uint64_t counter[CTL_COUNTERS];
};

struct ctl_link {
	uint32_t index; /**< of its record in the control block */
	bool torn;      /**< no consistent read: only the names are known */
	char peer[FIDO_NAME_MAX];
	char name[FIDO_NAME_MAX];
	uint32_t state; /**< enum fido_link_state, or any other value */
	bool quiesced;
	uint64_t incarnation;
	uint64_t peer_generation;
	uint64_t peer_incarnation;
	uint32_t stranded;
	uint16_t ntx;
	uint16_t nrx;
	uint16_t rx_rings;        /**< rings of the peer that it reads */
	uint32_t tx_ring_size;    /**< 0: no ring */
	uint32_t rx_ring_size;    /**< the largest; 0: no ring */
	struct ctl_queue *queues; /**< ntx transmit queues, then nrx receive queues */
};

struct ctl_domain {
	char name[FIDO_NAME_MAX];
	enum ctl_state state;
	bool known;        /**< false: only name and state are set */
	uint64_t read_ns;  /**< when it was read, monotonic clock */
	uint64_t still_ns; /**< CTL_SILENT: time since its last activity; 0: unknown */
	uint32_t slot;
	uint64_t generation;
	uint32_t pid;
	uint64_t start_ns; /**< CLOCK_REALTIME */
	uint64_t uptime_ns;
	uint64_t epoch;
	uint64_t heartbeat; /**< iterations of its control thread */
	uint64_t control_size;
	uint32_t version;
	struct fido_layout layout;
	uint64_t exported; /**< bytes */
	uint64_t arena;    /**< of these, bytes of arenas */
	uint64_t mapped;   /**< bytes of other domains */
	unsigned int mapped_domains;
	struct fido_mapped_shm mapped_by_slot[FIDO_SLOTS_MAX];
	struct fido_region_shm regions[FIDO_REGIONS_MAX]; /**< gaddr 0: unused */
	struct ctl_link *links;
	unsigned int link_count;
	struct ctl_volumes volumes; /**< that it serves */
};

struct ctl_snapshot {
	uint64_t time_ns; /**< monotonic */
	unsigned int domain_count;
	struct ctl_domain domains[FIDO_SLOTS_MAX];
};

/** Copy what the observed domains publish. Does not block. @return 0, -ENOMEM */
int ctl_snapshot_take(struct ctl_snapshot **out, const struct fido_observer *o);
/** NULL is legal. */
void ctl_snapshot_destroy(struct ctl_snapshot *s);
/** @return the domain of that name, or NULL. */
const struct ctl_domain *ctl_snapshot_find(const struct ctl_snapshot *s, const char *name);
/** @return seconds between two snapshots. */
double ctl_snapshot_seconds(const struct ctl_snapshot *before, const struct ctl_snapshot *now);
/** @return a hash that changes when a domain joins, leaves, or maps another one. */
uint64_t ctl_snapshot_members(const struct ctl_snapshot *s);
/** @return "alive", "not answering", "gone". */
const char *ctl_state_name(enum ctl_state state);
/** @return "closed", "offered", "bound", "connected", "quiesced", "changing", "unknown". */
const char *ctl_link_state_name(const struct ctl_link *link);
/** Count the tickets of a queue that are out (tx) or held (rx). @return false: unknown */
bool ctl_queue_kept(const struct ctl_queue *q, uint64_t *kept);
/** Count them over all queues of a link in one direction. @return false: unknown */
bool ctl_link_kept(const struct ctl_link *link, bool tx, uint64_t *kept);

#endif
