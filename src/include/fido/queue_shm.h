/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_QUEUE_SHM_H
#define FIDO_QUEUE_SHM_H

/**
 * @file
 * A queue: a descriptor ring and its completion ring, with a single producer and a single consumer
 * at each end. A link has up to 32 queues in each direction.
 *
 *      sender's memory                              receiver's memory
 *   +-- fido_sender_shm ---+                     +-- fido_receiver_shm --+
 *   | desc[0..N-1]         | ---- poll --------> | private: held[ticket] |
 *   | private: cookie[],   |                     |                       |
 *   |  free tickets        | <--- reap --------- | comp[0..N-1]          |
 *   +----------------------+                     +-----------------------+
 *        post, reap                                   poll, complete
 *
 * Shared: fido_sender_shm, which only the sender writes, and fido_receiver_shm, which only the
 * receiver writes. Everything else is private. No producer or consumer index is shared: each
 * descriptor and each completion carries the number of its lap around the ring, and is valid when
 * that is the lap which the reader expects.
 *
 * Every descriptor carries a ticket, 0..N-1, unique among those that are out. A completion word
 * returns a run of consecutive tickets with one status. So a receiver that completes a burst in
 * order writes one word; a receiver that completes in any other order writes up to one word per
 * ticket.
 *
 * Invariants (N = ring size, a power of two):
 * I1. At most N tickets are out: post takes a ticket from the free list, reap puts it back.
 * I2. The receiver reads descriptors in position order and completes a ticket only after it has
 *     read the descriptor that carried it.
 * I3. A sender that writes position p (slot p mod N) has seen completions of at least p - N + 1 of
 *     the positions 0..p-1 (I1). By the pigeonhole principle one of them is >= p - N, so by I2 the
 *     receiver has read past p - N: the slot is free. No consumer index is needed.
 * I4. A completion word covers at least one ticket that is out, and no ticket twice, so at most N
 *     words are unread (I1): the completion ring cannot overflow either.
 * I5. Ring memory is zero when the queue is created and laps start at 1: a stale word is never
 *     valid.
 * I6. The receiver never accepts a ticket that it already holds; the sender never takes back a
 *     ticket that is not out. A peer that breaks this breaks the queue (-EPROTO), never the
 *     process.
 *
 * Orderings:
 * | label | where                   | partner | what it proves                                    |
 * |-------|-------------------------|---------|---------------------------------------------------|
 * | R2    | publish: desc[first].w1 | A2      | the burst, and the memory it names, are written   |
 * | A2    | poll: desc[pos].w1      | R2      | before the receiver reads them                    |
 * | R3    | flush: comp[pos]        | A3      | the receiver has finished reading the buffers     |
 * | A3    | reap: comp[pos]         | R3      | before the sender lets them be written again      |
 * | F4    | sender, after a burst   | F5      | either the sender sees `armed`, or the receiver's |
 * | F5    | receiver, after arming  | F4      | last look sees the burst: no lost wake-up         |
 * No barrier is needed between the descriptors of one burst: the first is published last (R2), and
 * the receiver reads in order, so it reaches the others only through the first.
 *
 * Threads: one thread at a time uses a fido_sender (sender.h), and one a fido_receiver
 * (receiver.h). The locks of fido_txq and fido_rxq ensure that. F4 is in sleeper.h.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/gaddr.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Smallest ring, in descriptors. Ring sizes are powers of two. */
#define FIDO_RING_MIN 16
/** Largest ring, in descriptors. */
#define FIDO_RING_MAX 32768
/** Descriptor flag: more descriptors of the same message follow. */
#define FIDO_DESC_CHAINED UINT16_C(0x0001)
/**
 * Descriptor flag: the address field is not an address but 48 bits of the message. Read
 * fido_desc.gaddr; fido_desc.data has no meaning.
 */
#define FIDO_DESC_INLINE UINT16_C(0x0002)
/** First flag bit that the application may use. Bits 0 to 2 are libfido's. */
#define FIDO_DESC_USER_SHIFT 3
/** Completion status: done. */
#define FIDO_STATUS_OK 0
/** Completion status: the receiver has not mapped the memory that the descriptor names. */
#define FIDO_STATUS_BAD_ADDRESS 1
/** Completion status: the receiver had no room for the message. */
#define FIDO_STATUS_DROPPED 2
/** Completion status: the receiver closed the link before it read the descriptor. */
#define FIDO_STATUS_CLOSED 3
/** Completion status, never in a ring: the receiver died, and no domain reads the memory now. */
#define FIDO_STATUS_RECALLED 4
/** First completion status that the application may use. */
#define FIDO_STATUS_USER 0x100
/** The bits of a gaddr in a descriptor's first word. */
#define FIDO_GADDR_MASK ((UINT64_C(1) << FIDO_GADDR_BITS) - 1)

/** One descriptor in the sender's memory. Writer: sender. */
struct fido_desc_shm {
	uint64_t w0; /**< gaddr [47:0], flags [63:48] */
	uint64_t w1; /**< lap [15:0], ticket [31:16], length [63:32] */
};

/** The sender's part of a queue. Writer: sender. */
struct fido_sender_shm {
	uint64_t queue_id; /**< incarnation that this memory belongs to; never used twice */
	uint32_t size;     /**< N */
	uint32_t closed;   /**< 1: the sender will not read the completion ring again */
	uint32_t attached; /**< 1: the sender has found the completion ring, and may post */
	uint8_t pad0[44];
	uint32_t armed;  /**< 1: the sender sleeps until a completion comes */
	uint32_t sleeps; /**< 1: the sender may arm; 0: the receiver need not read `armed` */
	uint8_t pad1[56];
	struct fido_desc_shm desc[];
};

/** The receiver's part of a queue. Writer: receiver. */
struct fido_receiver_shm {
	uint64_t queue_id; /**< equals fido_sender_shm.queue_id of the same queue */
	uint32_t size;     /**< N */
	uint32_t closed;   /**< 1: the receiver will not read the descriptor ring again */
	uint8_t pad0[48];
	uint32_t armed;  /**< 1: the receiver sleeps until a descriptor comes */
	uint32_t sleeps; /**< 1: the receiver may arm; 0: the sender need not read `armed` */
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

/** @return bytes of shared memory of a sender's part with n descriptors. */
static inline size_t
fido_sender_shm_size(uint32_t n)
{
	return sizeof(struct fido_sender_shm) + (size_t)n * sizeof(struct fido_desc_shm);
}

/** @return bytes of shared memory of a receiver's part with n completions. */
static inline size_t
fido_receiver_shm_size(uint32_t n)
{
	return sizeof(struct fido_receiver_shm) + (size_t)n * sizeof(uint64_t);
}

/** @return true: n is a ring size, a power of two from FIDO_RING_MIN to FIDO_RING_MAX. */
static inline bool
fido_ring_size_valid(uint32_t n)
{
	return n >= FIDO_RING_MIN && n <= FIDO_RING_MAX && (n & (n - 1)) == 0;
}

#ifdef __cplusplus
}
#endif

#endif
