/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NBDKIT_WATCH_H
#define FIDO_NBDKIT_WATCH_H

/**
 * @file
 * Detect that nbdkit shuts down while requests wait for an absent backend. nbdkit waits for its
 * threads, which would wait for the backend forever. It has no callback for that. But
 * nbdkit_nanosleep() returns early on shutdown; on a connection's thread, it also does when only
 * that client has gone. So a thread without a connection calls it. While all backends are present,
 * that thread sleeps and never wakes up.
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
 * Start the thread.
 * @param on_shutdown called by that thread, at most once
 * @return 0 or -errno. @see watch_stop
 */
int watch_start(struct watch *watch, void (*on_shutdown)(void));
/** Watch for a shutdown during the next second or so. Any thread; does not block. */
void watch_ask(struct watch *watch);
/** Stop the thread; blocks for at most a second or so. */
void watch_stop(struct watch *watch);

#endif
