/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pointer mbufs: mbufs without memory of their own, which point into a peer's.
 *
 * They are mbufs with pinned external buffers: freeing one returns it to its pool with its buffer
 * attached, and clones count references in its shared info, so every mbuf function works on them.
 * The pool has ops of its own: to free a pointer mbuf is to return its ticket.
 *
 * A freed mbuf takes one of two ways, each with the queue's lock held:
 * - The lcore that polls the queue collects the mbufs that it frees. Its next poll returns their
 *   tickets all at once and in order (mmnet_pointers_harvest): one completion word for a burst.
 * - Any other thread completes the ticket at once.
 *
 * The pool has no mempool caches. A cache belongs to an lcore, without a lock: once another lcore
 * polls the queue, only the former one could empty its cache, and it may never free an mbuf again.
 *
 * The mempool API never allocates from the pool: the Rx burst takes mbufs off a stack, so those
 * used last are used again while they are in the CPU's cache.
 */

#include <errno.h>
#include <string.h>

#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <fido/atomic.h>
#include <fido/lock.h>
#include <fido/queue_shm.h>
#include <fido/receiver.h>
#include <fido/rxq.h>

#include "mmnet_pool.h"
#include "mmnet_port.h"
#include "mmnet_rxq.h"

#define OPS_NAME "mmnet_pointer"

static struct mmnet_pointers *
pointers_of(const struct rte_mempool *mp)
{
	return mp->pool_data;
}

static void
push(struct mmnet_pointers *p, struct rte_mbuf *m)
{
	p->stack[p->count++] = m;
}

/*
 * Return n > 0 mbufs, with one burst of completions for each run of one ring. The queue's lock is
 * held.
 */
static void
give_back(struct mmnet_pointers *p, struct fido_rxq *q, void *const *objs, unsigned int n)
{
	struct fido_receiver *r = mmnet_pointer_priv(objs[0])->receiver;
	struct fido_complete_cursor c = fido_complete_begin(r);

	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];
		struct mmnet_pointer_priv *priv = mmnet_pointer_priv(m);

		if (unlikely(priv->receiver != r)) {
			fido_rxq_complete_end(q, r, &c);
			r = priv->receiver;
			c = fido_complete_begin(r);
		}
		fido_complete_put(&c, priv->ticket, FIDO_STATUS_OK);
		push(p, m);
	}
	fido_rxq_complete_end(q, r, &c);
	fido_counter_add(&q->stats->completed, n);
}

/* Return the mbufs that the polling lcore has freed. The queue's lock is held. */
static inline void
give_back_freed(struct mmnet_pointers *p, struct fido_rxq *q)
{
	if (p->freed_count == 0)
		return;
	give_back(p, q, p->freed, p->freed_count);
	p->freed_count = 0;
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

/* The pool is being filled. */
static __rte_noinline int
fill(struct mmnet_pointers *p, void *const *objs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		push(p, objs[i]);
	return 0;
}

/*
 * Reserve room for n mbufs until the next poll. The queue's lock is held.
 * @return NULL: return them now
 */
static inline void **
room_for(struct mmnet_pointers *p, unsigned int n)
{
	unsigned int kept = p->freed_count;

	if (unlikely(p->lcore != rte_lcore_id() || kept + n > RTE_DIM(p->freed)))
		return NULL;
	p->freed_count = kept + n;
	return &p->freed[kept];
}

/* Free mbufs if the lock was taken, the polling lcore has no room, or on another thread. */
static __rte_noinline int
enqueue_slow(struct mmnet_pointers *p, void *const *objs, unsigned int n, bool locked)
{
	void **to;

	if (n == 0)
		goto out;
	if (!locked)
		fido_lock_take(&p->q->lock);
	locked = true;
	to = room_for(p, n);
	if (to != NULL) {
		memcpy(to, objs, n * sizeof(*objs));
		goto out;
	}
	if (p->lcore == rte_lcore_id())
		give_back_freed(p, p->q);
	give_back(p, p->q, objs, n);
out:
	if (locked)
		fido_lock_release(&p->q->lock);
	return 0;
}

static int
ops_enqueue(struct rte_mempool *mp, void *const *objs, unsigned int n)
{
	struct mmnet_pointers *p = pointers_of(mp);
	struct fido_rxq *q = p->q;
	void **to;

	if (unlikely(q == NULL))
		return fill(p, objs, n);
	if (unlikely(!fido_lock_try(&q->lock)))
		return enqueue_slow(p, objs, n, false);
	to = room_for(p, n);
	if (unlikely(to == NULL))
		return enqueue_slow(p, objs, n, true);
	if (n == 1)
		to[0] = objs[0];
	else
		memcpy(to, objs, n * sizeof(*objs));
	fido_lock_release(&q->lock);
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
	return pointers_of(mp)->count;
}

static const struct rte_mempool_ops pointer_ops = {
	.name = OPS_NAME,
	.alloc = ops_alloc,
	.free = ops_free,
	.enqueue = ops_enqueue,
	.dequeue = ops_dequeue,
	.get_count = ops_get_count,
};
RTE_MEMPOOL_REGISTER_OPS(pointer_ops);

/* The last clone of a pointer mbuf was freed: free the mbuf itself. */
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
init_pointer(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	struct rte_mbuf *m = obj;

	(void)arg;
	(void)i;
	memset(m, 0, mp->elt_size);
	m->priv_size = sizeof(struct mmnet_pointer_priv);
	m->pool = mp;
	m->nb_segs = 1;
	m->port = RTE_MBUF_PORT_INVALID;
	m->ol_flags = RTE_MBUF_F_EXTERNAL;
	rte_mbuf_refcnt_set(m, 1);
	/* No device can read a peer's memory by DMA: only ports that use the CPU may send it. */
	rte_mbuf_iova_set(m, RTE_BAD_IOVA);
	m->shinfo = RTE_PTR_ADD(m, sizeof(*m) + m->priv_size);
	m->shinfo->free_cb = free_pinned;
	m->shinfo->fcb_opaque = m;
	rte_mbuf_ext_refcnt_set(m->shinfo, 1);
}

static struct rte_mempool *
create_pool(struct mmnet_pointers *p, const char *name, int socket)
{
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_priv_size = sizeof(struct mmnet_pointer_priv),
		.flags = RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF,
	};
	unsigned int elt = sizeof(struct rte_mbuf) + sizeof(struct mmnet_pointer_priv) +
		sizeof(struct rte_mbuf_ext_shared_info);
	struct rte_mempool *mp =
		rte_mempool_create_empty(name, p->size, elt, 0, sizeof(priv), socket, 0);

	if (mp == NULL)
		return NULL;
	rte_pktmbuf_pool_init(mp, &priv);
	if (rte_mempool_set_ops_byname(mp, OPS_NAME, p) != 0 ||
		rte_mempool_populate_default(mp) < 0) {
		rte_mempool_free(mp);
		return NULL;
	}
	rte_mempool_obj_iter(mp, init_pointer, NULL);
	return mp;
}

struct mmnet_pointers *
mmnet_pointers_create(const char *name, uint32_t n, int socket)
{
	struct mmnet_pointers *p =
		rte_zmalloc_socket(name, sizeof(*p), RTE_CACHE_LINE_SIZE, socket);

	if (p == NULL)
		return NULL;
	p->size = n;
	p->lcore = MMNET_NO_LCORE;
	p->stack = rte_zmalloc_socket(name, n * sizeof(*p->stack), RTE_CACHE_LINE_SIZE, socket);
	if (p->stack != NULL)
		p->pool = create_pool(p, name, socket);
	if (p->pool == NULL) {
		mmnet_pointers_free(p);
		return NULL;
	}
	return p;
}

void
mmnet_pointers_free(struct mmnet_pointers *p)
{
	if (p == NULL)
		return;
	rte_mempool_free(p->pool);
	rte_free(p->stack);
	rte_free(p);
}

void
mmnet_pointers_harvest(struct mmnet_pointers *p, struct fido_rxq *q)
{
	unsigned int lcore = rte_lcore_id();

	/*
	 * Threads that are no lcores have no ids to tell them apart: tickets of mbufs that they
	 * free are returned at once.
	 */
	if (unlikely(lcore != p->lcore))
		p->lcore = lcore != LCORE_ID_ANY ? lcore : MMNET_NO_LCORE;
	give_back_freed(p, q);
}

void
mmnet_pointer_return(struct mmnet_pointers *p, struct rte_mbuf *m, uint16_t status)
{
	struct mmnet_pointer_priv *priv = mmnet_pointer_priv(m);

	m->next = NULL;
	m->nb_segs = 1;
	fido_receiver_complete(priv->receiver, priv->ticket, status);
	push(p, m);
}

void
mmnet_rx_settle(struct mmnet_rxq *rxq)
{
	if (rxq->q == NULL || rxq->pointers == NULL)
		return;
	fido_lock_take(&rxq->q->lock);
	/* Until the next poll, the ticket of each freed mbuf is returned at once. */
	rxq->pointers->lcore = MMNET_NO_LCORE;
	give_back_freed(rxq->pointers, rxq->q);
	fido_lock_release(&rxq->q->lock);
}

void
mmnet_rx_settle_lcore(unsigned int lcore)
{
	fido_lock_take(&mmnet_ports_lock);
	for (struct mmnet_port *port = mmnet_ports; port != NULL; port = port->next)
		for (uint16_t i = 0; i < port->nrx_made; i++)
			if (port->rxq[i] != NULL && port->rxq[i]->pointers != NULL &&
				port->rxq[i]->pointers->lcore == lcore)
				mmnet_rx_settle(port->rxq[i]);
	fido_lock_release(&mmnet_ports_lock);
}
