/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_MOUNT_SERVICE_H
#define FIDO_BLK_MOUNT_SERVICE_H

/**
 * @file
 * The service: a volume that is mounted, from start to end.
 *
 *   start  check the mountpoint, join, open the volume, mount, attach the loop device
 *   serve  until a signal, or until somebody unmounts it
 *   end    detach the loop device, unmount while the lanes still answer, flush, leave
 *
 * What the file system has accepted was answered by the backend: nothing waits in this process.
 * Main thread.
 */

#include "options.h"

/** Block the signals that end the service, before any thread is started. */
void service_block_signals(void);
/** Run it. @return 0; -errno after a message */
int service_run(const struct mount_options *opt);

#endif
