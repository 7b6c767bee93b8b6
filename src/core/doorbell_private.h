/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_DOORBELL_PRIVATE_H
#define FIDO_DOORBELL_PRIVATE_H

/** @file What a transport fills in to make a doorbell, own or a peer's. */

#include <fido/doorbell.h>

struct fido_doorbell {
	int fd;
	void (*ring)(const struct fido_doorbell *bell);
	void (*clear)(const struct fido_doorbell *bell);
	void (*destroy)(struct fido_doorbell *bell);
};

/** Free a doorbell. NULL is legal. */
void fido_doorbell_destroy(struct fido_doorbell *bell);

#endif
