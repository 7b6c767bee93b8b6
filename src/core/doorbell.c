/* SPDX-License-Identifier: BSD-3-Clause */
/* Doorbells of every transport: call the functions that the transport filled in. */

#include <stddef.h>

#include "doorbell_private.h"

int
fido_doorbell_fd(const struct fido_doorbell *bell)
{
	return bell->fd;
}

void
fido_doorbell_ring(const struct fido_doorbell *bell)
{
	if (bell != NULL)
		bell->ring(bell);
}

void
fido_doorbell_clear(const struct fido_doorbell *bell)
{
	bell->clear(bell);
}

void
fido_doorbell_destroy(struct fido_doorbell *bell)
{
	if (bell != NULL)
		bell->destroy(bell);
}
