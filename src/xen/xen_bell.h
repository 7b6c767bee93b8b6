/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_XEN_BELL_H
#define FIDO_XEN_BELL_H

/**
 * @file
 * Doorbells of the xen transport: event channels. Our own bell has one port for each queue that it
 * is offered for. Its descriptor is an epoll descriptor over the ports and an eventfd, by which we
 * ring it ourselves.
 */

#include <stdint.h>

struct fido_doorbell;

/** Create a bell of our own. Only we can ring it yet. @return 0, -errno (message written) */
int fido_xen_bell_create(void *transport, struct fido_doorbell **out);
/**
 * Create an unbound port of our bell for a peer to bind. Replaces the port created under this tag
 * before.
 * @return the port, -errno
 */
int fido_xen_bell_offer(struct fido_doorbell *bell, uint64_t tag, unsigned int domid);
/** Bind a port that a peer offered. @return the peer's bell, or NULL: no such port, or no memory */
struct fido_doorbell *fido_xen_bell_bind(unsigned int domid, uint32_t port);

#endif
