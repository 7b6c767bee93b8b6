/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_PORT_H
#define FIDO_VMD_PORT_H

/**
 * @file
 * A slot's port of virtio-serial: the socket slot.N.port, to which the machine's QEMU connects.
 * QEMU connects again by itself whenever fido-vmd is started.
 */

#include "channel.h"

struct port {
	struct source listener;
	struct channel channel;
};

/** Listen for QEMU. @return 0, -errno (message written) */
int port_open(struct port *p, struct served *served, uint32_t slot);
void port_close(struct port *p);

#endif
