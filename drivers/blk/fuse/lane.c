/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread between /dev/fuse and a queue of the volume. See lane.h for the rules. */

#include "lane.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <linux/fuse.h>

#include <fido/atomic.h>
#include <fido/clock.h>

/* Completions polled, requests submitted, or messages read at a time. */
#define BURST 16u
/* Header of a message with data, before the data. */
#define HEADER_SIZE (sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))
/* A lane that waits for the backend polls its queue this often. Nothing else depends on it. */
#define ABSENT_MS 1000
/* A backend rings the doorbell of a sleeping queue within this time after publishing. */
#define RING_MS 200

static _Thread_local struct lane *this_lane;

struct lane *
lane_of_thread(void)
{
	return this_lane;
}

ssize_t
lane_writev(int fd, struct iovec *iov, int count, void *arg)
{
	return writev(this_lane->fuse_fd, iov, count);
}

/* ---- buffers ---- */

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

char *
lane_take_message(struct lane *lane)
{
	char *buffer = lane->message;

	lane->message = NULL;
	return buffer;
}

char *
lane_edges(const struct lane *lane, char *buffer)
{
	return buffer + page_size() + LANE_WRITE_MAX;
}

static int
create_buffers(struct lane *lane)
{
	size_t block = lane->config.image->info->block_size, page = page_size();
	uint32_t n = lane->config.buffers;
	int ret;

	/* Whole pages, so that each buffer begins with one. */
	lane->buffer_size = page + LANE_WRITE_MAX + ((2 * block + page - 1) & ~(page - 1));
	lane->buffers = calloc(n, sizeof(*lane->buffers));
	if (lane->buffers == NULL)
		return -ENOMEM;
	ret = fido_arena_create(lane->config.domain, n * lane->buffer_size, &lane->arena);
	if (ret != 0)
		return ret;
	for (uint32_t i = 0; i < n; i++)
		lane->buffers[lane->buffer_count++] =
			(char *)(uintptr_t)lane->arena->va + i * lane->buffer_size;
	return 0;
}

/* ---- requests ---- */

struct request *
lane_take_request(struct lane *lane)
{
	struct request *r = STAILQ_FIRST(&lane->unused);

	STAILQ_REMOVE_HEAD(&lane->unused, next);
	lane->in_progress++;
	r->data = NULL;
	r->buffer = NULL;
	r->discards = false;
	r->durable = false;
	r->of_page_cache = false;
	r->error = 0;
	r->part_count = 0;
	return r;
}

void
lane_finish(struct lane *lane, struct request *r)
{
	if (r->buffer != NULL)
		lane->buffers[lane->buffer_count++] = r->buffer;
	STAILQ_INSERT_HEAD(&lane->unused, r, next);
	lane->in_progress--;
}

void
lane_submit(struct lane *lane, struct request *r)
{
	for (unsigned int i = 0; i < r->part_count; i++)
		STAILQ_INSERT_TAIL(&lane->pending, &r->parts[i], next);
}

void
lane_release_lent(struct lane *lane, struct request *r)
{
	struct fido_blk_lent *lent[REQUEST_PARTS_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < r->part_count; i++) {
		if (r->parts[i].lent != NULL)
			lent[n++] = r->parts[i].lent;
		r->parts[i].lent = NULL;
	}
	if (n != 0)
		fido_blk_release(lane->queue, lent, n);
}

static void
kick(const struct lane *lane)
{
	uint64_t one = 1;

	if (write(lane->wake_fd, &one, sizeof(one)) < 0) {
		/* The counter is full: it is readable. */
	}
}

void
lane_request_held(struct range *range)
{
	struct request *r = (struct request *)((char *)range - offsetof(struct request, range));
	struct lane *lane = r->lane;

	pthread_mutex_lock(&lane->held_lock);
	STAILQ_INSERT_TAIL(&lane->held, r, next);
	fido_store_relaxed(&lane->held_count, lane->held_count + 1);
	pthread_mutex_unlock(&lane->held_lock);
	if (lane != this_lane)
		kick(lane);
}

static unsigned int
continue_held(struct lane *lane)
{
	struct lane_held held = STAILQ_HEAD_INITIALIZER(held);
	struct request *r;
	unsigned int n;

	if (fido_load_relaxed(&lane->held_count) == 0)
		return 0;
	pthread_mutex_lock(&lane->held_lock);
	STAILQ_CONCAT(&held, &lane->held);
	n = lane->held_count;
	fido_store_relaxed(&lane->held_count, 0);
	pthread_mutex_unlock(&lane->held_lock);
	while ((r = STAILQ_FIRST(&held)) != NULL) {
		STAILQ_REMOVE_HEAD(&held, next);
		request_held(r);
	}
	return n;
}

/* ---- the queue ---- */

/* Submit pending parts while the queue accepts them. */
static void
submit_pending(struct lane *lane)
{
	struct fido_blk_request requests[BURST];
	struct part *part;
	unsigned int n;
	int taken;

	while ((part = STAILQ_FIRST(&lane->pending)) != NULL) {
		for (n = 0; part != NULL && n < BURST; part = STAILQ_NEXT(part, next))
			requests[n++] = part->blk;
		taken = fido_blk_submit(lane->queue, requests, n);
		if (taken == 0)
			break;
		for (int i = 0; i < taken; i++)
			STAILQ_REMOVE_HEAD(&lane->pending, next);
		if (taken < 0) {
			part = STAILQ_FIRST(&lane->pending);
			STAILQ_REMOVE_HEAD(&lane->pending, next);
			request_part_done(part, &(struct fido_blk_completion){.error = taken});
		}
	}
}

static unsigned int
take_completions(struct lane *lane)
{
	struct fido_blk_completion completions[BURST];
	unsigned int n = fido_blk_poll(lane->queue, completions, BURST);

	for (unsigned int i = 0; i < n; i++)
		request_part_done(completions[i].cookie, &completions[i]);
	return n;
}

/* ---- the kernel's messages ---- */

static bool
has_room(const struct lane *lane)
{
	return lane->buffer_count != 0 && !STAILQ_EMPTY(&lane->unused) && !lane->ended;
}

static void
process(struct lane *lane, char *message, size_t len)
{
	const struct fuse_buf buf = {.mem = message, .size = len};

	fuse_session_process_buf(lane->config.fuse, &buf);
}

static unsigned int
read_messages(struct lane *lane)
{
	unsigned int n = 0;

	while (n < BURST && has_room(lane)) {
		char *buffer = lane->buffers[lane->buffer_count - 1];
		char *message = buffer + page_size() - HEADER_SIZE;
		ssize_t len = read(lane->fuse_fd, message, HEADER_SIZE + LANE_WRITE_MAX);

		if (len < 0) {
			/* ENOENT: the kernel has given up what it was about to send. */
			if (errno == EINTR || errno == ENOENT)
				continue;
			/* ENODEV: the file system is unmounted. */
			lane->ended = errno != EAGAIN;
			lane->readable = false;
			break;
		}
		lane->message = buffer;
		lane->buffer_count--;
		process(lane, message, (size_t)len);
		if (lane->message != NULL)
			lane->buffers[lane->buffer_count++] = lane_take_message(lane);
		n++;
	}
	return n;
}

/* ---- sleeping ---- */

static void
take_kick(const struct lane *lane)
{
	uint64_t kicks;

	if (read(lane->wake_fd, &kicks, sizeof(kicks)) < 0) {
		/* Cannot happen: only this thread reads. */
	}
}

static int
wait_for_events(struct lane *lane, int timeout_ms)
{
	/* Without room: of /dev/fuse only the error, that the connection is closed. */
	struct pollfd fds[3] = {{.fd = fido_blk_fd(lane->queue), .events = POLLIN},
		{.fd = lane->wake_fd, .events = POLLIN}, {.fd = lane->fuse_fd}};
	struct epoll_event events[3];
	bool kicked;
	int n;

	if (!has_room(lane)) {
		n = poll(fds, 3, timeout_ms);
		kicked = fds[1].revents != 0;
		lane->ended |= fds[2].revents != 0;
	} else {
		n = epoll_wait(lane->epoll_fd, events, 3, timeout_ms);
		kicked = false;
		for (int i = 0; i < n; i++) {
			lane->readable |= events[i].data.fd == lane->fuse_fd;
			kicked |= events[i].data.fd == lane->wake_fd;
		}
	}
	if (kicked)
		take_kick(lane);
	return n;
}

static bool
rings(const struct lane *lane)
{
	struct pollfd fd = {.fd = fido_blk_fd(lane->queue), .events = POLLIN};

	return poll(&fd, 1, RING_MS) > 0;
}

/* For as long as it may sleep, nothing has come. */
static void
look_around(struct lane *lane)
{
	if (fido_blk_is_connected(lane->config.image->blk) && take_completions(lane) != 0 &&
		!rings(lane))
		lane->late++;
	for (uint32_t i = 0; i < lane->config.depth; i++)
		request_answer_if_killed(&lane->requests[i]);
}

/* Sleep until there is something to do. A lane without requests sleeps for ever. */
static void
sleep_armed(struct lane *lane)
{
	if (!fido_blk_arm(lane->queue)) {
		lane->sleeps++;
		if (wait_for_events(lane, lane->in_progress != 0 ? ABSENT_MS : -1) == 0)
			look_around(lane);
	}
	fido_blk_disarm(lane->queue);
}

/* ---- the thread ---- */

static void *
run(void *arg)
{
	struct lane *lane = arg;
	uint64_t idle_since = 0, now, one = 1;

	this_lane = lane;
	/* Memory for this thread must not wait for writes that only this thread can do. */
	prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
	while (!lane->ended) {
		unsigned int work = take_completions(lane);

		work += continue_held(lane);
		/* An answer is often followed by a message; otherwise epoll tells of one. */
		if (work != 0 || lane->readable || lane->config.spin_us != 0)
			work += read_messages(lane);
		submit_pending(lane);
		if (work != 0 || lane->ended) {
			idle_since = 0;
			continue;
		}
		now = lane->config.spin_us != 0 ? fido_now_ns() / 1000 : 0;
		if (idle_since == 0)
			idle_since = now;
		if (now - idle_since < lane->config.spin_us) {
			/* The backend, or what reads the file, may wait for this CPU. */
			sched_yield();
			continue;
		}
		sleep_armed(lane);
		idle_since = 0;
	}
	if (write(lane->config.end_fd, &one, sizeof(one)) < 0) {
		/* The counter is full: it is readable. */
	}
	return NULL;
}

/* ---- create, destroy ---- */

static int
watch(struct lane *lane, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(lane->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0 ? -errno : 0;
}

static int
create_requests(struct lane *lane)
{
	lane->requests = calloc(lane->config.depth, sizeof(*lane->requests));
	if (lane->requests == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < lane->config.depth; i++) {
		lane->requests[i].lane = lane;
		STAILQ_INSERT_TAIL(&lane->unused, &lane->requests[i], next);
	}
	return 0;
}

int
lane_create(struct lane *lane, const struct lane_config *config)
{
	int ret;

	*lane = (struct lane){.config = *config, .fuse_fd = -1, .readable = true};
	STAILQ_INIT(&lane->unused);
	STAILQ_INIT(&lane->pending);
	STAILQ_INIT(&lane->held);
	pthread_mutex_init(&lane->held_lock, NULL);
	lane->queue = fido_blk_queue(config->image->blk, (uint16_t)config->index);
	lane->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	lane->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ret = lane->wake_fd < 0 || lane->epoll_fd < 0 ? -errno : 0;
	if (ret == 0)
		ret = watch(lane, fido_blk_fd(lane->queue), EPOLLIN);
	if (ret == 0)
		ret = watch(lane, lane->wake_fd, EPOLLIN);
	if (ret == 0)
		ret = create_requests(lane);
	if (ret == 0)
		ret = create_buffers(lane);
	if (ret != 0)
		lane_destroy(lane);
	return ret;
}

void
lane_destroy(struct lane *lane)
{
	if (lane->arena != NULL)
		fido_region_destroy(lane->arena);
	free(lane->buffers);
	free(lane->requests);
	if (lane->epoll_fd >= 0)
		close(lane->epoll_fd);
	if (lane->wake_fd >= 0)
		close(lane->wake_fd);
	pthread_mutex_destroy(&lane->held_lock);
}

int
lane_start(struct lane *lane, int fuse_fd)
{
	int ret;

	lane->fuse_fd = fuse_fd;
	/* Exclusive: a message wakes one lane, not all. */
	ret = watch(lane, fuse_fd, EPOLLIN | EPOLLEXCLUSIVE);
	if (ret != 0)
		return ret;
	return -pthread_create(&lane->thread, NULL, run, lane);
}

void
lane_join(struct lane *lane)
{
	pthread_join(lane->thread, NULL);
}
