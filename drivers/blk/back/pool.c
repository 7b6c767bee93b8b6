/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory and channels that the queues of one worker share. */

#include "pool.h"

#include <stdlib.h>

#include "request.h"

struct blk_channel *
back_pool_channel(struct back_pool *p, struct blk_store *store)
{
	struct blk_channel_config config = {.buffers = p->buffers};
	struct back_channel *c;

	for (c = p->channels; c != NULL; c = c->next)
		if (c->channel->store == store)
			return c->channel;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	if (store->ops->channel_open(store, &config, &c->channel) != 0) {
		free(c);
		return NULL;
	}
	c->next = p->channels;
	p->channels = c;
	return c->channel;
}

static void
close_channels(struct back_pool *p)
{
	struct back_channel *c;

	while ((c = p->channels) != NULL) {
		p->channels = c->next;
		c->channel->store->ops->channel_close(c->channel);
		free(c);
	}
}

static void
free_pieces(struct back_pool *p)
{
	struct back_pieces *pieces;

	while ((pieces = p->pieces) != NULL) {
		p->pieces = pieces->next;
		free(pieces);
	}
}

void
back_pool_free(struct back_pool *p)
{
	close_channels(p);
	free_pieces(p);
	blk_buffers_destroy(p->buffers);
}
