/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_QUEUE_SHM_H
#define FIDO_QUEUE_SHM_H

/**
 * @file
 * A queue: one direction of a link. Single producer, single consumer at each end.
 *
 *      sender's memory                              receiver's memory
 *   +-- fido_sender_shm ---+                     +-- fido_receiver_shm --+
 *   | desc[0..N-1]         | ---- poll --------> | private: held[ticket] |
 *   | private: cookie[],   |                     |                       |
 *   |  free tickets        | <--- reap --------- | comp[0..N-1]          |
 *   +----------------------+                     +-----------------------+
 *        post, reap                                   poll, complete
 *
 * Shared: fido_sender_shm (written by the sender only) and fido_receiver_shm (written by the receiver
 * only). Private: everything else. There is no shared producer or consumer index: a descriptor and a
 * completion each carry the lap of the ring they belong to, and that lap is what makes them valid.
 *
 * Every descriptor carries a ticket, 0..N-1, unique among those that are out. A completion returns a
 * run of consecutive tickets with one status, so a receiver that returns a burst in order writes one
 * word; a receiver that returns them one by one in any order writes one word for each.
 *
 * Invariants (N = ring size, a power of two):
 * I1. At most N tickets are out: a ticket is taken from the free list at post, and put back at reap.
 * I2. The receiver reads descriptors in position order and completes a ticket only after it has read
 *     the descriptor that carried it.
 * I3. A sender that writes position p (slot p mod N) has seen completions of at least p - N + 1 of the
 *     positions 0..p-1 (I1). By the pigeonhole one of them is >= p - N, so by I2 the receiver has read
 *     past p - N: the slot is free. No consumer index is needed.
 * I4. A completion word covers at least one ticket that is out, and covers no ticket twice, so at most
 *     N words are unread (I1): the completion ring cannot overflow either.
 * I5. Ring memory is zero when the queue is made and laps start at 1: a stale word is never valid.
 * I6. The receiver never uses a ticket that it holds already; the sender never takes back one that is
 *     not out. Either breach is the peer's, and breaks the queue (-EPROTO), never the process.
 *
 * Orderings:
 * | label | where                       | partner | what it proves                                     |
 * |-------|-----------------------------|---------|----------------------------------------------------|
 * | R2    | publish: desc[first].w1     | A2      | the burst, and the memory it names, are written    |
 * | A2    | poll: desc[pos].w1          | R2      | before the receiver reads them                     |
 * | R3    | flush: comp[pos]            | A3      | the receiver has finished reading the buffers      |
 * | A3    | reap: comp[pos]             | R3      | before the sender lets them be written again       |
 * | F4    | sender, after a burst       | F5      | either the sender sees `armed`, or the receiver's  |
 * | F5    | receiver, after arming      | F4      | last look sees the burst: no lost wake-up          |
 * No barrier is needed between the descriptors of one burst: the first is published last (R2), and the
 * receiver reads in order, so it comes to the others only through it.
 *
 * Threads: one thread at a time uses a fido_sender (sender.h), one a fido_receiver (receiver.h); the locks of
 * fido_txq and fido_rxq see to that. F4 is in sleeper.h.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/gaddr.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FIDO_RING_MIN 16
#define FIDO_RING_MAX 32768
/** More descriptors of the same message follow. */
#define FIDO_DESC_CHAINED UINT16_C(0x0001)
/** The address field is no address but 48 bits of the message: fido_desc.data says nothing, fido_desc.gaddr has them. */
#define FIDO_DESC_INLINE UINT16_C(0x0002)
/** Bit 2 is the core's too; those from here on are the message's own. */
#define FIDO_DESC_USER_SHIFT 3
/** Completion status. */
#define FIDO_STATUS_OK 0
#define FIDO_STATUS_BAD_ADDRESS 1 /**< the memory named was not mapped in the receiver */
#define FIDO_STATUS_DROPPED 2     /**< the receiver had no room for the message */
#define FIDO_STATUS_CLOSED 3      /**< the receiver left before it read the descriptor */
#define FIDO_STATUS_RECALLED \
	4 /**< the receiver has died; it may have read it, and nobody does now. Never in a ring */
#define FIDO_STATUS_USER 0x100 /**< from here on they are the application's */
#define FIDO_GADDR_MASK ((UINT64_C(1) << FIDO_GADDR_BITS) - 1)

/** One descriptor in the sender's memory. Writer: sender. */
struct fido_desc_shm {
	uint64_t w0; /**< gaddr [47:0], flags [63:48] */
	uint64_t w1; /**< lap [15:0], ticket [31:16], length [63:32] */
};

/** The sender's part of a queue. Writer: sender. */
struct fido_sender_shm {
	uint64_t queue_id; /**< which incarnation this memory belongs to */
	uint32_t size;     /**< N */
	uint32_t closed;   /**< 1: the sender will not read the completion ring again */
	uint32_t attached; /**< 1: the sender knows the completion ring, and may post */
	uint8_t pad0[44];
	uint32_t armed;  /**< 1: the sender sleeps until a completion comes */
	uint32_t sleeps; /**< 1: the sender may arm; 0: the receiver need not look at `armed` */
	uint8_t pad1[56];
	struct fido_desc_shm desc[];
};

/** The receiver's part of a queue. Writer: receiver. */
struct fido_receiver_shm {
	uint64_t queue_id; /**< as fido_sender_shm.queue_id of the queue it serves */
	uint32_t size;     /**< N */
	uint32_t closed;   /**< 1: the receiver will not read the descriptor ring again */
	uint8_t pad0[48];
	uint32_t armed;  /**< 1: the receiver sleeps until a descriptor comes */
	uint32_t sleeps; /**< 1: the receiver may arm; 0: the sender need not look at `armed` */
	uint8_t pad1[56];
	uint64_t comp[]; /**< lap [15:0], ticket [31:16], count [47:32], status [63:48] */
};

#ifdef __cplusplus
#define FIDO_STATIC_ASSERT static_assert
#else
#define FIDO_STATIC_ASSERT _Static_assert
#endif

FIDO_STATIC_ASSERT(sizeof(struct fido_desc_shm) == 16, "four descriptors a cache line");
FIDO_STATIC_ASSERT(sizeof(struct fido_sender_shm) == 128, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_sender_shm, armed) == 64, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_receiver_shm) == 128, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_receiver_shm, armed) == 64, "layout");

/** @return bytes of shared memory that a sender's part of size n takes. */
static inline size_t
fido_sender_shm_size(uint32_t n)
{
	return sizeof(struct fido_sender_shm) + (size_t)n * sizeof(struct fido_desc_shm);
}

/** @return bytes of shared memory that a receiver's part of size n takes. */
static inline size_t
fido_receiver_shm_size(uint32_t n)
{
	return sizeof(struct fido_receiver_shm) + (size_t)n * sizeof(uint64_t);
}

/** @return true when n can be a ring size: a power of two, FIDO_RING_MIN to FIDO_RING_MAX. */
static inline bool
fido_ring_size_valid(uint32_t n)
{
	return n >= FIDO_RING_MIN && n <= FIDO_RING_MAX && (n & (n - 1)) == 0;
}

#ifdef __cplusplus
}
#endif

#endif
