/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Alternatives to libfido's way of marking descriptors valid and returning tickets, so that the
 * choice can be checked again:
 *
 *   lap       each descriptor carries its lap, in order
 *   lap-last  the same, the first of a burst published last (as in libfido)
 *   index     a producer index in the sender's memory
 *
 * Each with completions one by one (single) or in runs of consecutive tickets (runs: as in
 * libfido), and with the fence that the sleep handshake would need after each burst if its sleeper
 * did not pay for it.
 */

#include <stdlib.h>
#include <string.h>

#include "micro.h"

enum layout {
	LAP,
	LAP_LAST,
	INDEX
};

struct desc {
	uint64_t w0;
	uint64_t w1;
};

static struct desc ring[RING] __attribute__((aligned(4096)));
static uint64_t comp[RING] __attribute__((aligned(4096)));
static uint32_t prod __attribute__((aligned(128)));
static uint32_t armed __attribute__((aligned(128)));

struct run {
	enum layout layout;
	bool runs;
	unsigned int burst;
};

static inline uint16_t
lap_of(uint32_t pos)
{
	return (uint16_t)(pos / RING + 1);
}

/* ---- receiver ---- */

static inline __attribute__((always_inline)) unsigned int
poll_ring(enum layout layout, uint32_t pos, unsigned int burst, uint16_t *tickets)
{
	unsigned int n = 0;

	if (layout == INDEX) {
		uint32_t there = fido_load_acquire(&prod) - pos;

		for (; n < burst && n < there; n++)
			tickets[n] =
				(uint16_t)(fido_load_relaxed(&ring[(pos + n) % RING].w1) >> 16);
		return n;
	}
	for (; n < burst; n++) {
		uint64_t w1 = fido_load_acquire(&ring[(pos + n) % RING].w1);

		if ((uint16_t)w1 != lap_of(pos + n))
			break;
		tickets[n] = (uint16_t)(w1 >> 16);
	}
	return n;
}

static inline uint32_t
complete(uint32_t cpos, uint16_t ticket, unsigned int count)
{
	fido_store_release(&comp[cpos % RING],
		(uint64_t)count << 32 | (uint32_t)ticket << 16 | lap_of(cpos));
	return cpos + 1;
}

static inline __attribute__((always_inline)) void
receive(enum layout layout, bool runs, unsigned int burst)
{
	uint32_t pos = 0, cpos = 0;
	uint16_t t[64];

	while (!micro_stopping()) {
		unsigned int n = poll_ring(layout, pos, burst, t);

		pos += n;
		if (n == 0)
			fido_pause();
		for (unsigned int i = 0, j; i < n; i = j) {
			for (j = i + 1; runs && j < n && t[j] == (t[i] + (j - i)) % RING;)
				j++;
			cpos = complete(cpos, t[i], j - i);
		}
	}
}

static void
receiver(void *arg)
{
	const struct run *r = arg;

	/* To the receiver LAP_LAST is the same as LAP. */
	if (r->layout == INDEX && r->runs)
		receive(INDEX, true, r->burst);
	else if (r->layout == INDEX)
		receive(INDEX, false, r->burst);
	else if (r->runs)
		receive(LAP, true, r->burst);
	else
		receive(LAP, false, r->burst);
}

/* ---- sender ---- */

struct sender {
	uint16_t fifo[RING];
	uint32_t get, put, pos, cpos;
};

static inline void
reap(struct sender *s)
{
	for (;; s->cpos++) {
		uint64_t c = fido_load_acquire(&comp[s->cpos % RING]);

		if ((uint16_t)c != lap_of(s->cpos))
			return;
		for (unsigned int i = 0; i < (c >> 32); i++)
			s->fifo[s->put++ % RING] = (uint16_t)(((c >> 16) + i) % RING);
	}
}

static inline __attribute__((always_inline)) void
post(struct sender *s, enum layout layout, unsigned int burst)
{
	uint64_t first = 0;

	for (unsigned int i = 0; i < burst; i++) {
		uint32_t p = s->pos + i;
		struct desc *d = &ring[p % RING];
		uint64_t w1 =
			(uint64_t)64 << 32 | (uint32_t)s->fifo[s->get++ % RING] << 16 | lap_of(p);

		fido_prefetch_write(&ring[(p + 64) % RING]);
		fido_store_relaxed(&d->w0, p * UINT64_C(2048));
		if (layout == LAP_LAST && i == 0)
			first = w1;
		else if (layout == LAP)
			fido_store_release(&d->w1, w1);
		else
			fido_store_relaxed(&d->w1, w1);
	}
	if (layout == LAP_LAST)
		fido_store_release(&ring[s->pos % RING].w1, first);
	s->pos += burst;
	if (layout == INDEX)
		fido_store_release(&prod, s->pos);
}

static inline __attribute__((always_inline)) void
send_turn(struct sender *s, enum layout layout, unsigned int burst)
{
	while (s->put - s->get < RING - REAP_FROM || s->put - s->get < burst)
		reap(s);
	post(s, layout, burst);
	fido_fence_seq_cst();
	if (fido_load_relaxed(&armed))
		abort();
}

static inline __attribute__((always_inline)) void
measure(struct bench *b, enum layout layout, bool runs)
{
	struct run r = {layout, runs, (unsigned int)bench_arg(b)};
	struct sender s = {.put = RING};
	struct micro_thread *t;

	memset(ring, 0, sizeof(ring));
	memset(comp, 0, sizeof(comp));
	prod = 0;
	for (uint32_t i = 0; i < RING; i++)
		s.fifo[i] = (uint16_t)i;
	t = micro_start(receiver, &r);
	while (bench_next(b, BENCH_TURNS))
		for (unsigned int i = 0; i < BENCH_TURNS; i++)
			send_turn(&s, layout, r.burst);
	bench_items(b, r.burst);
	micro_stop(t);
}

#define LAYOUT(name, layout, runs)        \
	static void name(struct bench *b) \
	{                                 \
		measure(b, layout, runs); \
	}
LAYOUT(lap_single, LAP, false)
LAYOUT(lap_runs, LAP, true)
LAYOUT(lap_last_single, LAP_LAST, false)
LAYOUT(lap_last_runs, LAP_LAST, true)
LAYOUT(index_single, INDEX, false)
LAYOUT(index_runs, INDEX, true)

void
register_layouts(void)
{
	static const int bursts[] = {1, 8, 32, 64};

	for (unsigned int i = 0; i < 4; i++) {
		bench_register("layout/lap-single", lap_single, bursts[i], false);
		bench_register("layout/lap-runs", lap_runs, bursts[i], false);
		bench_register("layout/lap-last-single", lap_last_single, bursts[i], false);
		bench_register("layout/lap-last-runs", lap_last_runs, bursts[i], false);
		bench_register("layout/index-single", index_single, bursts[i], false);
		bench_register("layout/index-runs", index_runs, bursts[i], false);
	}
}
