/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive: packets of the kernel, read into mbufs. */

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "rte_pmd_udp_lro.h"
#include "vtap_header.h"
#include "vtap_log.h"
#include "vtap_port.h"
#include "vtap_rx.h"

/* Buffers of a readv() beside the header and the byte beyond. */
#define MBUFS_MAX (IOV_MAX - 2u)

/* ---- the burst ---- */

static inline const struct vtap_rx_seg *
seg_of(const struct vtap_rxq *q, uint16_t i)
{
	return &q->seg[RTE_MIN(i, (uint16_t)(q->nb_seg - 1))];
}

/* Replace the mbufs that the last packet took. @return false: a pool is empty */
static inline bool
refill(struct vtap_rxq *q)
{
	while (q->missing != 0) {
		uint16_t i = q->missing - 1;
		struct rte_mbuf *m = rte_pktmbuf_alloc(seg_of(q, i)->pool);

		if (unlikely(m == NULL))
			return false;
		q->mbufs[i] = m;
		q->iov[1 + i].iov_base = rte_pktmbuf_mtod(m, void *);
		q->missing = i;
	}
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
	q->missing = segs;
	return first;
}

static inline void
count(struct vtap_rxq *q, enum vtap_header how, const struct rte_mbuf *m)
{
	q->now.packets++;
	q->now.bytes += m->pkt_len;
	if (how == VTAP_HEADER_UNFINISHED) {
		q->now.unfinished++;
		q->now.large += q->header.gso_type != VIRTIO_NET_HDR_GSO_NONE;
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

	/* Of a longer packet the kernel has discarded the rest. */
	if (unlikely(len > q->room)) {
		q->now.too_long++;
		return NULL;
	}
	m = chain(q, len);
	how = vtap_header_read(&q->header, m, q->leave_unfinished, q->udp_lro);
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
		len = readv(q->fd, q->iov, 2 + q->segs);
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

/* Set segment k, of at most max bytes; 0: as many as an mbuf holds. @return false: of none */
static bool
set_seg(struct vtap_rxq *q, uint16_t k, struct rte_mempool *pool, uint32_t max)
{
	uint32_t room = rte_pktmbuf_data_room_size(pool);

	room -= RTE_MIN(room, (uint32_t)RTE_PKTMBUF_HEADROOM);
	q->seg[k] = (struct vtap_rx_seg){pool, max != 0 ? RTE_MIN(room, max) : room};
	q->nb_seg = k + 1;
	return room != 0;
}

/* @return false: a pool is missing, or its mbufs hold nothing */
static bool
set_segs(struct vtap_rxq *q, const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	if (pool != NULL)
		return set_seg(q, 0, pool, 0);
	if (conf->rx_nseg == 0 || conf->rx_nseg > VTAP_POOLS_MAX)
		return false;
	for (uint16_t k = 0; k < conf->rx_nseg; k++)
		if (!set_seg(q, k, conf->rx_seg[k].split.mp, conf->rx_seg[k].split.length))
			return false;
	return true;
}

int
vtap_rx_queue_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned int socket,
	const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	struct vtap_port *port = vtap_port_of(dev);
	struct vtap_rxq *q;

	(void)n;
	vtap_rx_queue_release(dev, i);
	q = rte_zmalloc_socket("vtap_rxq", sizeof(*q), RTE_CACHE_LINE_SIZE, (int)socket);
	if (q == NULL)
		return -ENOMEM;
	q->fd = port->tun.fd[i];
	q->port_id = dev->data->port_id;
	if (!set_segs(q, conf, pool)) {
		VTAP_LOG(ERR,
			"%s: Rx queue %u: give a pool, or at most %u, whose mbufs have a data room",
			dev->data->name, i, VTAP_POOLS_MAX);
		rte_free(q);
		return -EINVAL;
	}
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

/* Offloads with which a packet may take several mbufs. */
#define SEVERAL \
	(RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT)

/*
 * Find how many mbufs the longest frame takes. With several mbufs to a frame the queue is prepared
 * for any MTU, since others may change it.
 * @return the number; -EINVAL: it cannot be received, a message has been logged
 */
static int
count_mbufs(const struct vtap_rxq *q, const struct rte_eth_dev *dev, uint16_t i)
{
	const struct vtap_rx_seg *last = &q->seg[q->nb_seg - 1];
	bool several = (dev->data->dev_conf.rxmode.offloads & SEVERAL) != 0;
	uint32_t frame = several ? VTAP_FRAME_MAX : (uint32_t)dev->data->mtu + VTAP_OVERHEAD;
	uint32_t n = 0, room = 0;

	for (; room < frame; n++)
		room += q->seg[RTE_MIN(n, q->nb_seg - 1u)].room;
	if (n > 1 && !several)
		VTAP_LOG(ERR,
			"%s: frames of %u bytes do not fit into the mbufs of Rx queue %u (%u "
			"bytes): use larger ones, scattered Rx, or a smaller MTU",
			dev->data->name, frame, i, q->seg[0].room);
	else if (n > RTE_MIN(MBUFS_MAX, q->nb_seg - 1u + last->pool->size))
		VTAP_LOG(ERR,
			"%s: a frame of %u bytes takes %u mbufs of Rx queue %u (%u bytes): its "
			"pool has %u, and the kernel fills %u at most: use more or larger ones",
			dev->data->name, frame, n, i, last->room, last->pool->size, MBUFS_MAX);
	else
		return (int)n;
	return -EINVAL;
}

int
vtap_rx_start(struct vtap_port *port, uint16_t i)
{
	struct rte_eth_dev *dev = port->dev;
	struct vtap_rxq *q = port->rxq[i];
	int segs = count_mbufs(q, dev, i);

	if (segs < 0)
		return segs;
	q->mbufs = calloc((size_t)segs, sizeof(*q->mbufs));
	q->iov = calloc(2 + (size_t)segs, sizeof(*q->iov));
	if (q->mbufs == NULL || q->iov == NULL) {
		vtap_rx_stop(port, i);
		return -ENOMEM;
	}
	q->segs = (uint16_t)segs;
	q->missing = q->segs;
	q->room = 0;
	q->iov[0] = (struct iovec){&q->header, VTAP_HEADER_SIZE};
	for (uint16_t k = 0; k < q->segs; k++) {
		q->iov[1 + k].iov_len = seg_of(q, k)->room;
		q->room += seg_of(q, k)->room;
	}
	q->iov[1 + segs] = (struct iovec){&q->beyond, sizeof(q->beyond)};
	q->drained = false;
	q->udp_lro = port->tun.can_uso ? rte_pmd_udp_lro_mask() : 0;
	q->leave_unfinished =
		(dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TCP_LRO) != 0;
	dev->data->scattered_rx |= q->segs > 1;
	return 0;
}

bool
vtap_rx_fits(const struct vtap_port *port, uint32_t frame)
{
	for (uint16_t i = 0; i < port->dev->data->nb_rx_queues; i++)
		if (port->rxq[i] != NULL && port->rxq[i]->segs != 0 && frame > port->rxq[i]->room)
			return false;
	return true;
}

void
vtap_rx_stop(struct vtap_port *port, uint16_t i)
{
	struct vtap_rxq *q = port->rxq[i];

	for (uint16_t k = q->missing; k < q->segs; k++)
		rte_pktmbuf_free(q->mbufs[k]);
	free(q->mbufs);
	free(q->iov);
	q->mbufs = NULL;
	q->iov = NULL;
	q->segs = 0;
	q->missing = 0;
}
