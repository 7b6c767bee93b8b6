/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_CONTROL_SHM_H
#define FIDO_CONTROL_SHM_H

/**
 * @file
 * The control block: what a domain publishes about itself, at offset 0 of its slot, mapped read-only by
 * the group. Writer of every field: the owning domain. The control region holds it and, behind it, the
 * rings and counters. doc/protocol.md describes it for people who write another implementation.
 *
 * Records that must be read as a whole carry a sequence number `seq`: odd while the owner writes. A
 * reader copies the record, and takes the copy only when seq was even and the same before and after
 * (fido_control_read_link).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/domain.h>
#include <fido/link.h>
#include <fido/note.h>
#include <fido/queue_shm.h>
#include <fido/region.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FIDO_CONTROL_MAGIC UINT32_C(0x4f444946) /* "FIDO" */
#define FIDO_LAYOUT_VERSION 2

/** Offset of the part of the control region that rings and counters are allocated from. */
#define FIDO_CONTROL_HEAP_OFFSET (512u * 1024)

/** What the domain has mapped of another slot. */
struct fido_mapped_shm {
	uint64_t generation; /**< of the slot's owner; 0: nothing of this slot is mapped */
	uint64_t epoch; /**< newest epoch of the owner up to which all of its memory is mapped */
	uint64_t bytes;
	uint64_t received; /**< this generation has, or had, a ring that is read here */
	uint64_t ended;    /**< this generation has ended, and `newest` is about it */
	uint64_t
		newest; /**< when the newest message that is held here of those that came by way of it was read
				  (fido_clock_after); UINT64_MAX: some have not been read yet; 0: none is held */
	uint64_t
		held; /**< gaddr of a fido_held_shm, complete when newest is not UINT64_MAX; 0: none */
	uint64_t
		withdrawn; /**< newest epoch of the owner up to which all that it withdrew is unmapped */
};

#define FIDO_HELD_LIST_MAX 510

/** Addresses of the messages that a domain holds by way of one that has ended. */
struct fido_held_shm {
	uint32_t seq;
	uint32_t count; /**< more than FIDO_HELD_LIST_MAX: the list is not complete */
	uint64_t pad;
	uint64_t gaddr[FIDO_HELD_LIST_MAX];
};

/** One exported region. */
struct fido_region_shm {
	uint64_t gaddr;    /**< 0: unused */
	uint64_t len;      /**< address space */
	uint64_t exported; /**< bytes that can be read */
	uint32_t page_size;
	uint32_t arena;
};

/** Where a queue's part lies. */
struct fido_queue_ref_shm {
	uint64_t gaddr; /**< of fido_sender_shm or fido_receiver_shm; 0: none */
	uint32_t size;  /**< ring size */
	uint32_t pad;
};

/** States of a link, as its owner sees it. The table is in link.c. */
enum fido_link_state {
	FIDO_LINK_UNUSED,    /**< no such link */
	FIDO_LINK_CLOSED,    /**< exists; offers nothing */
	FIDO_LINK_OFFERED,   /**< tx[] is valid for `incarnation`; no peer yet */
	FIDO_LINK_BOUND,     /**< the peer's rings are attached, rx[] is valid */
	FIDO_LINK_CONNECTED, /**< both ends are bound to each other */
};

struct fido_link_shm {
	uint32_t seq;
	uint32_t state;            /**< enum fido_link_state */
	uint64_t incarnation;      /**< of this end; new at each offer */
	uint64_t peer_generation;  /**< the peer this end is bound to; 0: none */
	uint64_t peer_incarnation; /**< and its incarnation */
	uint32_t quiesced;         /**< 1: the peer must post no more */
	uint16_t ntx;
	uint16_t nrx;
	char peer[FIDO_NAME_MAX];
	char name[FIDO_NAME_MAX];
	uint64_t tx_stats; /**< gaddr of ntx fido_tx_stats_shm */
	uint64_t rx_stats; /**< gaddr of nrx fido_rx_stats_shm */
	uint32_t stranded; /**< buffers out on rings of before */
	uint32_t note;     /**< offset of a fido_note_shm in the control region; 0: none */
	struct fido_queue_ref_shm tx[FIDO_LINK_QUEUES_MAX]; /**< our senders */
	struct fido_queue_ref_shm
		rx[FIDO_LINK_QUEUES_MAX]; /**< our receivers, by the peer's tx index */
};

/** What the application at this end of a link tells the one at the other (link.h). Writer: who calls fido_link_set_note(). */
struct fido_note_shm {
	uint32_t seq; /**< odd: it is being written */
	uint32_t len; /**< bytes of it */
	uint64_t data[FIDO_NOTE_MAX / 8];
};

struct fido_control_shm {
	uint32_t magic;
	uint32_t version;
	uint64_t generation;
	uint64_t layout_base;
	uint32_t slot_shift;
	uint32_t slots;
	uint32_t slot;
	uint32_t pid;           /**< for people; pid namespaces may differ */
	uint64_t control_size;  /**< bytes of the control region */
	uint64_t start_time_ns; /**< CLOCK_REALTIME at join */
	uint64_t epoch;     /**< of the domain's memory: grows with each export and withdrawal */
	uint64_t heartbeat; /**< turns of the control thread */
	char name[FIDO_NAME_MAX];
	uint64_t table;      /**< gaddr of the table that fido_domain_publish() names; 0: none */
	uint32_t table_kind; /**< what kind of table it is */
	uint32_t pad0;
	uint64_t pad[18];
	struct fido_mapped_shm mapped[FIDO_SLOTS_MAX];
	struct fido_region_shm regions[FIDO_REGIONS_MAX];
	struct fido_link_shm links[FIDO_DOMAIN_LINKS_MAX];
};

FIDO_STATIC_ASSERT(sizeof(struct fido_held_shm) == 4096, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_mapped_shm) == 64, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_mapped_shm, withdrawn) == 56, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_region_shm) == 32, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_queue_ref_shm) == 16, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_link_shm, peer) == 40, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_link_shm, tx) == 128, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_link_shm) == 128 + 64 * 16, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_link_shm, note) == 124, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_note_shm) == 256, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_control_shm, name) == 72, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_control_shm, table) == 104, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_control_shm, mapped) == 264, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_control_shm, regions) == 264 + 64 * 64, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_control_shm, links) == 264 + 64 * 64 + 64 * 32, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_control_shm) <= FIDO_CONTROL_HEAP_OFFSET, "layout");

/** Check a control block that a peer published, mapped for `size` bytes. @return 0 or -EPROTO. */
int fido_control_check(const struct fido_control_shm *c, uint64_t size);

/** Replace a link record as a whole, all but its seq. Owner, with the domain's lock held. */
void fido_control_write_link(struct fido_link_shm *shm, const struct fido_link_shm *record);
/** Copy a link record as a whole. @return true when the copy is consistent. */
bool fido_control_read_link(const struct fido_link_shm *shm, struct fido_link_shm *copy);
/** @return a name read from a peer, made safe to print: terminated, only [A-Za-z0-9_.-]. */
void fido_control_name(char out[FIDO_NAME_MAX], const char *in);
/** @return true when name can be a domain's, group's or link's name. */
bool fido_name_valid(const char *name);

#ifdef __cplusplus
}
#endif

#endif
