/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_REFUSAL_H
#define FIDO_BLK_BACK_REFUSAL_H

/** @file Front-ends that the backend has no room for: they find it in what it publishes, the operator in its log. Main thread. */

#include <fido/link.h>

#include "server.h"

/** The front-end finds it while it waits. */
void back_refuse(struct blk_server *s, const struct fido_offer *offer, int error);
/** It has been taken after all. */
void back_refusal_withdraw(struct blk_server *s, const struct fido_offer *offer);

#endif
