/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A queue: post, poll, complete, reap. On one core this counts all instructions; across cores, what
 * they cost then.
 */

#include "micro.h"

static unsigned int
post(struct micro_queue *q, unsigned int burst)
{
	struct fido_post_cursor c = fido_post_begin(q->s);

	for (unsigned int i = 0; i < burst; i++) {
		char *buffer = q->buffers + (c.at * MICRO_BUFFER);

		fido_post_put(&c, (uintptr_t)buffer, 64, 0, buffer);
	}
	fido_post_end(q->s, &c);
	fido_sender_publish(q->s);
	return burst;
}

/* @return descriptors received and completed */
static unsigned int
receive(struct fido_receiver *r, unsigned int burst)
{
	struct fido_complete_cursor done;
	struct fido_desc d[64];
	unsigned int n;

	if (!fido_receiver_pending(r))
		return 0;
	fido_receiver_prefetch(r, burst);
	n = fido_receiver_poll(r, d, burst);
	fido_receiver_stamp(r);
	done = fido_complete_begin(r);
	for (unsigned int i = 0; i < n; i++)
		fido_complete_put(&done, d[i].ticket, FIDO_STATUS_OK);
	fido_complete_flush(&done);
	fido_complete_end(r, &done);
	return n;
}

static void
same_core(struct bench *b)
{
	unsigned int burst = (unsigned int)bench_arg(b);
	struct micro_queue q;
	void *cookies[64];

	micro_queue_create(&q);
	while (bench_next(b, BENCH_TURNS))
		for (unsigned int i = 0; i < BENCH_TURNS; i++) {
			post(&q, burst);
			receive(q.r, burst);
			fido_sender_reap(q.s, cookies, burst);
		}
	bench_items(b, burst);
	micro_queue_destroy(&q);
}

struct receiving {
	struct micro_queue *q;
	unsigned int burst;
};

static void
receiver(void *arg)
{
	const struct receiving *a = arg;

	while (!micro_stopping())
		if (receive(a->q->r, a->burst) == 0)
			fido_pause();
}

static void
send_turn(struct micro_queue *q, unsigned int burst)
{
	void *cookies[64];

	fido_sender_prefetch(q->s, burst);
	if (fido_sender_out(q->s) >= REAP_FROM)
		fido_sender_reap(q->s, cookies, 2 * burst < 64 ? 2 * burst : 64);
	while (fido_sender_room(q->s) < burst)
		if (fido_sender_reap(q->s, cookies, 64) == 0)
			fido_pause();
	post(q, burst);
	fido_prefetch_read(&q->s->comp[q->s->cons & q->s->mask]);
}

static void
two_cores(struct bench *b)
{
	unsigned int burst = (unsigned int)bench_arg(b);
	struct micro_queue q;
	struct receiving a = {&q, burst};
	struct micro_thread *t;

	micro_queue_create(&q);
	t = micro_start(receiver, &a);
	while (bench_next(b, BENCH_TURNS))
		for (unsigned int i = 0; i < BENCH_TURNS; i++)
			send_turn(&q, burst);
	bench_items(b, burst);
	/*
	 * Four descriptors a line; a burst completed in order is one word of the completion ring,
	 * eight a line.
	 */
	bench_rate(b, "lines_per_second", burst / 4.0 + 1.0 / 8);
	micro_stop(t);
	micro_queue_destroy(&q);
}

void
register_queue(void)
{
	static const int bursts[] = {1, 8, 32, 64};

	for (unsigned int i = 0; i < 4; i++) {
		bench_register("one_core/fido", same_core, bursts[i], false);
		bench_register("two_cores/fido", two_cores, bursts[i], false);
	}
}
