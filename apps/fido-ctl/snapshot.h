/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_SNAPSHOT_H
#define CTL_SNAPSHOT_H

/**
 * @file
 * A copy of what the domains of a group publish, at one moment. Reading is done here and nowhere
 * else.
 *
 * What is read was written by other processes, which may be of any mind: each value is read once,
 * and every count, name and address is checked before it goes into the copy. Who uses a snapshot
 * needs no further checks, but may find nonsense where a domain publishes nonsense: a pid that is
 * none, counters that run backwards.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/observer.h>

#include "counters.h"
#include "volumes.h"

enum ctl_state {
	CTL_ALIVE,
	CTL_SILENT, /**< it is there, and does not answer: stopped, hung, or not for this user */
	CTL_GONE,   /**< it has left or died since it was asked */
};

struct ctl_queue {
	bool tx;
	bool readable; /**< the counters lie where they can be read */
	uint16_t index;
	uint32_t ring_size; /**< tx: of its ring; rx: of the largest it reads; 0: no ring now */
	uint64_t counter[CTL_COUNTERS];
};

struct ctl_link {
	uint32_t index; /**< its record in the control block */
	bool torn;      /**< being written whenever we looked: no more than the names is known */
	char peer[FIDO_NAME_MAX];
	char name[FIDO_NAME_MAX];
	uint32_t state; /**< enum fido_link_state, or what else the domain wrote */
	bool quiesced;
	uint64_t incarnation;
	uint64_t peer_generation;
	uint64_t peer_incarnation;
	uint32_t stranded;
	uint16_t ntx;
	uint16_t nrx;
	uint16_t rx_rings;        /**< rings of the peer that are read */
	uint32_t tx_ring_size;    /**< 0: none now */
	uint32_t rx_ring_size;    /**< the largest */
	struct ctl_queue *queues; /**< ntx + nrx: first those that send */
};

struct ctl_domain {
	char name[FIDO_NAME_MAX];
	enum ctl_state state;
	bool known;        /**< false: nothing but name and state */
	uint64_t read_ns;  /**< when, monotonic */
	uint64_t still_ns; /**< it does not answer: for how long it has not moved; 0: not known */
	uint32_t slot;
	uint64_t generation;
	uint32_t pid;
	uint64_t start_ns; /**< CLOCK_REALTIME */
	uint64_t uptime_ns;
	uint64_t epoch;
	uint64_t heartbeat; /**< turns of its control thread */
	uint64_t control_size;
	uint32_t version;
	struct fido_layout layout;
	uint64_t exported; /**< bytes */
	uint64_t arena;    /**< of these */
	uint64_t mapped;   /**< bytes of others */
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

/** Copy what the observed domains publish now. Does not block. @return 0, -ENOMEM */
int ctl_snapshot_take(struct ctl_snapshot **out, const struct fido_observer *o);
/** NULL is legal. */
void ctl_snapshot_destroy(struct ctl_snapshot *s);
/** @return the domain of that name, or NULL. */
const struct ctl_domain *ctl_snapshot_find(const struct ctl_snapshot *s, const char *name);
/** @return seconds from one to the other. */
double ctl_snapshot_seconds(const struct ctl_snapshot *before, const struct ctl_snapshot *now);
/** @return a number that changes when domains come, go, or map others. */
uint64_t ctl_snapshot_members(const struct ctl_snapshot *s);
/** @return "alive", "not answering", "gone". */
const char *ctl_state_name(enum ctl_state state);
/** @return "closed", "offered", "bound", "connected", "quiesced", "changing", "unknown". */
const char *ctl_link_state_name(const struct ctl_link *link);
/** Tickets of a queue that are out (tx) or held (rx). @return false: its counters cannot be read */
bool ctl_queue_kept(const struct ctl_queue *q, uint64_t *kept);
/** The same over all queues of a link in one direction. */
bool ctl_link_kept(const struct ctl_link *link, bool tx, uint64_t *kept);

#endif
