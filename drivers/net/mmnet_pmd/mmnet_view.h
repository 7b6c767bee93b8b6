/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_VIEW_H
#define MMNET_VIEW_H

/**
 * @file
 * Snapshots of libfido's counters and rings in the queues' structures, where secondary processes
 * can read them.
 */

#include <ethdev_driver.h>

/** Answer secondary processes from now on. Primary process. */
void mmnet_view_serve(void);

/**
 * Update the snapshots (now, ring_size, out) of a port's queues. Either process.
 * @return 0, -errno
 */
int mmnet_view_update(struct rte_eth_dev *dev);

#endif
