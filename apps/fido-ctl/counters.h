/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_COUNTERS_H
#define CTL_COUNTERS_H

/** @file The counters of a queue, and of block volumes: their names, and where they are. */

#include <stdbool.h>
#include <stddef.h>

#include <fido/blk_shm.h>
#include <fido/counters_shm.h>

/** Words of fido_tx_stats_shm, of fido_rx_stats_shm and of fido_blk_counters_shm. */
#define CTL_COUNTERS 16

struct ctl_counter {
	const char *name;   /**< in JSON, for ever */
	const char *head;   /**< over its column; NULL: not in the table */
	unsigned int index; /**< which word */
};

/** Ended by an entry without a name. */
extern const struct ctl_counter ctl_tx_counters[];
extern const struct ctl_counter ctl_rx_counters[];

extern const struct ctl_counter ctl_blk_counters[];

#define CTL_BLK_COUNTER(field) (offsetof(struct fido_blk_counters_shm, field) / sizeof(uint64_t))

/** Queues of both kinds begin with these two. */
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
