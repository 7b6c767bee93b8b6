/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Header mbufs: mbufs without memory of their own, that point into a peer's.
 *
 * DPDK's pinned external buffers are the right kind of mbuf for this: freeing one returns it to its pool
 * with its buffer attached, and clones count references in its shared info, so every mbuf function works on
 * them. What is ours is the pool's ops: "free" means "give the ticket back".
 *
 * Where a freed header goes:
 * - freed by the lcore that polls the queue: into that lcore's mempool cache, and from there at the next
 *   poll, all at once and in order (mmnet_headers_harvest): one completion word for a burst;
 * - freed by any other thread: straight into our ops (the other lcores' caches are switched off), which
 *   take the queue's lock and complete the ticket at once: no ticket lingers anywhere.
 * Nothing is ever allocated from the pool through the mempool API: the Rx burst takes headers off a stack, so
 * the ones used last are used again while they are in the cache.
 */

#include <errno.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf_pool_ops.h>

#include "mmnet.h"

#define OPS_NAME "mmnet_header"
#define CACHE_SIZE RTE_MEMPOOL_CACHE_MAX_SIZE

static struct mmnet_headers *
headers_of(const struct rte_mempool *mp)
{
	return mp->pool_data;
}

static void
push(struct mmnet_headers *h, struct rte_mbuf *m)
{
	h->stack[h->count++] = m;
}

/* Complete and push n > 0, ending the burst of completions whenever the ring changes. The queue's lock is held. */
static void
give_back(struct mmnet_headers *h, struct fido_rxq *q, void *const *objs, unsigned int n)
{
	struct fido_receiver *r = mmnet_header_priv(objs[0])->receiver;
	struct fido_complete_cursor c = fido_complete_begin(r);

	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];
		struct mmnet_header_priv *priv = mmnet_header_priv(m);

		if (unlikely(priv->receiver != r)) {
			fido_rxq_complete_end(q, r, &c);
			r = priv->receiver;
			c = fido_complete_begin(r);
		}
		fido_complete_put(&c, priv->ticket, FIDO_STATUS_OK);
		push(h, m);
	}
	fido_rxq_complete_end(q, r, &c);
	fido_counter_add(&q->stats->completed, n);
}

static int
ops_alloc(struct rte_mempool *mp)
{
	mp->pool_data = mp->pool_config;
	return mp->pool_data != NULL ? 0 : -EINVAL;
}

static void
ops_free(struct rte_mempool *mp)
{
	mp->pool_data = NULL;
}

static int
ops_enqueue(struct rte_mempool *mp, void *const *objs, unsigned int n)
{
	struct mmnet_headers *h = headers_of(mp);

	if (n == 0)
		return 0;
	if (h->q == NULL) { /* The pool is being filled. */
		for (unsigned int i = 0; i < n; i++)
			push(h, objs[i]);
		return 0;
	}
	fido_lock_take(&h->q->lock);
	give_back(h, h->q, objs, n);
	fido_lock_release(&h->q->lock);
	return 0;
}

/* An application cannot allocate from this pool: its mbufs have no memory. */
static int
ops_dequeue(struct rte_mempool *mp, void **objs, unsigned int n)
{
	(void)mp;
	(void)objs;
	(void)n;
	return -ENOBUFS;
}

static unsigned int
ops_get_count(const struct rte_mempool *mp)
{
	return headers_of(mp)->count;
}

static const struct rte_mempool_ops header_ops = {
	.name = OPS_NAME,
	.alloc = ops_alloc,
	.free = ops_free,
	.enqueue = ops_enqueue,
	.dequeue = ops_dequeue,
	.get_count = ops_get_count,
};
RTE_MEMPOOL_REGISTER_OPS(header_ops);

/* The last clone of a header is freed: the header itself goes home. */
static void
free_pinned(void *addr, void *opaque)
{
	struct rte_mbuf *m = opaque;

	(void)addr;
	rte_mbuf_ext_refcnt_set(m->shinfo, 1);
	m->ol_flags = RTE_MBUF_F_EXTERNAL;
	m->next = NULL;
	m->nb_segs = 1;
	rte_mbuf_raw_free(m);
}

static void
init_header(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	struct rte_mbuf *m = obj;

	(void)arg;
	(void)i;
	memset(m, 0, mp->elt_size);
	m->priv_size = sizeof(struct mmnet_header_priv);
	m->pool = mp;
	m->nb_segs = 1;
	m->port = RTE_MBUF_PORT_INVALID;
	m->ol_flags = RTE_MBUF_F_EXTERNAL;
	rte_mbuf_refcnt_set(m, 1);
	/* No device can read a peer's memory by DMA: only what reads by CPU may send these on. */
	rte_mbuf_iova_set(m, RTE_BAD_IOVA);
	m->shinfo = RTE_PTR_ADD(m, sizeof(*m) + m->priv_size);
	m->shinfo->free_cb = free_pinned;
	m->shinfo->fcb_opaque = m;
	rte_mbuf_ext_refcnt_set(m->shinfo, 1);
}

/* Only the polling lcore's cache is used. */
static void
cache_switch(struct mmnet_headers *h, unsigned int lcore, bool on)
{
	struct rte_mempool_cache *cache = rte_mempool_default_cache(h->pool, lcore);

	if (cache != NULL)
		mmnet_cache_limit(cache, on ? CACHE_SIZE : 0);
}

static struct rte_mempool *
create_pool(struct mmnet_headers *h, const char *name, int socket)
{
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_priv_size = sizeof(struct mmnet_header_priv),
		.flags = RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF,
	};
	unsigned int elt = sizeof(struct rte_mbuf) + sizeof(struct mmnet_header_priv) +
			   sizeof(struct rte_mbuf_ext_shared_info);
	/* A cache may be no larger than n / 1.5. */
	unsigned int cache = RTE_MIN((unsigned int)CACHE_SIZE, h->size / 2);
	struct rte_mempool *mp;

	mp = rte_mempool_create_empty(name, h->size, elt, cache, sizeof(priv), socket, 0);
	if (mp == NULL)
		return NULL;
	rte_pktmbuf_pool_init(mp, &priv);
	if (rte_mempool_set_ops_byname(mp, OPS_NAME, h) != 0 || rte_mempool_populate_default(mp) < 0) {
		rte_mempool_free(mp);
		return NULL;
	}
	rte_mempool_obj_iter(mp, init_header, NULL);
	return mp;
}

struct mmnet_headers *
mmnet_headers_create(const char *name, uint32_t n, int socket)
{
	struct mmnet_headers *h = rte_zmalloc_socket(name, sizeof(*h), RTE_CACHE_LINE_SIZE, socket);

	if (h == NULL)
		return NULL;
	h->size = n;
	h->lcore = LCORE_ID_ANY;
	h->stack = rte_zmalloc_socket(name, n * sizeof(*h->stack), RTE_CACHE_LINE_SIZE, socket);
	if (h->stack != NULL)
		h->pool = create_pool(h, name, socket);
	if (h->pool == NULL) {
		mmnet_headers_free(h);
		return NULL;
	}
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		cache_switch(h, i, false);
	return h;
}

void
mmnet_headers_free(struct mmnet_headers *h)
{
	if (h == NULL)
		return;
	rte_mempool_free(h->pool);
	rte_free(h->stack);
	rte_free(h);
}

/* Another lcore polls now. What the former one has in its cache is taken along: DPDK's rules say that
 * it has stopped polling, not that it has stopped freeing, but its cache is off from here on. */
static void
move_to(struct mmnet_headers *h, struct fido_rxq *q, unsigned int lcore)
{
	struct rte_mempool_cache *old = rte_mempool_default_cache(h->pool, h->lcore);

	if (old != NULL) {
		cache_switch(h, h->lcore, false);
		if (old->len != 0) {
			unsigned int n = old->len;

			old->len = 0;
			give_back(h, q, old->objs, n);
		}
	}
	h->lcore = lcore;
	cache_switch(h, lcore, true);
}

void
mmnet_headers_harvest(struct mmnet_headers *h, struct fido_rxq *q)
{
	unsigned int lcore = rte_lcore_id();
	struct rte_mempool_cache *cache;

	if (unlikely(lcore != h->lcore))
		move_to(h, q, lcore);
	cache = rte_mempool_default_cache(h->pool, lcore);
	if (cache != NULL && cache->len != 0) {
		give_back(h, q, cache->objs, cache->len);
		cache->len = 0;
	}
}

void
mmnet_header_return(struct mmnet_headers *h, struct rte_mbuf *m, uint16_t status)
{
	struct mmnet_header_priv *priv = mmnet_header_priv(m);

	m->next = NULL;
	m->nb_segs = 1;
	fido_receiver_complete(priv->receiver, priv->ticket, status);
	push(h, m);
}

void
mmnet_rx_settle(struct mmnet_rxq *rxq)
{
	if (rxq->q == NULL || rxq->headers == NULL)
		return;
	fido_lock_take(&rxq->q->lock);
	mmnet_headers_harvest(rxq->headers, rxq->q);
	fido_lock_release(&rxq->q->lock);
}

void
mmnet_rx_settle_lcore(unsigned int lcore)
{
	fido_lock_take(&mmnet_ports_lock);
	for (struct mmnet_port *port = mmnet_ports; port != NULL; port = port->next)
		for (uint16_t i = 0; i < port->nrx_made; i++)
			/* A queue of another lcore is that lcore's to settle: its cache would change hands. */
			if (port->rxq[i] != NULL && port->rxq[i]->headers != NULL &&
					port->rxq[i]->headers->lcore == lcore)
				mmnet_rx_settle(port->rxq[i]);
	fido_lock_release(&mmnet_ports_lock);
}
