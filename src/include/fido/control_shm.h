/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_CONTROL_SHM_H
#define FIDO_CONTROL_SHM_H

/**
 * @file
 * The control block: what a domain publishes about itself, at offset 0 of its slot, mapped
 * read-only by the group. Only the owning domain writes it. The control region holds the control
 * block and, behind it, the rings and counters. doc/protocol.md describes every field for authors
 * of other implementations.
 *
 * Records that must be read consistently carry a sequence number `seq`, which is odd while the
 * owner writes. A reader copies the record, and uses the copy only if seq was even and the same
 * before and after (fido_control_read_link(), src/core/seqlock.h).
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

/** Magic of a complete control block: "FIDO". */
#define FIDO_CONTROL_MAGIC UINT32_C(0x4f444946)
/** Peers of another version are refused. */
#define FIDO_LAYOUT_VERSION 2

/** Offset in the control region of its heap, which holds rings and counters. */
#define FIDO_CONTROL_HEAP_OFFSET (512u * 1024)

/** What this domain has mapped of another slot, and what it holds from the slot's owner. */
struct fido_mapped_shm {
	uint64_t generation; /**< of the slot's owner; 0: nothing of this slot is mapped */
	uint64_t epoch;      /**< all of the owner's memory up to this epoch is mapped */
	uint64_t bytes;      /**< mapped */
	uint64_t received;   /**< generation of the owner that has or had a ring read here */
	uint64_t ended;      /**< generation that has ended, and that `newest` is about */
	/**
	 * Of the messages held here that came by way of that generation: when the last one was read
	 * (fido_clock_after()). UINT64_MAX: some have not been read yet. 0: none is held.
	 */
	uint64_t newest;
	uint64_t held; /**< gaddr of a fido_held_shm; 0: none. Valid unless newest is UINT64_MAX */
	uint64_t withdrawn; /**< all that the owner withdrew up to this epoch is unmapped */
};

/** Most addresses in a list of held messages. */
#define FIDO_HELD_LIST_MAX 510

/** Addresses of the messages that a domain holds by way of a domain that has ended. */
struct fido_held_shm {
	uint32_t seq;
	uint32_t count; /**< messages held; above FIDO_HELD_LIST_MAX the list is incomplete */
	uint64_t pad;
	uint64_t gaddr[FIDO_HELD_LIST_MAX];
};

/** One exported region. */
struct fido_region_shm {
	uint64_t gaddr;     /**< 0: unused */
	uint64_t len;       /**< bytes of address space */
	uint64_t exported;  /**< bytes that peers can read */
	uint32_t page_size; /**< bytes */
	uint32_t arena;     /**< 1: arena, 0: imported memory */
};

/** Where a queue's part lies. */
struct fido_queue_ref_shm {
	uint64_t gaddr; /**< of fido_sender_shm or fido_receiver_shm; 0: none */
	uint32_t size;  /**< descriptors of the ring */
	uint32_t pad;
};

/** States of one end of a link. The table of transitions is in src/core/link.c. */
enum fido_link_state {
	FIDO_LINK_UNUSED,    /**< no such link */
	FIDO_LINK_CLOSED,    /**< exists; offers nothing */
	FIDO_LINK_OFFERED,   /**< tx[] is valid for `incarnation`; not bound to a peer */
	FIDO_LINK_BOUND,     /**< has receivers for the peer's rings; rx[] is valid */
	FIDO_LINK_CONNECTED, /**< both ends are bound to each other */
};

/** One end of a link. */
struct fido_link_shm {
	uint32_t seq;
	uint32_t state;            /**< enum fido_link_state */
	uint64_t incarnation;      /**< of this end; new at each offer */
	uint64_t peer_generation;  /**< of the peer that this end is bound to; 0: none */
	uint64_t peer_incarnation; /**< of the peer's end that this end is bound to */
	uint32_t quiesced;         /**< 1: the peer must stop posting */
	uint16_t ntx;              /**< transmit queues */
	uint16_t nrx;              /**< receive queues */
	char peer[FIDO_NAME_MAX];  /**< name of the domain at the other end */
	char name[FIDO_NAME_MAX];  /**< of the link */
	uint64_t tx_stats;         /**< gaddr of ntx fido_tx_stats_shm */
	uint64_t rx_stats;         /**< gaddr of nrx fido_rx_stats_shm */
	uint32_t stranded;         /**< tickets out with peers that are gone */
	uint32_t note;             /**< offset of a fido_note_shm in the control region; 0: none */
	struct fido_queue_ref_shm tx[FIDO_LINK_QUEUES_MAX]; /**< senders, by transmit queue */
	struct fido_queue_ref_shm rx[FIDO_LINK_QUEUES_MAX]; /**< receivers, by the peer's queue */
};

/** What the application at this end of a link tells the other end's (note.h). */
struct fido_note_shm {
	uint32_t seq;
	uint32_t len; /**< bytes of data */
	uint64_t data[FIDO_NOTE_MAX / 8];
};

/** The control block. */
struct fido_control_shm {
	uint32_t magic;       /**< FIDO_CONTROL_MAGIC once the block is complete; 0: leaving */
	uint32_t version;     /**< FIDO_LAYOUT_VERSION */
	uint64_t generation;  /**< of this domain */
	uint64_t layout_base; /**< the group's layout, as struct fido_layout */
	uint32_t slot_shift;
	uint32_t slots;
	uint32_t slot;          /**< this domain's */
	uint32_t pid;           /**< for people; pid namespaces may differ */
	uint64_t control_size;  /**< bytes of the control region */
	uint64_t start_time_ns; /**< CLOCK_REALTIME at join */
	uint64_t epoch;     /**< of the domain's memory: one more at each export or withdrawal */
	uint64_t heartbeat; /**< turns of the control thread */
	char name[FIDO_NAME_MAX];
	uint64_t table;      /**< gaddr of the table of fido_domain_publish(); 0: none */
	uint32_t table_kind; /**< its kind */
	uint32_t pad0;
	uint64_t pad[18];
	struct fido_mapped_shm mapped[FIDO_SLOTS_MAX];    /**< by slot */
	struct fido_region_shm regions[FIDO_REGIONS_MAX]; /**< the first is the control region */
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

/**
 * Check a peer's control block: complete, and of this layout version. Any thread; does not block.
 * @param size bytes of it that are mapped
 * @return 0, -EPROTO
 */
int fido_control_check(const struct fido_control_shm *c, uint64_t size);

/**
 * Replace a link record consistently, all but its seq. Owner, with the domain's lock held; does not
 * block.
 */
void fido_control_write_link(struct fido_link_shm *shm, const struct fido_link_shm *record);
/**
 * Copy a link record. Any thread; does not block.
 * @param copy filled in; the contents come from the peer, unchecked
 * @return true: the copy is consistent; false: the owner kept writing it
 */
bool fido_control_read_link(const struct fido_link_shm *shm, struct fido_link_shm *copy);
/**
 * Copy a name from a peer's memory, and make it safe to print. Any thread; does not block.
 * @param out terminated; a character not in [A-Za-z0-9_.-] becomes '?'
 * @param in  FIDO_NAME_MAX bytes, possibly not terminated
 */
void fido_control_name(char out[FIDO_NAME_MAX], const char *in);
/**
 * @return true: name can name a domain, group or link: 1 to FIDO_NAME_MAX - 1 characters
 *         [A-Za-z0-9_.-], not starting with a dot. NULL is legal.
 */
bool fido_name_valid(const char *name);

#ifdef __cplusplus
}
#endif

#endif
