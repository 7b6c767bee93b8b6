/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_COUNTERS_H
#define CTL_COUNTERS_H

/** @file Names and positions of the counters of queues and of block volumes. */

#include <stdbool.h>
#include <stddef.h>

#include <fido/blk_shm.h>
#include <fido/counters_shm.h>

/** Words in fido_tx_stats_shm, fido_rx_stats_shm and fido_blk_counters_shm. */
#define CTL_COUNTERS 16

struct ctl_counter {
	const char *name;   /**< JSON key; never changes */
	const char *head;   /**< column heading; NULL: not in the table */
	unsigned int index; /**< of its word */
};

/** Each array ends with an entry without a name. */
extern const struct ctl_counter ctl_tx_counters[];
extern const struct ctl_counter ctl_rx_counters[];

extern const struct ctl_counter ctl_blk_counters[];

#define CTL_BLK_COUNTER(field) (offsetof(struct fido_blk_counters_shm, field) / sizeof(uint64_t))

/** Word indexes that queues of both directions share. */
#define CTL_PACKETS 0
#define CTL_BYTES 1

_Static_assert(sizeof(struct fido_tx_stats_shm) == CTL_COUNTERS * sizeof(uint64_t), "all words");
_Static_assert(sizeof(struct fido_rx_stats_shm) == CTL_COUNTERS * sizeof(uint64_t), "all words");
_Static_assert(sizeof(struct fido_blk_counters_shm) == CTL_COUNTERS * sizeof(uint64_t),
	"all words");
_Static_assert(offsetof(struct fido_tx_stats_shm, packets) == 0, "CTL_PACKETS");
_Static_assert(offsetof(struct fido_rx_stats_shm, packets) == 0, "CTL_PACKETS");
_Static_assert(offsetof(struct fido_tx_stats_shm, bytes) == 8, "CTL_BYTES");
_Static_assert(offsetof(struct fido_rx_stats_shm, bytes) == 8, "CTL_BYTES");

#endif
