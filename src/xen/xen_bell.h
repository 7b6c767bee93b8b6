/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_XEN_BELL_H
#define FIDO_XEN_BELL_H

/**
 * @file
 * Doorbells of the xen transport: event channels. A bell of our own has a port for each queue it is handed out for;
 * its descriptor is an epoll descriptor, as we ring our own bells too.
 */

#include <stdint.h>

struct fido_doorbell;

/** Make a bell of our own, that nobody can ring yet but we. @return 0, -errno (message written) */
int fido_xen_bell_create(void *transport, struct fido_doorbell **out);
/**
 * Make an unbound port of our bell for a peer, in place of the one that was made under this tag before.
 * @return the port, -errno
 */
int fido_xen_bell_offer(struct fido_doorbell *bell, uint64_t tag, unsigned int domid);
/** Bind a port that a peer offered. @return the bell to ring, or NULL: no such port, or no memory */
struct fido_doorbell *fido_xen_bell_bind(unsigned int domid, uint32_t port);

#endif
