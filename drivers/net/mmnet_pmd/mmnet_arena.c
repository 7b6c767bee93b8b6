/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mempool ops whose objects lie in an arena: "mmnet_arena".
 *
 * The ops place the objects, so they work for every pool, whoever creates it. Its mbufs, headers
 * and data, are laid out as in any other pool. The mempool library allocates a cache line for the
 * objects, which stays unused.
 */

#include <errno.h>
#include <stdio.h>

#include <rte_bitops.h>
#include <rte_common.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include <fido/domain.h>
#include <fido/gaddr.h>
#include <fido/region.h>

#include "mmnet_domain.h"
#include "mmnet_log.h"
#include "rte_pmd_mmnet.h"

/* No object crosses a granule boundary: the Tx fast path checks one granule only. */
#define GRANULE FIDO_GRANULE_SIZE

struct arena_pool {
	struct rte_ring *ring;
	struct fido_region *region;
};

static uint64_t
object_size(const struct rte_mempool *mp)
{
	return mp->header_size + mp->elt_size + mp->trailer_size;
}

/* @return the address of object i */
static void *
object_at(const struct rte_mempool *mp, const struct fido_region *region, uint32_t i)
{
	uint64_t size = object_size(mp), each = GRANULE / size;

	return (void *)(region->va + i / each * GRANULE + i % each * size);
}

static int
ring_create(const struct rte_mempool *mp, struct rte_ring **out)
{
	char name[RTE_RING_NAMESIZE];

	if (snprintf(name, sizeof(name), RTE_MEMPOOL_MZ_FORMAT, mp->name) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	*out = rte_ring_create(name, rte_align32pow2(mp->size + 1), mp->socket_id, 0);
	return *out != NULL ? 0 : -rte_errno;
}

static int
region_create(const struct rte_mempool *mp, struct fido_domain *domain, struct fido_region **out)
{
	uint64_t each = GRANULE / object_size(mp);

	if (each == 0) {
		MMNET_LOG(ERR,
			"pool %s: an object of %lu bytes is too large for an arena: at most %lu",
			mp->name, (unsigned long)object_size(mp), (unsigned long)GRANULE);
		return -EINVAL;
	}
	return fido_arena_create(domain, (mp->size + each - 1) / each * GRANULE, out);
}

static int
ops_alloc(struct rte_mempool *mp)
{
	struct arena_pool *pool;
	struct fido_domain *domain = mmnet_domain_hold();
	int ret = -ENOMEM;

	if (domain == NULL) {
		MMNET_LOG(ERR,
			"pool %s: an arena belongs to a domain, and this process is none: give it "
			"an mmnet port first, e.g. by --vdev",
			mp->name);
		return -ENODEV;
	}
	pool = rte_zmalloc("mmnet_arena", sizeof(*pool), 0);
	if (pool == NULL)
		goto err_put_domain;
	ret = ring_create(mp, &pool->ring);
	if (ret != 0)
		goto err_free_pool;
	ret = region_create(mp, domain, &pool->region);
	if (ret != 0)
		goto err_free_ring;
	mp->pool_data = pool;
	return 0;

err_free_ring:
	rte_ring_free(pool->ring);
err_free_pool:
	rte_free(pool);
err_put_domain:
	mmnet_domain_put();
	return ret;
}

static void
ops_free(struct rte_mempool *mp)
{
	struct arena_pool *pool = mp->pool_data;

	if (pool == NULL)
		return;
	fido_region_destroy(pool->region);
	rte_ring_free(pool->ring);
	rte_free(pool);
	mp->pool_data = NULL;
	mmnet_domain_put();
}

static int
ops_enqueue(struct rte_mempool *mp, void *const *objs, unsigned int n)
{
	const struct arena_pool *pool = mp->pool_data;

	return rte_ring_mp_enqueue_bulk(pool->ring, objs, n, NULL) == 0 ? -ENOBUFS : 0;
}

static int
ops_dequeue(struct rte_mempool *mp, void **objs, unsigned int n)
{
	const struct arena_pool *pool = mp->pool_data;

	return rte_ring_mc_dequeue_bulk(pool->ring, objs, n, NULL) == 0 ? -ENOBUFS : 0;
}

static unsigned int
ops_get_count(const struct rte_mempool *mp)
{
	const struct arena_pool *pool = mp->pool_data;

	return rte_ring_count(pool->ring);
}

/* The library requires a size above 0. */
static ssize_t
ops_calc_mem_size(const struct rte_mempool *mp, uint32_t n, uint32_t pg_shift,
	size_t *min_chunk_size, size_t *align)
{
	(void)mp;
	(void)n;
	(void)pg_shift;
	*min_chunk_size = RTE_CACHE_LINE_SIZE;
	*align = RTE_CACHE_LINE_SIZE;
	return RTE_CACHE_LINE_SIZE;
}

/* Called once, for all objects; the memory that the library has allocated is not used. */
static int
ops_populate(struct rte_mempool *mp, unsigned int max_objs, void *vaddr, rte_iova_t iova,
	size_t len, rte_mempool_populate_obj_cb_t *obj_cb, void *obj_cb_arg)
{
	const struct arena_pool *pool = mp->pool_data;

	(void)vaddr;
	(void)iova;
	(void)len;
	for (unsigned int i = 0; i < max_objs; i++) {
		void *obj = RTE_PTR_ADD(object_at(mp, pool->region, i), mp->header_size);

		/* The memory is not mapped for DMA. */
		obj_cb(mp, obj_cb_arg, obj, RTE_BAD_IOVA);
		if (ops_enqueue(mp, &obj, 1) != 0)
			return -ENOBUFS;
	}
	return (int)max_objs;
}

static const struct rte_mempool_ops arena_ops = {
	.name = RTE_PMD_MMNET_ARENA_OPS,
	.alloc = ops_alloc,
	.free = ops_free,
	.enqueue = ops_enqueue,
	.dequeue = ops_dequeue,
	.get_count = ops_get_count,
	.calc_mem_size = ops_calc_mem_size,
	.populate = ops_populate,
};
RTE_MEMPOOL_REGISTER_OPS(arena_ops);
