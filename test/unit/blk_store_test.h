/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_STORE_TEST_H
#define FIDO_BLK_STORE_TEST_H

/**
 * @file
 * Shared by the store tests: a store and a channel to it in a domain, as in a worker of the
 * backend, and requests. Waiting sleeps as a worker does, so that each test also tests arm().
 */

#include "test.h"

#include <fido/region.h>

#include "buffers.h"
#include "store.h"

#define STORE_CHANNELS 4

struct store_test {
	struct fido_domain *domain;
	struct blk_buffers *buffers;
	struct blk_store *store;
	struct blk_channel *channel; /**< the first channel */
	struct blk_channel *channels[STORE_CHANNELS];
	unsigned int finished; /**< as counted by poll() */
	unsigned int done;     /**< as counted by blk_io_done() */
};

/** A request. The test owns its memory, except that a read's memory is a piece of the buffers. */
struct store_io {
	struct blk_io io;
	struct iovec iov[FIDO_BLK_SEGMENTS_MAX];
	struct store_test *test;
	struct blk_channel *channel; /**< channel to use; NULL: the first */
	unsigned int done;           /**< number of completions; must become 1 */
};

/** Join, with 8 MiB of buffers. */
void store_test_start(struct store_test *t);
/** End the test; fail unless all buffers are free and nothing is left. */
void store_test_end(struct store_test *t);

/** Open a store. @return what blk_store_open() returns */
int store_test_try(struct store_test *t, bool read_only, const char *spec, ...)
	__attribute__((format(printf, 3, 4)));
/** Open a store and a channel; fail unless that works. */
void store_test_open(struct store_test *t, const char *spec, ...)
	__attribute__((format(printf, 2, 3)));
/** Open another channel. */
struct blk_channel *store_test_channel(struct store_test *t);
/** Close the channels and the store. */
void store_test_close(struct store_test *t);

/** @return the path of a file in the test's folder; valid until the next call but one */
const char *store_test_path(const char *name);
/** Create the file with the bytes of test_fill(seed). seed 0: write none. */
void store_test_file(const char *name, size_t size, uint64_t seed);

/** Prepare a request of one piece. READ: p is not used. */
void store_io_init(struct store_io *r, struct store_test *t, enum fido_blk_op op, uint64_t offset,
	void *p, size_t len);
void store_io_submit(struct store_io *r);
/** Sleep until the request completes. @return its error */
int store_io_wait(struct store_io *r);
/** Submit and wait. */
int store_io_run(struct store_io *r);
/** READ: free the memory. */
void store_io_free(struct store_io *r);
/** @return the data that was read */
void *store_io_data(const struct store_io *r);

/** Submit one request and wait. @return its error */
int store_write(struct store_test *t, uint64_t offset, const void *p, size_t len);
int store_read(struct store_test *t, uint64_t offset, void *p, size_t len);
int store_op(struct store_test *t, enum fido_blk_op op, uint64_t offset, uint64_t len);
/** Fail unless the range reads as the bytes of test_fill(seed). seed 0: zeros. */
void store_reads(struct store_test *t, uint64_t offset, size_t len, uint64_t seed);

/** Allocate memory at a multiple of 4096 and fill it; free() it. */
void *store_memory(size_t len, uint64_t seed);

/**
 * Mount a tmpfs of `size` bytes at store_test_path(name), in a private mount namespace. Skip the
 * program if this user cannot.
 */
void store_test_tmpfs(const char *name, size_t size);
/** Unmount and remove it. */
void store_test_tmpfs_end(const char *name);

/**
 * Start nbdkit on the socket store_test_path("nbd") and wait until it answers.
 * @param args as for execvp, without the program's name; NULL at the end
 */
void store_test_nbdkit(const char *const *args);
/** SIGSTOP it and wait until it has stopped; SIGCONT it. */
void store_test_nbdkit_stop(void);
void store_test_nbdkit_continue(void);
/** SIGKILL it and remove its socket. */
void store_test_nbdkit_kill(void);
/** @return "nbd+unix:///?socket=..." */
const char *store_test_uri(void);

#endif
