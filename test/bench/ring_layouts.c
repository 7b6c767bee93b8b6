/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compares ways to tell that a descriptor is valid, and to return tickets, across two cores: descriptors a
 * second at bursts 1, 8, 32 and 64. One process, sender pinned to the first core, receiver to the second; the
 * layouts alternate within each round, so that the machine's mood is the same for all. Prints medians.
 *
 *   lap       each descriptor carries its lap, in order
 *   lap-last  the same, the first of a burst published last (what libfido does)
 *   index     a producer index in the sender's memory
 * each with completions one by one, or in runs of consecutive tickets (what libfido does), and with the fence
 * that the sleep handshake needs after each burst.
 */

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fido/atomic.h>

#define RING 1024u
#define REAP_BELOW (RING * 3 / 4)
#define ROUNDS_MAX 99

enum layout { LAP, LAP_LAST, INDEX, LAYOUTS };
static const char *const layout_names[LAYOUTS] = {"lap", "lap-last", "index"};
static const unsigned int bursts[] = {1, 8, 32, 64};
#define BURSTS (sizeof(bursts) / sizeof(bursts[0]))

struct desc {
	uint64_t w0;
	uint64_t w1;
};

static struct desc ring[RING] __attribute__((aligned(4096)));
static uint64_t comp[RING] __attribute__((aligned(4096)));
static uint32_t prod __attribute__((aligned(128)));
static uint32_t armed __attribute__((aligned(128)));
static uint32_t stop __attribute__((aligned(128)));

struct run {
	enum layout layout;
	bool runs;
	unsigned int burst;
};

static void
pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static inline uint16_t
lap_of(uint32_t pos)
{
	return (uint16_t)(pos / RING + 1);
}

static inline __attribute__((always_inline)) unsigned int
poll_ring(enum layout layout, uint32_t pos, unsigned int burst, uint16_t *tickets)
{
	unsigned int n = 0;

	if (layout == INDEX) {
		uint32_t there = fido_load_acquire(&prod) - pos;

		for (; n < burst && n < there; n++)
			tickets[n] = (uint16_t)(fido_load_relaxed(&ring[(pos + n) % RING].w1) >> 16);
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
	fido_store_release(&comp[cpos % RING], (uint64_t)count << 32 | (uint32_t)ticket << 16 | lap_of(cpos));
	return cpos + 1;
}

static inline __attribute__((always_inline)) void
receive(enum layout layout, bool runs, unsigned int burst)
{
	uint32_t pos = 0, cpos = 0;
	uint16_t t[64];

	while (!fido_load_relaxed(&stop)) {
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

static void *
receiver(void *arg)
{
	const struct run *r = arg;

	pin(1);
#define CASE(l, c, b) \
	if (r->layout == (l) && r->runs == (c) && r->burst == (b)) \
		receive((l), (c), (b))
#define CASES(l, c) CASE(l, c, 1); CASE(l, c, 8); CASE(l, c, 32); CASE(l, c, 64)
	CASES(LAP, false);
	CASES(LAP, true);
	CASES(INDEX, false);
	CASES(INDEX, true);
	return NULL;
}

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
		uint64_t w1 = (uint64_t)64 << 32 | (uint32_t)s->fifo[s->get++ % RING] << 16 | lap_of(p);

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

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static inline __attribute__((always_inline)) double
send_for(enum layout layout, unsigned int burst, double seconds)
{
	struct sender s = {.put = RING};
	double start = now(), end = start;

	for (uint32_t i = 0; i < RING; i++)
		s.fifo[i] = (uint16_t)i;
	for (uint64_t i = 0; end - start < seconds; i++) {
		if (i % 1024 == 0)
			end = now();
		if (s.put - s.get < REAP_BELOW)
			reap(&s);
		if (s.put - s.get < burst)
			continue;
		post(&s, layout, burst);
		fido_fence_seq_cst();
		if (fido_load_relaxed(&armed))
			abort();
	}
	return s.pos / (end - start);
}

static double
measure(const struct run *r, double seconds)
{
	struct run rx = *r;
	pthread_t thread;
	double rate = 0;

	memset(ring, 0, sizeof(ring));
	memset(comp, 0, sizeof(comp));
	prod = 0;
	fido_store_relaxed(&stop, 0);
	if (rx.layout == LAP_LAST)
		rx.layout = LAP; /* The receiver does not know the difference. */
	pthread_create(&thread, NULL, receiver, &rx);
	for (unsigned int b = 0; b < BURSTS; b++) {
		if (r->burst != bursts[b])
			continue;
		rate = r->layout == LAP	       ? send_for(LAP, bursts[b], seconds) :
		       r->layout == LAP_LAST ? send_for(LAP_LAST, bursts[b], seconds) :
						 send_for(INDEX, bursts[b], seconds);
	}
	fido_store_relaxed(&stop, 1);
	pthread_join(thread, NULL);
	return rate;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 7;
	static double v[LAYOUTS][2][BURSTS][ROUNDS_MAX];

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: %s [ROUNDS], 1 to %d\n", argv[0], ROUNDS_MAX);
		return 2;
	}
	pin(0);
	for (int k = 0; k < rounds; k++)
		for (unsigned int b = 0; b < BURSTS; b++)
			for (int l = 0; l < LAYOUTS; l++)
				for (int c = 0; c < 2; c++)
					v[l][c][b][k] = measure(
							&(struct run){(enum layout)l, c == 1, bursts[b]}, 0.1);
	printf("%-10s %-11s", "layout", "completions");
	for (unsigned int b = 0; b < BURSTS; b++)
		printf("  burst %-14u", bursts[b]);
	printf("  million descriptors/s: median (min-max)\n");
	for (int l = 0; l < LAYOUTS; l++)
		for (int c = 0; c < 2; c++) {
			printf("%-10s %-11s", layout_names[l], c ? "runs" : "single");
			for (unsigned int b = 0; b < BURSTS; b++) {
				double *s = v[l][c][b];

				qsort(s, (size_t)rounds, sizeof(*s), compare);
				printf("  %6.1f (%.0f-%.0f)%*s", s[rounds / 2] / 1e6, s[0] / 1e6,
						s[rounds - 1] / 1e6, 1, "");
			}
			printf("\n");
		}
	return 0;
}
