/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_TEST_H
#define FIDO_TEST_H

/**
 * @file
 * Shared by the unit tests.
 *
 * A test is a program: TEST_MAIN(cmocka tests...). It runs in its own folder for groups, which is
 * removed at exit. A test that needs domains in other processes starts itself again (test_spawn)
 * and sends that process commands, one a line (test_ask); remote.c lists them.
 *
 * Tests have no fixed delays: a wait ends as soon as its condition holds, and fails after
 * TEST_LIMIT_MS.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include <fido/control_shm.h>
#include <fido/log.h>
#include <fido/observer.h>
#include <fido/queue_shm.h>
#include <fido/receiver.h>
#include <fido/rxq.h>
#include <fido/sender.h>
#include <fido/txq.h>

#include "link_private.h"

/** FIDO_TEST_LIMIT_MS in the environment, or 10 s. */
#define TEST_LIMIT_MS (test_limit_ms())
#define TEST_GROUP "t"

/* clang names its sanitizers differently from gcc. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEST_ASAN
#elif __has_feature(thread_sanitizer)
#define TEST_TSAN
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define TEST_ASAN
#endif
#ifdef __SANITIZE_THREAD__
#define TEST_TSAN
#endif

/**
 * The layout of all tests: small and low, where ThreadSanitizer and Valgrind allow mappings.
 * AddressSanitizer has its shadow there, so with it the base is the default one.
 */
#ifdef TEST_ASAN
#define TEST_BASE FIDO_DEFAULT_BASE
#else
#define TEST_BASE UINT64_C(0x2000000000)
#endif
#define TEST_SLOT_SHIFT 32
#define TEST_SLOTS 16
#define TEST_LAYOUT                                    \
	{                                              \
		TEST_BASE, TEST_SLOT_SHIFT, TEST_SLOTS \
	}

/** Run the tests; main() of the program. The arguments: cmocka_unit_test(f), ... */
#define TEST_MAIN(...)                                            \
	int main(int argc, char **argv)                           \
	{                                                         \
		const struct CMUnitTest tests[] = {__VA_ARGS__};  \
                                                                  \
		test_begin(argc, argv);                           \
		return cmocka_run_group_tests(tests, NULL, NULL); \
	}
/** The same for a program with a single test function. */
#define TEST_MAIN_ONE(f) TEST_MAIN(cmocka_unit_test(f))

/** End the whole program as skipped. Call it before anything that must be undone. */
#define TEST_SKIP(...)                        \
	do {                                  \
		printf("skip: " __VA_ARGS__); \
		printf("\n");                 \
		exit(77);                     \
	} while (0)

/** Wait until cond holds. */
#define TEST_WAIT(cond)                                                                     \
	do {                                                                                \
		uint64_t test_until = test_now_ms() + TEST_LIMIT_MS;                        \
		useconds_t test_pause = 100;                                                \
                                                                                            \
		while (!(cond)) {                                                           \
			if (test_now_ms() > test_until)                                     \
				fail_msg("not true after %d ms: %s", TEST_LIMIT_MS, #cond); \
			/*
			 * A slow machine needs the processor that polling takes: an emulated one
			 * does little beside it.
			 */                                                                  \
			usleep(test_pause);                                                 \
			if (test_pause < 10000)                                             \
				test_pause *= 2;                                            \
		}                                                                           \
	} while (0)

/* ---- the program ---- */

/** Call first in main(): create the folder for groups, or become a remote (test_spawn). */
void test_begin(int argc, char **argv);
/** @return the folder that holds the groups (FIDO_RUNDIR) */
const char *test_rundir(void);
/** Fail unless the folder that holds the groups is empty. */
void test_rundir_empty(void);
/** Make TEST_GROUP's folder writable for all users. */
void test_open_folder(void);
/** @return number of entries of a folder, without "." and ".." */
unsigned int test_entries(const char *path);
uint64_t test_now_ms(void);
int test_limit_ms(void);
/** @return number of repetitions: FIDO_TEST_ROUNDS in the environment, else `normal` */
uint32_t test_rounds(uint32_t normal);
/**
 * @return time at which a busy machine stops repeating: in `ms`, or never if FIDO_TEST_ROUNDS is
 * set
 */
uint64_t test_rounds_until(uint64_t ms);
/** @return the next number of a fixed sequence */
uint64_t test_random(uint64_t *state);
/** Let this process open n descriptors more than now; UINT32_MAX: no limit. */
void test_leave_descriptors(uint32_t n);
/** Fail unless the thread's last error contains each of the strings (NULL at the end). */
void test_message_has(const char *first, ...);
/** Write len bytes that depend on seed, to an address that is a multiple of 8. */
void test_fill(void *p, size_t len, uint64_t seed);
/** @return true when test_fill(p, len, seed) wrote these bytes */
bool test_filled(const void *p, size_t len, uint64_t seed);

/* ---- other processes ---- */

struct test_remote {
	pid_t pid;
	int fd;
};

/** Start this program again; it waits for test_ask(). It dies with its parent. */
void test_spawn(struct test_remote *r);
/** Send the process a line and wait for its answer. @return the answer, valid until the next one */
const char *test_ask(struct test_remote *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** The same for numeric answers. */
long test_ask_number(struct test_remote *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Exit status of a process whose `read` or `write` faulted at the address given. */
#define TEST_FAULTED 99
/** Send the process a line that must end it by a fault at the given memory (TEST_FAULTED). */
void test_ask_to_die(struct test_remote *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** SIGSTOP it and wait until it has stopped; SIGCONT it. */
void test_stop(struct test_remote *r);
void test_continue(struct test_remote *r);
/** SIGKILL it and wait until it is gone. */
void test_kill(struct test_remote *r);
/** Make it leave its domain and exit; fail unless its exit status is 0. */
void test_end(struct test_remote *r);
/** Run a remote (remote.c). Returns on the command to end. */
int test_remote_run(int fd);

/* ---- stand-alone queues ---- */

/** A sender and a receiver on zeroed memory. Addresses from TEST_QUEUE_BASE on are mapped. */
#define TEST_QUEUE_BASE UINT64_C(0x100000000000)
#define TEST_QUEUE_MAPPED (64 * FIDO_GRANULE_SIZE)

struct test_queue {
	struct fido_sender_shm *sender_shm;
	struct fido_receiver_shm *receiver_shm;
	struct fido_sender *s;
	struct fido_receiver *r;
	struct fido_map map;
	uint8_t granules[128];
	uint32_t n;
};

void test_queue_create(struct test_queue *q, uint32_t n);
void test_queue_destroy(struct test_queue *q);
/** Continue at the start of lap `lap` (0 is the first) as if all laps before it had been used. */
void test_queue_set_lap(struct test_queue *q, uint32_t lap);
/** Post one descriptor with cookie `cookie` and publish it. */
void test_queue_post(struct test_queue *q, uintptr_t cookie);
/** Poll one descriptor; fail unless there is one. @return its ticket */
uint16_t test_queue_poll(struct test_queue *q);
/** Complete and flush. */
void test_queue_complete(struct test_queue *q, uint16_t ticket);
/** Reap one cookie. @return it; 0: none */
uintptr_t test_queue_reap(struct test_queue *q);
/** Make map report all of [p, p + len) as readable; *granules is allocated. */
void test_map_over(struct fido_map *map, const void *p, size_t len);

/* ---- domains ---- */

/** A configuration with the tests' group and layout. */
struct fido_domain_config test_config(const char *name);
/** Join; fail unless that works. */
struct fido_domain *test_join(const char *name);
struct fido_region *test_arena(struct fido_domain *d, size_t size);
/** Create, configure and open a link. */
struct fido_link *test_link(struct fido_domain *d, const char *peer, const char *name, uint16_t ntx,
	uint16_t nrx, uint32_t ring);

/** Two domains of this process, a with an arena, and a link of one queue in each direction. */
struct test_pair {
	struct fido_domain *a;
	struct fido_domain *b;
	struct fido_region *mem; /**< a's arena */
	struct fido_link *ab;    /**< a's end */
	struct fido_link *ba;    /**< b's end */
};

/** Join both, without links. */
void test_pair_join(struct test_pair *p);
/** Join both, open the link, wait until it is up. */
void test_pair_start(struct test_pair *p, uint32_t ring);
/** Destroy the links and leave; fail unless nothing is left. */
void test_pair_end(struct test_pair *p);
void test_wait_up(struct fido_link *x, struct fido_link *y);

/** fido_txq_gaddr() with the lock held. */
enum fido_reach test_reach(struct fido_txq *q, const void *va, uint32_t len, uint64_t *gaddr);
/** Memory to import: a memfd of len bytes, mapped. @return its address; *fd is its file */
void *test_memory(size_t len, int *fd);

/** The i-th buffer of an arena; each has TEST_BUF bytes. */
#define TEST_BUF 2048
void *test_buf(const struct fido_region *mem, uint32_t i);
/** Fill buffer i with its pattern and post it; its cookie is i + 1. @return as fido_txq_post() */
int test_post(struct fido_txq *q, const struct fido_region *mem, uint32_t i);
/** Wait for one descriptor. */
struct fido_rx test_poll(struct fido_rxq *q);
/** Wait for one cookie. @return it */
uintptr_t test_take(struct fido_txq *q);
/** Complete one descriptor. */
void test_complete(struct fido_rxq *q, const struct fido_rx *rx, uint16_t status);
/** @return number of cookies reaped until `want` came or the time was up */
unsigned int test_take_all(struct fido_txq *q, unsigned int want);

#endif
