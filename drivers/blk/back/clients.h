/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_CLIENTS_H
#define FIDO_BLK_BACK_CLIENTS_H

/** @file Clients: the links that front-ends offer, each of which is served until it has gone for good. Main thread. */

#include "client.h"

/** Take the links that are offered, where there is room. */
void back_clients_accept(struct blk_server *s);
/** Take clients apart that have gone away. */
void back_clients_follow(struct blk_server *s);
/** No worker has its queues. */
void back_client_destroy(struct back_client *c);

#endif
