/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_CLIENTS_H
#define FIDO_BLK_BACK_CLIENTS_H

/**
 * @file
 * Accept the links that front-ends offer, and remove clients that are gone for good. Main thread.
 */

#include "client.h"

/** Accept the offered links that there is room for. */
void back_clients_accept(struct blk_server *s);
/** Destroy clients that have gone away once the workers have released their queues. */
void back_clients_follow(struct blk_server *s);
/** Destroy a client. No worker serves its queues any more. */
void back_client_destroy(struct back_client *c);

#endif
