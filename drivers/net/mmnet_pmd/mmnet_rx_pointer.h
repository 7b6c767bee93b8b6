/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_POINTER_H
#define MMNET_RX_POINTER_H

/** @file Mbufs that point into the peer's memory. Part of mmnet_rx.c. */

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include <fido/queue_shm.h>
#include <fido/receiver.h>

#include "mmnet_pool.h"
#include "mmnet_rx_reader.h"
#include "mmnet_rxq.h"

static inline struct rte_mbuf *
take_pointer(struct mmnet_rxq *rxq, struct fido_receiver *r, const struct fido_desc *d,
	uint32_t skip)
{
	struct mmnet_pointers *p = rxq->pointers;
	struct rte_mbuf *m = p->stack[--p->count];
	struct mmnet_pointer_priv *priv = mmnet_pointer_priv(m);
	uint16_t len = (uint16_t)(d->len - skip);

	priv->receiver = r;
	priv->ticket = d->ticket;
	/* The mapping is read-only; buf_addr cannot be const. */
	m->buf_addr = (void *)((uintptr_t)d->data + skip);
	rearm(m, rxq->pointer_rearm);
	m->ol_flags = RTE_MBUF_F_EXTERNAL;
	m->packet_type = 0;
	m->pkt_len = len;
	m->data_len = len;
	m->vlan_tci = 0;
	m->hash.rss = 0;
	m->buf_len = len;
	return m;
}

/*
 * Drop a message that is too long for a packet, or has more segments than there are pointer mbufs.
 * @return true when it was dropped
 */
static inline bool
chain_too_long(struct reader *rd, const struct fido_desc *d)
{
	struct mmnet_rxq *rxq = rd->rxq;

	if (likely(rxq->head->pkt_len <= rxq->max_frame &&
		    rxq->head->nb_segs < rxq->pointers->size))
		return false;
	rd->t.too_long++;
	rd->t.completed += discard(rxq, FIDO_STATUS_DROPPED);
	rxq->dropping = (d->flags & FIDO_DESC_CHAINED) != 0;
	return true;
}

/* Take a segment of a message of several. */
static void
zero_chain(struct reader *rd, const struct fido_desc *d)
{
	struct mmnet_rxq *rxq = rd->rxq;

	append(rxq, take_pointer(rxq, rd->r, d, 0));
	if (unlikely(chain_too_long(rd, d)))
		return;
	if (d->flags & FIDO_DESC_CHAINED)
		return;
	rd->t.zero++;
	deliver(rd, rxq->head);
	rxq->head = rxq->tail = NULL;
}

#endif
