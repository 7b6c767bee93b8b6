/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_REFUSAL_H
#define FIDO_BLK_BACK_REFUSAL_H

/**
 * @file
 * Tell front-ends that there is no room for them: in the backend's published table, where a waiting
 * front-end looks, and in the log. Main thread.
 */

#include <fido/link.h>

#include "server.h"

/** Publish a refusal. @see back_refusal_withdraw */
void back_refuse(struct blk_server *s, const struct fido_offer *offer, int error);
/** The offer was accepted: remove its refusal. */
void back_refusal_withdraw(struct blk_server *s, const struct fido_offer *offer);

#endif
