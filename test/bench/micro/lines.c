/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine's limits: cache lines to the other core, one at a time and in a stream, and copies.
 */

#include <string.h>

#include "micro.h"

#define LINE 64u
/* As much memory as a ring of RING descriptors. */
#define LINES (RING / 4)

static uint64_t ping __attribute__((aligned(128)));
static uint64_t pong __attribute__((aligned(128)));

/* ---- round trip ---- */

static void
answer(void *arg)
{
	uint64_t seen = 0;

	(void)arg;
	while (!micro_stopping()) {
		uint64_t now = fido_load_acquire(&ping);

		if (now == seen)
			continue;
		seen = now;
		fido_store_release(&pong, seen);
	}
}

static void
ping_pong(struct bench *b)
{
	struct micro_thread *t;
	uint64_t i = 0;

	ping = 0;
	pong = 0;
	t = micro_start(answer, NULL);
	while (bench_next(b, BENCH_TURNS))
		for (unsigned int k = 0; k < BENCH_TURNS; k++) {
			fido_store_release(&ping, ++i);
			while (fido_load_acquire(&pong) != i)
				;
		}
	bench_items(b, 1);
	micro_stop(t);
}

/* ---- a stream ---- */

struct stream {
	uint64_t line[LINES][LINE / 8];              /* the last word holds its lap */
	uint64_t done __attribute__((aligned(128))); /* lines that the receiver has read */
	unsigned int burst;
};

static void
stream_receiver(void *arg)
{
	struct stream *s = arg;
	uint64_t pos = 0;

	while (!micro_stopping()) {
		uint64_t *line = s->line[pos % LINES];
		uint64_t lap = pos / LINES + 1;

		if (fido_load_acquire(&line[7]) != lap) {
			fido_pause();
			continue;
		}
		/* The lines of a burst are adjacent, as those of a ring are. */
		for (unsigned int i = 1; i < s->burst; i++)
			fido_prefetch_read(s->line[(pos + i) % LINES]);
		for (unsigned int i = 0; i < s->burst && !micro_stopping(); pos++, i++)
			while (fido_load_acquire(&s->line[pos % LINES][7]) != pos / LINES + 1 &&
				!micro_stopping())
				;
		fido_store_release(&s->done, pos);
	}
}

static void
stream_turn(struct stream *s, uint64_t pos, uint64_t *seen)
{
	while (pos + s->burst - *seen > LINES * 3 / 4)
		*seen = fido_load_acquire(&s->done);
	for (unsigned int i = 0; i < s->burst; i++)
		fido_prefetch_write(s->line[(pos + i) % LINES]);
	for (unsigned int i = 0; i < s->burst; i++, pos++) {
		uint64_t *line = s->line[pos % LINES];

		for (unsigned int k = 0; k < 7; k++)
			fido_store_relaxed(&line[k], pos);
		fido_store_release(&line[7], pos / LINES + 1);
	}
}

/* Argument: lines of a burst. */
static void
stream(struct bench *b)
{
	struct stream *s = micro_alloc(sizeof(*s));
	struct micro_thread *t;
	uint64_t pos = 0, seen = 0;

	s->burst = (unsigned int)bench_arg(b);
	t = micro_start(stream_receiver, s);
	while (bench_next(b, BENCH_TURNS))
		for (unsigned int i = 0; i < BENCH_TURNS; i++, pos += s->burst)
			stream_turn(s, pos, &seen);
	bench_items(b, s->burst);
	bench_rate(b, "lines_per_second", s->burst);
	micro_stop(t);
	micro_free(s, sizeof(*s));
}

/* ---- copying ---- */

/*
 * Argument: bytes; from one of many buffers to one of many, 32 MiB each, so that they come from and
 * go to memory.
 */
static void
copy(struct bench *b)
{
	size_t size = (size_t)bench_arg(b), all = (size_t)32 << 20, step = size + 1024, at = 0;
	char *from = micro_alloc(all), *to = micro_alloc(all);

	memset(from, 1, all);
	while (bench_next(b, BENCH_TURNS))
		for (unsigned int i = 0; i < BENCH_TURNS; i++) {
			memcpy(to + at, from + at, size);
			__asm__ volatile("" : : : "memory");
			at = at + step + size < all ? at + step : 0;
		}
	bench_items(b, 1);
	micro_free(from, all);
	micro_free(to, all);
}

void
register_lines(void)
{
	static const int lines[] = {1, 2, 8, 16}, sizes[] = {64, 1500, 4096, 9000};

	bench_register("line/ping_pong", ping_pong, 1, false);
	for (unsigned int i = 0; i < 4; i++) {
		bench_register("line/stream", stream, lines[i], false);
		bench_register("copy/memcpy", copy, sizes[i], false);
	}
}
