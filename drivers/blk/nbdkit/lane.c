/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue that many threads share. See lane.h for the rules. */

#include "lane.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <fido/atomic.h>

/* Completions polled or requests submitted at a time. */
#define BURST 32u
/* A sleeping leader checks this often for an absent backend. Nothing else depends on it. */
#define ABSENT_MS 1000
/* A backend rings the doorbell of a sleeping queue within this time after publishing. */
#define RING_MS 200

/* The requests that one thread waits for; on its stack. */
struct lane_job {
	TAILQ_ENTRY(lane_job) entry; /* in lane->jobs while undone is not 0 */
	struct lane_job *next_to_wake;
	struct lane_parts done; /* for the thread to finish */
	unsigned int undone;    /* number of parts that the backend has not done */
	enum fido_blk_op op;
	uint32_t flags;
	int error;
	bool signalled;
	sem_t wake;
};

/* ---- waking ---- */

static void
signal_job(struct lane *lane, struct lane_job *job)
{
	if (job->signalled)
		return;
	job->signalled = true;
	job->next_to_wake = lane->to_wake;
	lane->to_wake = job;
}

/* Release the lock, then wake: a woken thread should not have to wait for the lock. */
static void
unlock(struct lane *lane)
{
	struct lane_job *job = lane->to_wake, *next;

	lane->to_wake = NULL;
	pthread_mutex_unlock(&lane->lock);
	for (; job != NULL; job = next) {
		next = job->next_to_wake;
		sem_post(&job->wake);
	}
}

static void
lock(struct lane *lane)
{
	pthread_mutex_lock(&lane->lock);
}

static void
kick_leader(struct lane *lane)
{
	uint64_t one = 1;

	if (lane->asleep && write(lane->wake_fd, &one, sizeof(one)) < 0) {
		/* The counter is full: it is readable. */
	}
}

/* ---- jobs ---- */

static void
part_done(struct lane *lane, struct lane_job *self, struct lane_part *part, int error)
{
	struct lane_job *job = part->job;

	if (error != 0 && job->error == 0)
		job->error = error;
	STAILQ_INSERT_HEAD(&job->done, part, next);
	if (--job->undone == 0)
		TAILQ_REMOVE(&lane->jobs, job, entry);
	if (job != self)
		signal_job(lane, job);
}

static void
pass_lead(struct lane *lane)
{
	lane->leader = TAILQ_LAST(&lane->jobs, lane_jobs);
	if (lane->leader != NULL)
		signal_job(lane, lane->leader);
}

/* ---- the queue ---- */

static void
fill_request(struct fido_blk_request *request, struct iovec *iov, struct lane_part *part)
{
	const struct lane_job *job = part->job;

	*request = (struct fido_blk_request){.op = job->op,
		.flags = job->flags,
		.offset = part->offset,
		.length = part->length,
		.cookie = part};
	if (job->op == FIDO_BLK_READ) {
		request->flags |= FIDO_BLK_LEND;
	} else if (job->op == FIDO_BLK_WRITE) {
		*iov = (struct iovec){part->data, part->length};
		request->iov = iov;
		request->iovcnt = 1;
	}
}

/* Submit pending parts while the queue accepts them. */
static void
submit(struct lane *lane, struct lane_job *self)
{
	struct fido_blk_request requests[BURST];
	struct iovec iovs[BURST];
	struct lane_part *part;
	unsigned int n;
	int taken;

	while ((part = STAILQ_FIRST(&lane->pending)) != NULL) {
		for (n = 0; part != NULL && n < BURST; part = STAILQ_NEXT(part, next), n++)
			fill_request(&requests[n], &iovs[n], part);
		taken = fido_blk_submit(lane->config.queue, requests, n);
		if (taken == 0)
			break;
		if (taken < 0) {
			part = STAILQ_FIRST(&lane->pending);
			STAILQ_REMOVE_HEAD(&lane->pending, next);
			part_done(lane, self, part, taken);
		}
		for (int i = 0; i < taken; i++)
			STAILQ_REMOVE_HEAD(&lane->pending, next);
	}
	/* I4: pairs with the leader's fido_blk_arm(). */
	if (lane->asleep && fido_blk_arm(lane->config.queue))
		kick_leader(lane);
}

static unsigned int
take_completions(struct lane *lane, struct lane_job *self)
{
	struct fido_blk_completion completions[BURST];
	unsigned int n = fido_blk_poll(lane->config.queue, completions, BURST);

	for (unsigned int i = 0; i < n; i++) {
		struct lane_part *part = completions[i].cookie;

		part->lent = completions[i].lent;
		part->iov = completions[i].iov;
		part->iovcnt = completions[i].iovcnt;
		part_done(lane, self, part, completions[i].error);
	}
	return n;
}

/* ---- leading ---- */

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Sleep until there is something to poll, or a kick. @return false: timeout */
static bool
sleep_once(struct lane *lane)
{
	struct pollfd fds[2] = {{.fd = fido_blk_fd(lane->config.queue), .events = POLLIN},
		{.fd = lane->wake_fd, .events = POLLIN}};
	uint64_t kicks;
	int ready;

	lane->asleep = true;
	lane->sleeps++;
	unlock(lane);
	ready = poll(fds, 2, ABSENT_MS);
	lock(lane);
	lane->asleep = false;
	if ((fds[1].revents & POLLIN) && read(lane->wake_fd, &kicks, sizeof(kicks)) < 0) {
		/* Cannot happen: only the leader reads. */
	}
	return ready != 0;
}

static bool
rings(const struct lane *lane)
{
	struct pollfd fd = {.fd = fido_blk_fd(lane->config.queue), .events = POLLIN};

	return poll(&fd, 1, RING_MS) > 0;
}

static void
lead_asleep(struct lane *lane, struct lane_job *self)
{
	if (!fido_blk_arm(lane->config.queue) && !sleep_once(lane) && !lane->abandoned) {
		if (!fido_blk_is_connected(lane->config.blk))
			lane->config.on_absent(lane->config.arg);
		else if (take_completions(lane, self) != 0 && !rings(lane))
			lane->late++;
	}
	fido_blk_disarm(lane->config.queue);
}

/* Poll until a part of the leader's own job is done. */
static void
lead(struct lane *lane, struct lane_job *self)
{
	uint64_t idle_since = 0, now;

	while (STAILQ_EMPTY(&self->done) && !lane->abandoned) {
		if (take_completions(lane, self) != 0) {
			idle_since = 0;
			submit(lane, self);
			unlock(lane);
			lock(lane);
			continue;
		}
		now = lane->config.spin_us != 0 ? now_us() : 0;
		if (idle_since == 0)
			idle_since = now;
		if (now - idle_since >= lane->config.spin_us) {
			lead_asleep(lane, self);
			idle_since = 0;
			continue;
		}
		unlock(lane);
		for (int i = 0; i < 16; i++)
			fido_pause();
		lock(lane);
	}
}

/* ---- work of each thread ---- */

static void
copy_lent(const struct lane_part *part)
{
	char *to = part->data;
	size_t skip = part->skip, left = part->wanted;

	for (unsigned int i = 0; i < part->iovcnt && left != 0; i++) {
		size_t n = part->iov[i].iov_len;

		if (skip >= n) {
			skip -= n;
			continue;
		}
		n = n - skip < left ? n - skip : left;
		memcpy(to, (const char *)part->iov[i].iov_base + skip, n);
		to += n;
		left -= n;
		skip = 0;
	}
}

/* Finish the done parts of a job. @return number of parts */
static unsigned int
finish_parts(struct lane *lane, struct lane_job *job)
{
	struct fido_blk_lent *lent[LANE_PARTS_MAX];
	struct lane_part *part = STAILQ_FIRST(&job->done);
	unsigned int n = 0, n_lent = 0;

	STAILQ_INIT(&job->done);
	if (job->op != FIDO_BLK_READ) {
		for (; part != NULL; part = STAILQ_NEXT(part, next))
			n++;
		return n;
	}
	unlock(lane);
	for (; part != NULL; part = STAILQ_NEXT(part, next), n++) {
		if (part->lent == NULL)
			continue;
		copy_lent(part);
		lent[n_lent++] = part->lent;
	}
	lock(lane);
	if (n_lent != 0 && !lane->abandoned) {
		fido_blk_release(lane->config.queue, lent, n_lent);
		submit(lane, job);
	}
	return n;
}

static void
follow(struct lane *lane, struct lane_job *job)
{
	unlock(lane);
	while (sem_wait(&job->wake) != 0)
		;
	lock(lane);
	job->signalled = false;
}

static void
wait_for_parts(struct lane *lane, struct lane_job *job, unsigned int n)
{
	while (n != 0) {
		if (job->signalled) {
			follow(lane, job);
		} else if (!STAILQ_EMPTY(&job->done)) {
			/* Let others continue while this thread copies. */
			if (job->undone == 0 && lane->leader == job)
				pass_lead(lane);
			n -= finish_parts(lane, job);
		} else if (lane->abandoned) {
			job->error = -ESHUTDOWN;
			return;
		} else if (lane->leader == job) {
			lead(lane, job);
		} else {
			follow(lane, job);
		}
	}
}

int
lane_run(struct lane *lane, enum fido_blk_op op, uint32_t flags, struct lane_part *parts,
	unsigned int n)
{
	struct lane_job job = {.op = op, .flags = flags, .undone = n};

	STAILQ_INIT(&job.done);
	sem_init(&job.wake, 0, 0);
	lock(lane);
	if (lane->abandoned) {
		job.error = -ESHUTDOWN;
	} else {
		for (unsigned int i = 0; i < n; i++) {
			parts[i].job = &job;
			parts[i].lent = NULL;
			STAILQ_INSERT_TAIL(&lane->pending, &parts[i], next);
		}
		TAILQ_INSERT_TAIL(&lane->jobs, &job, entry);
		if (lane->leader == NULL)
			lane->leader = &job;
		submit(lane, &job);
		wait_for_parts(lane, &job, n);
	}
	unlock(lane);
	sem_destroy(&job.wake);
	return job.error;
}

void
lane_abandon(struct lane *lane)
{
	struct lane_job *job;

	lock(lane);
	if (!lane->abandoned) {
		lane->abandoned = true;
		TAILQ_FOREACH (job, &lane->jobs, entry)
			if (job != lane->leader)
				signal_job(lane, job);
		kick_leader(lane);
	}
	unlock(lane);
}

/* ---- create, destroy ---- */

int
lane_create(struct lane *lane, const struct lane_config *config)
{
	pthread_mutexattr_t attr;
	int err;

	*lane = (struct lane){.config = *config};
	TAILQ_INIT(&lane->jobs);
	STAILQ_INIT(&lane->pending);
	lane->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lane->wake_fd < 0)
		return -errno;
	/* Adaptive: the lock is held for much less time than a sleep and a wake-up take. */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	err = pthread_mutex_init(&lane->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	if (err != 0)
		close(lane->wake_fd);
	return -err;
}

void
lane_destroy(struct lane *lane)
{
	pthread_mutex_destroy(&lane->lock);
	close(lane->wake_fd);
}
