/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_TEST_H
#define FIDO_BLK_TEST_H

/** @file Shared by the tests of block volumes: a backend and a front-end in this process. */

#include <pthread.h>
#include <signal.h>

#include <fido/blk.h>
#include <fido/blk_shm.h>
#include <fido/region.h>

#include "protocol.h"
#include "server.h"
#include "test.h"

#define BLK_VOLUME_SIZE ((uint64_t)8 << 20)

/** Backend "disk", which serves `stores` in a thread, and domain "vm". */
struct blk_test {
	struct fido_domain *disk;
	struct blk_server *server;
	pthread_t thread;
	volatile sig_atomic_t stop;
	struct fido_domain *vm;
	struct fido_region *mem; /**< vm's, 4 MiB */
	struct fido_blk *blk;
	struct fido_blk_queue *q;
};

/** Serve volumes "v0", "v1", ... from the stores (NULL at the end). */
void blk_test_serve(struct blk_test *t, const char *const *stores, unsigned int workers);
/** Stop the backend and its domain. */
void blk_test_unserve(struct blk_test *t);
/** Join "vm" and open v0. */
void blk_test_open(struct blk_test *t, const struct fido_blk_config *config);
void blk_test_close(struct blk_test *t);
/** Serve mem:8M and open it. */
void blk_test_start(struct blk_test *t);
void blk_test_end(struct blk_test *t);
/** Submit one request and wait for it. @return its error */
int blk_test_do(struct fido_blk_queue *q, struct fido_blk_request request,
	struct fido_blk_completion *out);
/** Fill `from` with len bytes of test_fill(seed), then write them. */
int blk_test_write(struct fido_blk_queue *q, void *from, uint64_t offset, size_t len,
	uint64_t seed);
/** Clear `to`, then read into it. */
int blk_test_read(struct fido_blk_queue *q, void *to, uint64_t offset, size_t len);

/* ---- other processes: this program, in another role ---- */

struct blk_test_process {
	pid_t pid;
	int out; /**< its standard output */
};

/**
 * Start this program with these arguments and wait until it prints a line. It dies with its parent.
 */
void blk_test_spawn(struct blk_test_process *p, const char *role, const char *arg);
/** SIGKILL it and wait until it exits. */
void blk_test_kill(struct blk_test_process *p);
/** Implement "--backend STORE": serve it as v0 of disk until killed. */
int blk_test_backend(const char *store);
/**
 * Serve mem:8M with little room until killed.
 * @param files number of descriptors that the process may have; 0: unchanged
 * @param control_size bytes; 0: as in test_config()
 */
int blk_test_small_backend(unsigned int files, size_t control_size);

/**
 * Like TEST_MAIN, for programs with the roles "--backend" and "--front" (a function of its
 * argument).
 */
#define BLK_TEST_MAIN(front, ...)                                   \
	int main(int argc, char **argv)                             \
	{                                                           \
		const struct CMUnitTest tests[] = {__VA_ARGS__};    \
                                                                    \
		if (argc == 3 && strcmp(argv[1], "--backend") == 0) \
			return blk_test_backend(argv[2]);           \
		if (argc == 3 && strcmp(argv[1], "--front") == 0)   \
			return front(argv[2]);                      \
		test_begin(argc, argv);                             \
		return cmocka_run_group_tests(tests, NULL, NULL);   \
	}

#endif
