/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_DOORBELL_PRIVATE_H
#define FIDO_DOORBELL_PRIVATE_H

/** @file What a transport fills in to create a doorbell, its own or a peer's. */

#include <fido/doorbell.h>

struct fido_doorbell {
	int fd; /**< own: readable after a ring; a peer's: private to the transport */
	void (*ring)(const struct fido_doorbell *bell);  /**< any thread; does not block */
	void (*clear)(const struct fido_doorbell *bell); /**< owner; does not block */
	void (*destroy)(struct fido_doorbell *bell);     /**< free it */
};

/** Free a doorbell. NULL is legal. */
void fido_doorbell_destroy(struct fido_doorbell *bell);

#endif
