/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_HOST_H
#define FIDO_VMD_HOST_H

/**
 * @file
 * Members of the host: processes that connect to host.sock. Their slots stay theirs as long as they
 * run, connected or not: only the end of the process, or BYE, is their death.
 */

#include "channel.h"

/** Connections at a time: one for each slot, and as many that have none yet. */
#define HOST_CHANNELS (2 * FIDO_SLOTS_MAX)

/** Tells when a member's process ends. */
struct host_process {
	struct source source;
	struct served *served;
	uint32_t slot;
};

struct host {
	struct source listener;
	struct served *served;
	struct channel channels[HOST_CHANNELS];
	uint32_t next; /**< the connection to close when there is no room for another */
	struct host_process processes[FIDO_SLOTS_MAX]; /**< by slot */
};

/** Listen for members; those that the state names may have died. @return 0, -errno (message) */
int host_open(struct host *h, struct served *served);
void host_close(struct host *h);

#endif
