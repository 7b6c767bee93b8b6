/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BENCH_MICRO_H
#define FIDO_BENCH_MICRO_H

/**
 * @file
 * Shared by the micro-benchmarks: two CPUs, a thread on the second one, both ends of a queue in
 * this process.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/receiver.h>
#include <fido/sender.h>

#include "shim.h"

/** Descriptors of all rings. */
#define RING 1024u
/** Reap when this many tickets are out. */
#define REAP_FROM (RING * 3 / 4)

/** Pin to the first CPU of FIDO_BENCH_CPUS ("0,1"). @return false: no such CPUs */
bool micro_pin_first(void);
/** Pin to the second one: for a child process. */
void micro_pin_second(void);

/** A thread on the second CPU, which runs fn(arg) until micro_stopping() is true. */
struct micro_thread;
struct micro_thread *micro_start(void (*fn)(void *arg), void *arg);
/** @return true: fn must return */
bool micro_stopping(void);
void micro_stop(struct micro_thread *t);

/** Both ends of a queue, and the memory that its descriptors name. */
struct micro_queue {
	struct fido_sender *s;
	struct fido_receiver *r;
	struct fido_map map;
	void *sender_shm;
	void *receiver_shm;
	char *buffers; /**< RING of 2048 bytes */
};

#define MICRO_BUFFER 2048u

void micro_queue_create(struct micro_queue *q);
void micro_queue_destroy(struct micro_queue *q);

/** Allocate aligned, zeroed memory and touch it; exit if there is none. */
void *micro_alloc(size_t size);
void micro_free(void *p, size_t size);

/* Each file registers its benchmarks. */
void register_queue(void);
void register_rings(void);
void register_layouts(void);
void register_lines(void);
void register_addresses(void);
void register_domains(void);

#endif
