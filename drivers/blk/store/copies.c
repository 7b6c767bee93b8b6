/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies of written data. */

#include "copies.h"

#include <stdlib.h>
#include <string.h>

static char *
copies_alloc(struct blk_copies *c, size_t len)
{
	char *p = blk_buffers_alloc(c->buffers, len);

	if (p != NULL || c->spare_used)
		return p;
	if (c->spare == NULL)
		c->spare = aligned_alloc(BLK_BUFFER_MIN, BLK_BUFFER_MAX);
	c->spare_used = c->spare != NULL;
	return c->spare;
}

void *
blk_copies_make(struct blk_copies *c, struct blk_store *store, const struct blk_io *io)
{
	char *copy = copies_alloc(c, io->length), *p = copy;

	if (copy == NULL)
		return NULL;
	for (uint32_t i = 0; i < io->iovcnt; i++) {
		memcpy(p, io->iov[i].iov_base, io->iov[i].iov_len);
		p += io->iov[i].iov_len;
	}
	__atomic_fetch_add(&store->copied, 1, __ATOMIC_RELAXED);
	return copy;
}

void
blk_copies_free(struct blk_copies *c, void *copy)
{
	if (copy == c->spare)
		c->spare_used = false;
	else
		blk_buffers_free(c->buffers, copy);
}

void
blk_copies_end(struct blk_copies *c)
{
	free(c->spare);
}
