/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_BELL_H
#define FIDO_HOST_BELL_H

/** @file Doorbells of the host transport: our own eventfds and those that peers sent. */

#include <stdbool.h>

struct fido_doorbell;

/** fido_transport_ops.doorbell_create. @return 0, -errno */
int fido_host_bell_create(void *transport, struct fido_doorbell **out);
/** Create a doorbell that owns the descriptor. @return NULL: see errno (fd is closed) */
struct fido_doorbell *fido_host_bell_of_fd(int fd);
/** @return true: the descriptor is an eventfd, so ringing it is safe. */
bool fido_host_bell_valid(int fd);

#endif
