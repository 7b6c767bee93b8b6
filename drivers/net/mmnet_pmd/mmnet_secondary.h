/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_SECONDARY_H
#define MMNET_SECONDARY_H

/** @file Ports in secondary processes. */

struct rte_vdev_device;

/** Attach to the primary's port. Secondary process. @return 0, -errno (message logged) */
int mmnet_secondary_probe(struct rte_vdev_device *vdev);

#endif
