/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_BELL_H
#define FIDO_HOST_BELL_H

/** @file Doorbells of the host transport: eventfds, our own and those that peers sent. */

#include <stdbool.h>

struct fido_doorbell;

/** An op of the transport: make a doorbell of our own. @return 0, -errno */
int fido_host_bell_create(void *transport, struct fido_doorbell **out);
/** Make a doorbell of a descriptor, which it takes over. @return NULL: see errno (fd is closed) */
struct fido_doorbell *fido_host_bell_of_fd(int fd);
/** @return true when ringing the descriptor can do us no harm: it is an eventfd. */
bool fido_host_bell_valid(int fd);

#endif
