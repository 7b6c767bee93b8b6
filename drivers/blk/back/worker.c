/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker: polls its queues and channels; sleeps when idle. */

#include "worker.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fido/clock.h>
#include <fido/log.h>

#include "client.h"
#include "queue.h"
#include "server_private.h"
#include "session.h"

/* How long a stopping worker waits for its stores. */
#define STOP_LIMIT_NS UINT64_C(5000000000)
/* Sleep at most this long while waiting for an event that has no wake-up. */
#define LOOK_AGAIN_MS 1
/* Descriptors that a worker sleeps on; with more queues it also wakes up periodically. */
#define FDS_MAX 256

/* ---- queues ---- */

void
back_worker_wake(struct back_worker *w)
{
	uint64_t one = 1;
	/* Fails only when the counter is full; then it is readable already. */
	ssize_t n __attribute__((unused)) = write(w->wake_fd, &one, sizeof(one));
}

void
back_worker_give(struct back_worker *w, struct back_queue *q)
{
	pthread_mutex_lock(&w->inbox_lock);
	q->worker = w;
	q->pool = &w->pool;
	q->next = w->inbox;
	w->inbox = q;
	fido_store_release(&w->inbox_full, 1);
	pthread_mutex_unlock(&w->inbox_lock);
	back_worker_wake(w);
}

static void
take_inbox(struct back_worker *w)
{
	struct back_queue *q;

	if (fido_load_acquire(&w->inbox_full) == 0)
		return;
	pthread_mutex_lock(&w->inbox_lock);
	while ((q = w->inbox) != NULL) {
		w->inbox = q->next;
		q->next = w->queues;
		w->queues = q;
	}
	fido_store_relaxed(&w->inbox_full, 0);
	pthread_mutex_unlock(&w->inbox_lock);
}

/* @return true: the client is gone, and nothing of the queue is in progress or lent */
static bool
can_leave(struct back_queue *q)
{
	if (!fido_load_acquire(&q->client->leaving) || q->in_flight != 0 || !STAILQ_EMPTY(&q->done))
		return false;
	if (q->opening != NULL) {
		back_request_done(q->opening, FIDO_STATUS_CLOSED);
		q->opening = NULL;
		return false;
	}
	back_close(q);
	return fido_txq_out(q->txq) == 0;
}

/* Give each queue its turn. @return amount of work done */
static unsigned int
serve_queues(struct back_worker *w, bool stopping)
{
	unsigned int n = 0;

	for (struct back_queue **p = &w->queues; *p != NULL;) {
		struct back_queue *q = *p, *next = q->next;
		struct back_worker *home = w;

		n += back_queue_reap(q);
		if (!stopping)
			n += back_queue_poll(q);
		back_queue_retry(q);
		back_close_if_down(q);
		if (q->opening != NULL && !stopping)
			home = back_open_retry(q);
		if (home != w) {
			*p = next;
			back_worker_give(home, q);
			continue;
		}
		if (can_leave(q)) {
			*p = next;
			fido_store_release(&q->left, 1);
			continue;
		}
		p = &q->next;
	}
	return n;
}

static void
answer_all(struct back_worker *w)
{
	struct back_queue *q = w->pool.dirty, *again = NULL;

	while (q != NULL) {
		struct back_queue *next = q->next_dirty;

		back_queue_answer(q);
		q->dirty = !STAILQ_EMPTY(&q->done);
		if (q->dirty) {
			q->next_dirty = again;
			again = q;
		}
		q = next;
	}
	w->pool.dirty = again;
}

static unsigned int
turn(struct back_worker *w, bool stopping)
{
	unsigned int n;

	take_inbox(w);
	n = serve_queues(w, stopping);
	for (struct back_channel *c = w->pool.channels; c != NULL; c = c->next)
		n += c->channel->store->ops->poll(c->channel);
	answer_all(w);
	return n;
}

/* ---- sleep ---- */

/* @return true when a queue waits for an event that has no wake-up */
static bool
must_look_again(const struct back_worker *w)
{
	for (const struct back_queue *q = w->queues; q != NULL; q = q->next)
		if (q->opening != NULL || fido_load_relaxed(&q->client->leaving))
			return true;
	return false;
}

/* @return true when a queue waits for memory, which any queue of the worker may have lent */
static bool
any_starved(const struct back_worker *w)
{
	for (const struct back_queue *q = w->queues; q != NULL; q = q->next)
		if (!STAILQ_EMPTY(&q->starved))
			return true;
	return false;
}

/* @return number of descriptors to sleep on; -1: there is work already */
static int
arm(struct back_worker *w, struct pollfd *fds)
{
	int n = 0;
	bool waits = false, starved = any_starved(w);

	fds[n++] = (struct pollfd){.fd = w->wake_fd, .events = POLLIN};
	for (struct back_queue *q = w->queues; q != NULL; q = q->next) {
		/* Let completions wake the worker only when something waits for them. */
		waits |= fido_link_arm(q->rxq, &q->txq, starved || !STAILQ_EMPTY(&q->done) ? 1 : 0);
		if (n < FDS_MAX)
			fds[n++] = (struct pollfd){.fd = fido_rxq_fd(q->rxq), .events = POLLIN};
	}
	for (struct back_channel *c = w->pool.channels; c != NULL; c = c->next) {
		struct pollfd fd = {.fd = -1};

		waits |= c->channel->store->ops->arm(c->channel, &fd.fd, &fd.events);
		if (fd.fd >= 0 && n < FDS_MAX)
			fds[n++] = fd;
	}
	return waits || fido_load_acquire(&w->inbox_full) != 0 ? -1 : n;
}

static void
disarm(struct back_worker *w)
{
	uint64_t count;
	ssize_t n __attribute__((unused)) = read(w->wake_fd, &count, sizeof(count));

	for (struct back_queue *q = w->queues; q != NULL; q = q->next) {
		fido_txq_disarm(q->txq, false);
		fido_rxq_disarm(q->rxq, true);
	}
}

static void
sleep_until_something(struct back_worker *w)
{
	struct pollfd fds[FDS_MAX];
	int n = arm(w, fds);

	if (n >= 0)
		poll(fds, (nfds_t)n, must_look_again(w) || n == FDS_MAX ? LOOK_AGAIN_MS : -1);
	disarm(w);
}

/* ---- the thread ---- */

static bool
all_idle(const struct back_worker *w)
{
	for (const struct back_queue *q = w->queues; q != NULL; q = q->next)
		if (q->in_flight != 0 || !STAILQ_EMPTY(&q->done))
			return false;
	return true;
}

/* Finish the requests in progress. */
static void
finish(struct back_worker *w)
{
	uint64_t start = fido_now_ns();

	while (!all_idle(w) && fido_now_ns() - start < STOP_LIMIT_NS)
		if (turn(w, true) == 0)
			sched_yield();
}

static void
set_cpu(const struct back_worker *w)
{
	cpu_set_t set;

	if (w->cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((unsigned int)w->cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0)
		fido_log(FIDO_LOG_WARNING, "CPU %d is not available: worker %u is not pinned",
			w->cpu, w->index);
}

static void *
worker_thread(void *arg)
{
	struct back_worker *w = arg;
	uint64_t spin_ns = (uint64_t)w->server->config.spin_us * 1000, idle_since = 0;

	set_cpu(w);
	while (!fido_load_acquire(&w->stop)) {
		uint64_t now;

		if (turn(w, false) != 0) {
			idle_since = 0;
			continue;
		}
		if (w->server->config.spin_us == UINT_MAX) {
			fido_pause();
			continue;
		}
		now = fido_now_ns();
		if (idle_since == 0)
			idle_since = now;
		if (now - idle_since < spin_ns)
			sched_yield(); /* A client may wait for this CPU. */
		else
			sleep_until_something(w);
	}
	finish(w);
	return NULL;
}

int
back_worker_start(struct back_worker *w)
{
	int ret;

	pthread_mutex_init(&w->inbox_lock, NULL);
	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->wake_fd < 0)
		return -errno;
	ret = blk_buffers_create(&w->pool.buffers, w->server->domain,
		w->server->config.buffer_size);
	if (ret != 0)
		return ret;
	ret = -pthread_create(&w->thread, NULL, worker_thread, w);
	if (ret != 0)
		return ret;
	pthread_setname_np(w->thread, "fido-blk");
	w->started = true;
	return 0;
}

void
back_worker_join(struct back_worker *w)
{
	if (!w->started)
		return;
	fido_store_release(&w->stop, 1);
	back_worker_wake(w);
	pthread_join(w->thread, NULL);
	w->started = false;
}

void
back_worker_free(struct back_worker *w)
{
	if (w->server == NULL)
		return;
	back_pool_free(&w->pool);
	if (w->wake_fd > 0)
		close(w->wake_fd);
	pthread_mutex_destroy(&w->inbox_lock);
}
