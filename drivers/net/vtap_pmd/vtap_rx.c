/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive: packets of the kernel, read into mbufs. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "vtap_header.h"
#include "vtap_log.h"
#include "vtap_port.h"
#include "vtap_rx.h"

/* ---- the burst ---- */

/* Replace the mbufs that the last packet took. @return false: the pool is empty */
static inline bool
refill(struct vtap_rxq *q)
{
	if (unlikely(rte_pktmbuf_alloc_bulk(q->pool, q->mbufs, q->holes) != 0))
		return false;
	for (uint16_t i = 0; i < q->holes; i++)
		q->iov[1 + i].iov_base = rte_pktmbuf_mtod(q->mbufs[i], void *);
	q->holes = 0;
	return true;
}

/* Make one packet of the first mbufs, which hold len bytes. */
static inline struct rte_mbuf *
chain(struct vtap_rxq *q, uint32_t len)
{
	struct rte_mbuf *first = q->mbufs[0], *last = first;
	uint16_t segs = 0;

	first->pkt_len = len;
	first->port = q->port_id;
	for (;;) {
		uint32_t part = RTE_MIN(len, (uint32_t)q->iov[1 + segs].iov_len);

		last->data_len = (uint16_t)part;
		len -= part;
		segs++;
		if (likely(len == 0))
			break;
		last->next = q->mbufs[segs];
		last = last->next;
	}
	first->nb_segs = segs;
	q->holes = segs;
	return first;
}

static inline void
count(struct vtap_rxq *q, enum vtap_header how, const struct rte_mbuf *m)
{
	q->now.packets++;
	q->now.bytes += m->pkt_len;
	if (how == VTAP_HEADER_UNFINISHED) {
		q->now.unfinished++;
		q->now.large += (m->ol_flags & RTE_MBUF_F_RX_LRO) != 0;
	} else if (how == VTAP_HEADER_FINISHED) {
		q->now.finished++;
	}
}

/* Take the packet that was read. @return NULL: it was dropped, and its mbufs are read into again */
static inline struct rte_mbuf *
take(struct vtap_rxq *q, uint32_t len)
{
	enum vtap_header how;
	struct rte_mbuf *m;

	if (unlikely(len > q->room)) {
		q->now.too_long++;
		return NULL;
	}
	m = chain(q, len);
	how = vtap_header_read(&q->header, m, q->leave);
	if (unlikely(how == VTAP_HEADER_BAD)) {
		q->now.bad_header++;
		rte_pktmbuf_free(m);
		return NULL;
	}
	count(q, how, m);
	return m;
}

uint16_t
vtap_rx_burst(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct vtap_rxq *q = queue;
	uint16_t got = 0;

	while (got < n) {
		ssize_t len;

		if (unlikely(!refill(q))) {
			q->now.no_buffer++;
			break;
		}
		len = readv(q->fd, q->iov, 1 + q->segs);
		q->drained = len < 0 && errno == EAGAIN;
		if (len <= (ssize_t)VTAP_HEADER_SIZE) {
			q->now.failed += len < 0 && errno != EAGAIN && errno != EINTR;
			break;
		}
		pkts[got] = take(q, (uint32_t)len - (uint32_t)VTAP_HEADER_SIZE);
		got += pkts[got] != NULL;
	}
	return got;
}

/* ---- set-up ---- */

int
vtap_rx_queue_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned int socket,
	const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	struct vtap_port *port = vtap_port_of(dev);
	struct vtap_rxq *q;

	(void)n;
	(void)conf;
	if (pool == NULL || rte_pktmbuf_data_room_size(pool) <= RTE_PKTMBUF_HEADROOM) {
		VTAP_LOG(ERR, "%s: Rx queue %u: give a pool whose mbufs have a data room",
			dev->data->name, i);
		return -EINVAL;
	}
	vtap_rx_queue_release(dev, i);
	q = rte_zmalloc_socket("vtap_rxq", sizeof(*q), RTE_CACHE_LINE_SIZE, (int)socket);
	if (q == NULL)
		return -ENOMEM;
	q->fd = port->tun.fd[i];
	q->port_id = dev->data->port_id;
	q->pool = pool;
	port->rxq[i] = q;
	dev->data->rx_queues[i] = q;
	return 0;
}

void
vtap_rx_queue_release(struct rte_eth_dev *dev, uint16_t i)
{
	struct vtap_port *port = vtap_port_of(dev);

	if (port->rxq[i] == NULL)
		return;
	vtap_rx_stop(port, i);
	rte_free(port->rxq[i]);
	port->rxq[i] = NULL;
	dev->data->rx_queues[i] = NULL;
}

/* @return the longest packet that the kernel may send */
static uint32_t
longest(const struct rte_eth_dev *dev)
{
	if ((dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TCP_LRO) != 0)
		return VTAP_FRAME_MAX;
	return dev->data->mtu + VTAP_OVERHEAD;
}

int
vtap_rx_start(struct vtap_port *port, uint16_t i)
{
	struct rte_eth_dev *dev = port->dev;
	struct vtap_rxq *q = port->rxq[i];
	uint32_t room = rte_pktmbuf_data_room_size(q->pool) - RTE_PKTMBUF_HEADROOM;
	uint64_t offloads = dev->data->dev_conf.rxmode.offloads;
	uint16_t segs = (uint16_t)((longest(dev) + room - 1) / room);

	if (segs > 1 &&
		(offloads & (RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_TCP_LRO)) == 0) {
		VTAP_LOG(ERR,
			"%s: frames of %u bytes do not fit into the mbufs of Rx queue %u (%u "
			"bytes): use larger ones, scattered Rx, or a smaller MTU",
			dev->data->name, longest(dev), i, room);
		return -EINVAL;
	}
	q->mbufs = calloc(segs, sizeof(*q->mbufs));
	q->iov = calloc(1u + segs, sizeof(*q->iov));
	if (q->mbufs == NULL || q->iov == NULL) {
		vtap_rx_stop(port, i);
		return -ENOMEM;
	}
	q->iov[0] = (struct iovec){&q->header, VTAP_HEADER_SIZE};
	for (uint16_t k = 0; k < segs; k++)
		q->iov[1 + k].iov_len = room;
	q->segs = segs;
	q->holes = segs;
	q->room = segs * room;
	q->leave = (offloads & RTE_ETH_RX_OFFLOAD_TCP_LRO) != 0;
	dev->data->scattered_rx |= segs > 1;
	return 0;
}

void
vtap_rx_stop(struct vtap_port *port, uint16_t i)
{
	struct vtap_rxq *q = port->rxq[i];

	for (uint16_t k = q->holes; k < q->segs; k++)
		rte_pktmbuf_free(q->mbufs[k]);
	free(q->mbufs);
	free(q->iov);
	q->mbufs = NULL;
	q->iov = NULL;
	q->segs = 0;
	q->holes = 0;
}
