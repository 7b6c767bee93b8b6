/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_COUNTERS_SHM_H
#define FIDO_COUNTERS_SHM_H

/**
 * @file
 * Counters of queues. They lie in the domain's control region, where peers and observers read them;
 * each has one writer. They only grow, as long as the link exists.
 */

#include <stdint.h>

#include <fido/queue_shm.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Counters of a transmit queue. Writer: the holder of the queue's lock. */
struct fido_tx_stats_shm {
	uint64_t packets;   /**< messages posted */
	uint64_t bytes;     /**< bytes posted */
	uint64_t zero_copy; /**< messages of this domain's memory, by pointer */
	uint64_t forwarded; /**< messages with another domain's memory, by pointer */
	uint64_t copied;    /**< messages copied into an arena first */
	uint64_t posted;    /**< descriptors posted: tickets taken */
	uint64_t reaped;    /**< tickets reaped */
	uint64_t errors;    /**< tickets reaped with a status other than OK */
	uint64_t ring_full; /**< bursts cut short because no ticket was free */
	uint64_t doorbells; /**< times the receiver's doorbell was rung */
	uint64_t dropped;   /**< messages that can never be sent (too long, too many segments) */
	uint64_t reserved[5];
};

/** Counters of a receive queue. Writer: the holder of the queue's lock. */
struct fido_rx_stats_shm {
	uint64_t packets;   /**< messages delivered */
	uint64_t bytes;     /**< bytes delivered */
	uint64_t zero_copy; /**< messages delivered without copying a byte */
	uint64_t header;    /**< messages of which only the first bytes were copied */
	uint64_t copied;    /**< messages copied whole */
	uint64_t polled;    /**< descriptors polled; `polled` - `completed` tickets are held */
	uint64_t completed; /**< tickets given back */
	uint64_t bad;       /**< descriptors whose address failed the check */
	uint64_t too_long;  /**< messages dropped: longer than the application accepts */
	uint64_t no_buffer; /**< polls that found no buffer to receive into */
	uint64_t doorbells; /**< times the sender's doorbell was rung for completions */
	uint64_t wakeups;   /**< times this queue was armed to sleep */
	uint64_t reserved[4];
};

FIDO_STATIC_ASSERT(sizeof(struct fido_tx_stats_shm) == 128, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_rx_stats_shm) == 128, "layout");

#ifdef __cplusplus
}
#endif

#endif
