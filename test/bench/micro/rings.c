/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Other rings doing the same work: pointers one way and, where stated, back again.
 *
 *   rte-ring        DPDK's rte_ring, single producer and consumer; nothing comes back
 *   rte-ring-pair   two of them: the receiver returns each pointer, as a queue returns tickets
 *   index           producer and consumer index as in any C11 book, each end with a copy of the
 *                   other's; nothing comes back
 */

#include <rte_ring.h>

#include "micro.h"

/* ---- rte_ring ---- */

static struct rte_ring *
new_ring(void)
{
	struct rte_ring *r = micro_alloc((size_t)rte_ring_get_memsize(RING));

	rte_ring_init(r, "bench", RING, RING_F_SP_ENQ | RING_F_SC_DEQ);
	return r;
}

struct rings {
	struct rte_ring *there;
	struct rte_ring *back; /* NULL: nothing comes back */
	unsigned int burst;
};

static void
rte_receiver(void *arg)
{
	const struct rings *a = arg;
	void *p[64];

	while (!micro_stopping()) {
		unsigned int n = rte_ring_sc_dequeue_burst(a->there, p, a->burst, NULL), done = 0;

		if (n == 0)
			fido_pause();
		while (a->back != NULL && done < n && !micro_stopping())
			done += rte_ring_sp_enqueue_burst(a->back, p + done, n - done, NULL);
	}
}

static void
run_rte(struct bench *b, bool pair)
{
	struct rings a = {new_ring(), pair ? new_ring() : NULL, (unsigned int)bench_arg(b)};
	struct micro_thread *t = micro_start(rte_receiver, &a);
	void *p[64] = {0}, *returned[64];
	unsigned int out = 0;

	while (bench_next(b, BENCH_TURNS))
		for (unsigned int i = 0; i < BENCH_TURNS; i++) {
			while (pair && out >= REAP_FROM)
				out -= rte_ring_sc_dequeue_burst(a.back, returned, 64, NULL);
			for (unsigned int done = 0; done < a.burst;)
				done += rte_ring_sp_enqueue_burst(a.there, p, a.burst - done, NULL);
			out += a.burst;
		}
	bench_items(b, a.burst);
	micro_stop(t);
	micro_free(a.there, (size_t)rte_ring_get_memsize(RING));
	if (pair)
		micro_free(a.back, (size_t)rte_ring_get_memsize(RING));
}

static void
rte_one_way(struct bench *b)
{
	run_rte(b, false);
}

static void
rte_pair(struct bench *b)
{
	run_rte(b, true);
}

/* ---- indices ---- */

struct index_ring {
	uint64_t slot[RING];
	uint32_t prod __attribute__((aligned(128)));
	uint32_t cons_seen;
	uint32_t cons __attribute__((aligned(128)));
	uint32_t prod_seen;
	unsigned int burst;
};

static void
index_receiver(void *arg)
{
	struct index_ring *r = arg;
	volatile uint64_t sink;

	while (!micro_stopping()) {
		uint32_t cons = r->cons, n = r->prod_seen - cons;

		if (n == 0) {
			r->prod_seen = fido_load_acquire(&r->prod);
			n = r->prod_seen - cons;
		}
		if (n == 0) {
			fido_pause();
			continue;
		}
		n = n < r->burst ? n : r->burst;
		for (uint32_t i = 0; i < n; i++)
			sink = r->slot[(cons + i) & (RING - 1)];
		fido_store_release(&r->cons, cons + n);
	}
	(void)sink;
}

static void
index_turn(struct index_ring *r, unsigned int burst)
{
	uint32_t prod = r->prod;

	while (RING - (prod - r->cons_seen) < burst) {
		r->cons_seen = fido_load_acquire(&r->cons);
		fido_pause();
	}
	for (uint32_t i = 0; i < burst; i++)
		r->slot[(prod + i) & (RING - 1)] = prod;
	fido_store_release(&r->prod, prod + burst);
}

static void
index_ring(struct bench *b)
{
	struct index_ring *r = micro_alloc(sizeof(*r));
	struct micro_thread *t;

	r->burst = (unsigned int)bench_arg(b);
	t = micro_start(index_receiver, r);
	while (bench_next(b, BENCH_TURNS))
		for (unsigned int i = 0; i < BENCH_TURNS; i++)
			index_turn(r, r->burst);
	bench_items(b, r->burst);
	micro_stop(t);
	micro_free(r, sizeof(*r));
}

void
register_rings(void)
{
	static const int bursts[] = {1, 8, 32, 64};

	for (unsigned int i = 0; i < 4; i++) {
		bench_register("two_cores/rte-ring", rte_one_way, bursts[i], false);
		bench_register("two_cores/rte-ring-pair", rte_pair, bursts[i], false);
		bench_register("two_cores/index", index_ring, bursts[i], false);
	}
}
