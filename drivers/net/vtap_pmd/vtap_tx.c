/* SPDX-License-Identifier: BSD-3-Clause */
/* Transmit: packets to the kernel, written from where they are. */

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "vtap_header.h"
#include "vtap_log.h"
#include "vtap_port.h"
#include "vtap_tx.h"

static const struct virtio_net_hdr plain;

/* ---- one packet ---- */

/* @return true when the packet is longer than the MTU allows; the kernel would take it */
static inline bool
is_too_long(const struct rte_mbuf *m, uint32_t max_frame)
{
	if ((m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)) != 0)
		return (uint32_t)m->l2_len + m->l3_len + m->l4_len + m->tso_segsz > max_frame;
	return m->pkt_len > max_frame;
}

/* List the packet's bytes [from, to). @return how many entries; -1: too many, or it is shorter */
static inline int
list_bytes(struct iovec *iov, int max, const struct rte_mbuf *m, uint32_t from, uint32_t to)
{
	int n = 0;

	to -= from;
	for (; m != NULL && to != 0; m = m->next) {
		uint32_t len = m->data_len;

		if (from >= len) {
			from -= len;
			continue;
		}
		if (unlikely(n == max))
			return -1;
		len = RTE_MIN(len - from, to);
		iov[n++] = (struct iovec){rte_pktmbuf_mtod_offset(m, void *, from), len};
		to -= len;
		from = 0;
	}
	return to == 0 ? n : -1;
}

/* @return as write_packet() */
static inline int
write_bytes(const struct vtap_txq *q, const struct iovec *iov, int n)
{
	while (writev(q->fd, iov, n) < 0)
		if (errno != EINTR)
			return errno == EAGAIN ? 0 : -errno;
	return 1;
}

/* Write a packet that asks for an offload. @return as write_packet() */
static __rte_noinline int
write_asking(struct vtap_txq *q, const struct rte_mbuf *m)
{
	struct iovec iov[IOV_MAX];
	struct vtap_packet p;
	int n = 1, k, ret = vtap_header_write(&p, m, q->can_uso);

	if (unlikely(ret != 0))
		return ret;
	iov[0] = (struct iovec){&p.header, VTAP_HEADER_SIZE};
	if (p.front_len != 0)
		iov[n++] = (struct iovec){p.front, p.front_len};
	k = list_bytes(iov + n, IOV_MAX - n, m, p.skip, p.len);
	if (unlikely(k < 0))
		return -EINVAL;
	ret = write_bytes(q, iov, n + k);
	if (unlikely(ret != 1))
		return ret;
	q->now.header_copies += p.front_len != 0;
	q->now.unfinished += p.header.flags != 0;
	q->now.large += p.header.gso_type != 0;
	return 1;
}

/*
 * Write one packet.
 * @return 1: the kernel has it; 0: no room now; -errno: it never will
 */
static inline int
write_packet(struct vtap_txq *q, const struct rte_mbuf *m)
{
	struct iovec iov[IOV_MAX];
	int k;

	if ((m->ol_flags & VTAP_ASKS) != 0)
		return write_asking(q, m);
	iov[0] = (struct iovec){(void *)(uintptr_t)&plain, VTAP_HEADER_SIZE};
	k = list_bytes(iov + 1, IOV_MAX - 1, m, 0, m->pkt_len);
	return likely(k >= 0) ? write_bytes(q, iov, 1 + k) : -EINVAL;
}

/* ---- the burst ---- */

uint16_t
vtap_tx_burst(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct vtap_txq *q = queue;
	uint32_t max_frame = atomic_load_explicit(q->max_frame, memory_order_relaxed);
	uint16_t i;

	for (i = 0; i < n; i++) {
		uint32_t len = pkts[i]->pkt_len;
		int ret;

		if (unlikely(is_too_long(pkts[i], max_frame))) {
			q->now.too_long++;
			continue;
		}
		ret = write_packet(q, pkts[i]);
		if (unlikely(ret == 0))
			break;
		if (unlikely(ret < 0)) {
			if (ret == -ENOTSUP || ret == -EINVAL)
				q->now.invalid++;
			else
				q->now.refused++;
			continue;
		}
		q->now.packets++;
		q->now.bytes += len;
	}
	/* At once: buffers of another domain go back in one batch. */
	rte_pktmbuf_free_bulk(pkts, i);
	return i;
}

static int
check(struct vtap_txq *q, const struct rte_mbuf *m)
{
	struct vtap_packet p;

	if (is_too_long(m, *q->max_frame))
		return EINVAL;
	if ((m->ol_flags & VTAP_ASKS) == 0)
		return 0;
	return -vtap_header_write(&p, m, q->can_uso);
}

uint16_t
vtap_tx_prepare(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		int ret = check(queue, pkts[i]);

		if (unlikely(ret != 0)) {
			rte_errno = ret;
			return i;
		}
	}
	return n;
}

/* ---- set-up ---- */

int
vtap_tx_queue_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned int socket,
	const struct rte_eth_txconf *conf)
{
	struct vtap_port *port = vtap_port_of(dev);
	struct vtap_txq *q;

	(void)n;
	(void)conf;
	vtap_tx_queue_release(dev, i);
	q = rte_zmalloc_socket("vtap_txq", sizeof(*q), RTE_CACHE_LINE_SIZE, (int)socket);
	if (q == NULL)
		return -ENOMEM;
	q->can_uso = port->tun.can_uso;
	q->max_frame = &port->max_frame;
	port->txq[i] = q;
	dev->data->tx_queues[i] = q;
	return 0;
}

void
vtap_tx_queue_release(struct rte_eth_dev *dev, uint16_t i)
{
	struct vtap_port *port = vtap_port_of(dev);

	rte_free(port->txq[i]);
	port->txq[i] = NULL;
	dev->data->tx_queues[i] = NULL;
}

void
vtap_tx_limit(struct vtap_port *port)
{
	port->max_frame = (uint32_t)port->dev->data->mtu + VTAP_OVERHEAD;
}
