/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NBDKIT_WATCH_H
#define FIDO_NBDKIT_WATCH_H

/**
 * @file
 * Notices that nbdkit shuts down while requests wait for a backend that is not there. nbdkit waits
 * for its threads, and they would wait for the backend for ever. There is no callback for that;
 * there is nbdkit_nanosleep(), which ends early, but on a connection's thread it does so also when
 * only its client has gone. So a thread without a connection asks. It sleeps, without a single
 * wake-up, as long as all backends are there.
 */

#include <pthread.h>
#include <stdbool.h>

struct watch {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t asked;
	bool wanted;
	bool ends;
	void (*on_shutdown)(void);
};

/**
 * @param on_shutdown called by the watch's thread, at most once @return 0 or -errno. @see
 * watch_stop
 */
int watch_start(struct watch *watch, void (*on_shutdown)(void));
/** Look whether nbdkit shuts down, for a second or a little more. Any thread; does not block. */
void watch_ask(struct watch *watch);
/** End the thread; blocks for a second at most. */
void watch_stop(struct watch *watch);

#endif
