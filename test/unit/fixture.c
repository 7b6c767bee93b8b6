/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the unit tests: stand-alone queues, domains, links. */

#include "test.h"

#include <sys/mman.h>

/* ---- stand-alone queues ---- */

static void *
zeroed(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) & ~(size_t)63);

	assert_non_null(p);
	return memset(p, 0, size);
}

void
test_queue_create(struct test_queue *q, uint32_t n)
{
	*q = (struct test_queue){.n = n};
	q->sender_shm = zeroed(fido_sender_shm_size(n));
	q->receiver_shm = zeroed(fido_receiver_shm_size(n));
	memset(q->granules, 1, 64); /* TEST_QUEUE_MAPPED; the second half is not mapped */
	q->map = (struct fido_map){TEST_QUEUE_BASE, 128, q->granules};
	assert_int_equal(fido_sender_create(&q->s, q->sender_shm, n, 1), 0);
	assert_int_equal(fido_receiver_create(&q->r, q->receiver_shm, q->sender_shm, n, &q->map),
		0);
	fido_sender_attach(q->s, q->receiver_shm);
}

void
test_queue_destroy(struct test_queue *q)
{
	fido_sender_destroy(q->s);
	fido_receiver_destroy(q->r);
	free(q->sender_shm);
	free(q->receiver_shm);
}

void
test_queue_set_lap(struct test_queue *q, uint32_t lap)
{
	uint32_t pos = lap << q->s->shift;

	q->s->prod = q->s->first = q->s->cons = pos;
	q->s->free_put = pos + q->n;
	q->r->cons = q->r->prod = pos;
	/*
	 * Every slot holds what the previous lap left there. That lap's number is `lap`, since
	 * numbers begin at 1.
	 */
	for (uint32_t i = 0; i < q->n; i++) {
		q->sender_shm->desc[i].w0 = TEST_QUEUE_BASE;
		q->sender_shm->desc[i].w1 = (uint64_t)1 << 32 | i << 16 | (uint16_t)lap;
		q->receiver_shm->comp[i] = UINT64_C(1) << 32 | i << 16 | (uint16_t)lap;
	}
}

void
test_queue_post(struct test_queue *q, uintptr_t cookie)
{
	assert_int_not_equal(fido_sender_room(q->s), 0);
	fido_sender_put(q->s, TEST_QUEUE_BASE, 1, 0, (void *)cookie);
	fido_sender_publish(q->s);
}

uint16_t
test_queue_poll(struct test_queue *q)
{
	struct fido_desc d = {0};

	assert_int_equal(fido_receiver_next(q->r, &d), 1);
	assert_non_null(d.data);
	return d.ticket;
}

void
test_queue_complete(struct test_queue *q, uint16_t ticket)
{
	fido_receiver_complete(q->r, ticket, FIDO_STATUS_OK);
	fido_receiver_flush(q->r);
}

uintptr_t
test_queue_reap(struct test_queue *q)
{
	void *cookie = NULL;

	fido_sender_reap(q->s, &cookie, 1);
	return (uintptr_t)cookie;
}

void
test_map_over(struct fido_map *map, const void *p, size_t len)
{
	map->base = (uintptr_t)p & ~(FIDO_GRANULE_SIZE - 1);
	map->granule_count =
		((uintptr_t)p + len - map->base + FIDO_GRANULE_SIZE - 1) >> FIDO_GRANULE_SHIFT;
	map->granules = malloc(map->granule_count);
	assert_non_null(map->granules);
	memset(map->granules, 1, map->granule_count);
}

/* ---- domains ---- */

struct fido_domain_config
test_config(const char *name)
{
	const char *group = getenv("FIDO_TEST_GROUP"); /* other transports: test/system/xen */

	return (struct fido_domain_config){.group = group != NULL ? group : TEST_GROUP,
		.name = name,
		.layout = TEST_LAYOUT,
		.no_hugepages = true};
}

struct fido_domain *
test_join(const char *name)
{
	struct fido_domain_config config = test_config(name);
	struct fido_domain *d = NULL;

	assert_int_equal(fido_domain_join(&d, &config), 0);
	return d;
}

struct fido_region *
test_arena(struct fido_domain *d, size_t size)
{
	struct fido_region *r = NULL;

	assert_int_equal(fido_arena_create(d, size, &r), 0);
	return r;
}

struct fido_link *
test_link(struct fido_domain *d, const char *peer, const char *name, uint16_t ntx, uint16_t nrx,
	uint32_t ring)
{
	struct fido_link_config config = {.peer = peer, .name = name};
	struct fido_link *link = NULL;

	assert_int_equal(fido_link_create(d, &config, &link), 0);
	assert_int_equal(fido_link_configure(link, ntx, nrx, ring), 0);
	assert_int_equal(fido_link_open(link), 0);
	return link;
}

void
test_wait_up(struct fido_link *x, struct fido_link *y)
{
	TEST_WAIT(fido_link_is_up(x) && fido_link_is_up(y));
}

void
test_pair_join(struct test_pair *p)
{
	*p = (struct test_pair){.a = test_join("a"), .b = test_join("b")};
	p->mem = test_arena(p->a, 4u << 20);
}

void
test_pair_start(struct test_pair *p, uint32_t ring)
{
	test_pair_join(p);
	p->ab = test_link(p->a, "b", NULL, 1, 1, ring);
	p->ba = test_link(p->b, "a", NULL, 1, 1, ring);
	test_wait_up(p->ab, p->ba);
}

void
test_pair_end(struct test_pair *p)
{
	fido_link_destroy(p->ab);
	fido_link_destroy(p->ba);
	fido_domain_leave(p->a);
	fido_domain_leave(p->b);
	test_rundir_empty();
}

/* ---- memory ---- */

enum fido_reach
test_reach(struct fido_txq *q, const void *va, uint32_t len, uint64_t *gaddr)
{
	enum fido_reach reach;

	fido_lock_take(&q->lock);
	reach = fido_txq_gaddr(q, va, len, gaddr);
	fido_lock_release(&q->lock);
	return reach;
}

void *
test_memory(size_t len, int *fd)
{
	void *p;

	*fd = memfd_create("test", MFD_CLOEXEC);
	assert_int_equal(ftruncate(*fd, (off_t)len), 0);
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

/* ---- traffic ---- */

void *
test_buf(const struct fido_region *mem, uint32_t i)
{
	return (char *)mem->va + (size_t)i * TEST_BUF;
}

int
test_post(struct fido_txq *q, const struct fido_region *mem, uint32_t i)
{
	struct fido_buf b = {test_buf(mem, i), TEST_BUF, 0, (void *)(uintptr_t)(i + 1)};

	test_fill(test_buf(mem, i), TEST_BUF, i);
	return fido_txq_post(q, &b, 1);
}

struct fido_rx
test_poll(struct fido_rxq *q)
{
	struct fido_rx rx = {0};

	TEST_WAIT(fido_rxq_poll(q, &rx, 1) == 1);
	return rx;
}

uintptr_t
test_take(struct fido_txq *q)
{
	void *cookie = NULL;

	TEST_WAIT(fido_txq_reap(q, &cookie, 1) == 1);
	return (uintptr_t)cookie;
}

void
test_complete(struct fido_rxq *q, const struct fido_rx *rx, uint16_t status)
{
	fido_rxq_complete(q, rx, 1, status);
}

unsigned int
test_take_all(struct fido_txq *q, unsigned int want)
{
	uint64_t until = test_now_ms() + TEST_LIMIT_MS;
	unsigned int n = 0;
	void *cookies[64];

	while (n < want && test_now_ms() < until)
		n += fido_txq_reap(q, cookies, 64);
	return n;
}
