/* SPDX-License-Identifier: BSD-3-Clause */
/* Detect that nbdkit shuts down. */

#include "watch.h"

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

/* Slightly longer than the interval at which a leader asks again, so that there is no gap. */
#define LOOK_SECONDS 1
#define LOOK_NANOSECONDS 200000000

/* @return false: stop */
static bool
wait_until_asked(struct watch *watch)
{
	bool ends;

	pthread_mutex_lock(&watch->lock);
	while (!watch->wanted && !watch->ends)
		pthread_cond_wait(&watch->asked, &watch->lock);
	watch->wanted = false;
	ends = watch->ends;
	pthread_mutex_unlock(&watch->lock);
	return !ends;
}

static void *
watch_run(void *arg)
{
	struct watch *watch = arg;

	while (wait_until_asked(watch)) {
		if (nbdkit_nanosleep(LOOK_SECONDS, LOOK_NANOSECONDS) != 0) {
			watch->on_shutdown();
			break;
		}
	}
	return NULL;
}

int
watch_start(struct watch *watch, void (*on_shutdown)(void))
{
	int err;

	*watch = (struct watch){.on_shutdown = on_shutdown};
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->asked, NULL);
	err = pthread_create(&watch->thread, NULL, watch_run, watch);
	if (err != 0) {
		pthread_cond_destroy(&watch->asked);
		pthread_mutex_destroy(&watch->lock);
	}
	return -err;
}

void
watch_ask(struct watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	watch->wanted = true;
	pthread_cond_signal(&watch->asked);
	pthread_mutex_unlock(&watch->lock);
}

void
watch_stop(struct watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	watch->ends = true;
	pthread_cond_signal(&watch->asked);
	pthread_mutex_unlock(&watch->lock);
	pthread_join(watch->thread, NULL);
	pthread_cond_destroy(&watch->asked);
	pthread_mutex_destroy(&watch->lock);
}
