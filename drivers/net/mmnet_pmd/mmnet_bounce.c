/* SPDX-License-Identifier: BSD-3-Clause */
/* The arenas that packets are copied into, divided among the transmit queues. */

#include <errno.h>

#include <rte_common.h>
#include <rte_malloc.h>

#include <fido/link.h>
#include <fido/region.h>

#include "mmnet_bounce.h"
#include "mmnet_port.h"
#include "mmnet_txq.h"

/* Give a queue share i of n of an arena. */
static int
bounce_create(struct mmnet_txq *txq, const struct fido_region *arena, uint16_t i, uint16_t n)
{
	uint64_t buffers = RTE_MIN(arena->len / MMNET_BOUNCE_SIZE / n, (uint64_t)UINT16_MAX);

	txq->bounce_free =
		rte_malloc("mmnet_bounce", buffers * sizeof(uint16_t), RTE_CACHE_LINE_SIZE);
	if (txq->bounce_free == NULL)
		return -ENOMEM;
	txq->bounce_arena = arena;
	txq->bounce = (char *)arena->va + (size_t)i * buffers * MMNET_BOUNCE_SIZE;
	for (uint64_t k = 0; k < buffers; k++)
		txq->bounce_free[k] = (uint16_t)k;
	txq->bounce_count = txq->bounce_total = (uint32_t)buffers;
	return 0;
}

/*
 * A queue keeps its share until the port is closed, because the peers may still hold packets that
 * were copied into it. So an arena is divided once, and queues that come later share another one.
 */
int
mmnet_bounce_start(struct mmnet_port *port)
{
	struct fido_region **arena = &port->arena;
	uint16_t without = 0, i = 0;
	int ret = 0;

	for (uint16_t k = 0; k < port->ntx; k++)
		without += port->txq[k]->bounce_free == NULL;
	if (without == 0)
		return 0;
	if (port->arena != NULL && port->more_count == RTE_DIM(port->more))
		return -ENOSPC;
	if (port->arena != NULL)
		arena = &port->more[port->more_count];
	ret = fido_arena_create(fido_link_domain(port->link), port->args.arena, arena);
	if (ret != 0)
		return ret;
	port->more_count += arena != &port->arena;
	for (uint16_t k = 0; k < port->ntx && ret == 0; k++)
		if (port->txq[k]->bounce_free == NULL)
			ret = bounce_create(port->txq[k], *arena, i++, without);
	return ret;
}
