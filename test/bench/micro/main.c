/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-micro: measure the cost of single steps, and the machine's limits for them. It takes Google
 * Benchmark's options; FIDO_BENCH_CPUS names the two CPUs to run on. test/bench/run.sh micro runs
 * its cases in turns.
 */

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "map.h"
#include "micro.h"
#include "queue_private.h"

struct micro_thread {
	pthread_t id;
	void (*fn)(void *);
	void *arg;
	uint32_t ready;
};

static unsigned int cpus[2] = {0, 1};
static uint32_t stopping __attribute__((aligned(128)));

/* ---- CPUs and threads ---- */

static bool
pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

bool
micro_pin_first(void)
{
	const char *text = getenv("FIDO_BENCH_CPUS");

	if (text != NULL && sscanf(text, "%u,%u", &cpus[0], &cpus[1]) != 2)
		return false;
	return pin(cpus[1]) && pin(cpus[0]);
}

void
micro_pin_second(void)
{
	pin(cpus[1]);
}

bool
micro_stopping(void)
{
	return fido_load_relaxed(&stopping) != 0;
}

static void *
thread_main(void *arg)
{
	struct micro_thread *t = arg;

	pin(cpus[1]);
	fido_store_release(&t->ready, 1);
	t->fn(t->arg);
	return NULL;
}

struct micro_thread *
micro_start(void (*fn)(void *arg), void *arg)
{
	struct micro_thread *t = micro_alloc(sizeof(*t));

	fido_store_relaxed(&stopping, 0);
	t->fn = fn;
	t->arg = arg;
	if (pthread_create(&t->id, NULL, thread_main, t) != 0) {
		perror("bench-micro: cannot create a thread");
		exit(1);
	}
	while (fido_load_acquire(&t->ready) == 0)
		fido_pause();
	return t;
}

void
micro_stop(struct micro_thread *t)
{
	fido_store_release(&stopping, 1);
	pthread_join(t->id, NULL);
	micro_free(t, sizeof(*t));
}

/* ---- memory ---- */

void *
micro_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED) {
		perror("bench-micro: memory");
		exit(1);
	}
	return p;
}

void
micro_free(void *p, size_t size)
{
	munmap(p, size);
}

/* ---- a queue ---- */

void
micro_queue_create(struct micro_queue *q)
{
	struct fido_layout layout = {.slot_shift = 30, .slots = 2};

	q->sender_shm = micro_alloc(fido_sender_shm_size(RING));
	q->receiver_shm = micro_alloc(fido_receiver_shm_size(RING));
	q->buffers = micro_alloc((size_t)RING * MICRO_BUFFER);
	layout.base = (uintptr_t)q->buffers & ~(FIDO_GRANULE_SIZE - 1);
	if (fido_map_init(&q->map, &layout) != 0 ||
		fido_sender_create(&q->s, q->sender_shm, RING, 1) != 0 ||
		fido_receiver_create(&q->r, q->receiver_shm, q->sender_shm, RING, &q->map) != 0) {
		fprintf(stderr, "bench-micro: no memory for a queue\n");
		exit(1);
	}
	fido_map_set(&q->map, (uintptr_t)q->buffers, (uint64_t)RING * MICRO_BUFFER);
	fido_sender_attach(q->s, q->receiver_shm);
}

void
micro_queue_destroy(struct micro_queue *q)
{
	fido_sender_destroy(q->s);
	fido_receiver_destroy(q->r);
	fido_map_fini(&q->map);
	micro_free(q->sender_shm, fido_sender_shm_size(RING));
	micro_free(q->receiver_shm, fido_receiver_shm_size(RING));
	micro_free(q->buffers, (size_t)RING * MICRO_BUFFER);
}

int
main(int argc, char **argv)
{
	if (!micro_pin_first()) {
		fprintf(stderr,
			"bench-micro: cannot run on the CPUs of FIDO_BENCH_CPUS: give two existing "
			"ones, e.g. 0,1\n");
		return 2;
	}
	register_queue();
	register_rings();
	register_layouts();
	register_lines();
	register_addresses();
	register_domains();
	return bench_run(argc, argv);
}
