/* SPDX-License-Identifier: BSD-3-Clause */
/* A block volume in plain memory, behind the front-end's interface. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "nbdkit-volume.h"

enum state {
	FREE,
	SENT,
	DONE,
	LENT
};

struct request {
	enum state state;
	struct fido_blk_request asked;
	struct iovec from; /* data to write */
	struct iovec lent[2];
	uint8_t memory[VOLUME_MAX_TRANSFER];
};

struct fido_blk_queue {
	pthread_mutex_t lock;
	pthread_cond_t submitted;
	pthread_t thread;
	struct request requests[VOLUME_DEPTH];
	uint32_t users; /* threads in code that one thread at a time may run */
	bool armed;
	bool held;
	bool ends;
	int fd;
};

struct fido_blk {
	struct fido_blk_info info;
	struct fido_blk_queue queue;
};

uint8_t volume_contents[VOLUME_SIZE];
static struct fido_blk the_volume = {
	.info = {.size = VOLUME_SIZE,
		.identity = 1,
		.block_size = VOLUME_BLOCK,
		.max_transfer = VOLUME_MAX_TRANSFER,
		.max_segments = 1,
		.features = FIDO_BLK_CAN_WRITE | FIDO_BLK_CAN_FLUSH | FIDO_BLK_CAN_FUA |
			FIDO_BLK_CAN_DISCARD | FIDO_BLK_CAN_WRITE_ZEROES},
};

static void
enter(struct fido_blk_queue *q)
{
	if (__atomic_fetch_add(&q->users, 1, __ATOMIC_RELAXED) != 0)
		abort(); /* not the main thread: cmocka cannot fail here */
	pthread_mutex_lock(&q->lock);
}

static void
leave(struct fido_blk_queue *q)
{
	pthread_mutex_unlock(&q->lock);
	__atomic_fetch_sub(&q->users, 1, __ATOMIC_RELAXED);
}

/* ---- the answering thread ---- */

static struct request *
pick(struct fido_blk_queue *q, unsigned int *seed)
{
	unsigned int first = (unsigned int)rand_r(seed);

	for (unsigned int i = 0; i < VOLUME_DEPTH && !q->held; i++)
		if (q->requests[(first + i) % VOLUME_DEPTH].state == SENT)
			return &q->requests[(first + i) % VOLUME_DEPTH];
	return NULL;
}

static void
answer(struct request *r)
{
	uint8_t *place = volume_contents + r->asked.offset;
	size_t half = r->asked.length / 3;

	if (r->asked.op == FIDO_BLK_WRITE) {
		memcpy(place, r->from.iov_base, r->from.iov_len);
	} else if (r->asked.op == FIDO_BLK_WRITE_ZEROES) {
		memset(place, 0, r->asked.length);
	} else if (r->asked.op == FIDO_BLK_READ) {
		memcpy(r->memory, place, r->asked.length);
		r->lent[0] = (struct iovec){r->memory, half};
		r->lent[1] = (struct iovec){r->memory + half, r->asked.length - half};
	}
}

static void *
run(void *arg)
{
	struct fido_blk_queue *q = arg;
	unsigned int seed = 1;
	uint64_t one = 1;

	pthread_mutex_lock(&q->lock);
	while (!q->ends) {
		struct request *r = pick(q, &seed);

		if (r == NULL) {
			pthread_cond_wait(&q->submitted, &q->lock);
			continue;
		}
		pthread_mutex_unlock(&q->lock);
		if (rand_r(&seed) % 8 == 0)
			usleep((unsigned int)rand_r(&seed) % 100);
		answer(r);
		pthread_mutex_lock(&q->lock);
		r->state = DONE;
		if (q->armed && write(q->fd, &one, sizeof(one)) == sizeof(one))
			q->armed = false;
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* ---- <fido/blk.h> ---- */

int
fido_blk_open(struct fido_domain *domain, const struct fido_blk_config *config,
	struct fido_blk **out)
{
	struct fido_blk_queue *q = &the_volume.queue;

	(void)domain;
	(void)config;
	*q = (struct fido_blk_queue){.fd = eventfd(0, EFD_NONBLOCK)};
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->submitted, NULL);
	*out = &the_volume;
	return -pthread_create(&q->thread, NULL, run, q);
}

int
fido_blk_close(struct fido_blk *blk)
{
	struct fido_blk_queue *q = &blk->queue;

	enter(q);
	q->ends = true;
	pthread_cond_signal(&q->submitted);
	leave(q);
	pthread_join(q->thread, NULL);
	pthread_cond_destroy(&q->submitted);
	pthread_mutex_destroy(&q->lock);
	close(q->fd);
	return 0;
}

const struct fido_blk_info *
fido_blk_info(const struct fido_blk *blk)
{
	return &blk->info;
}

struct fido_blk_queue *
fido_blk_queue(struct fido_blk *blk, uint16_t i)
{
	return i == 0 ? &blk->queue : NULL;
}

bool
fido_blk_is_connected(const struct fido_blk *blk)
{
	return !__atomic_load_n(&blk->queue.held, __ATOMIC_RELAXED);
}

static int
check(const struct fido_blk_request *r)
{
	if (r->op == FIDO_BLK_FLUSH)
		return 0;
	if (r->length == 0 || (r->offset | r->length) % VOLUME_BLOCK != 0)
		return -EINVAL;
	if ((r->op == FIDO_BLK_READ || r->op == FIDO_BLK_WRITE) && r->length > VOLUME_MAX_TRANSFER)
		return -EINVAL;
	return r->offset + r->length > VOLUME_SIZE ? -ERANGE : 0;
}

int
fido_blk_submit(struct fido_blk_queue *q, const struct fido_blk_request *requests, unsigned int n)
{
	unsigned int done = 0;
	int ret = 0;

	enter(q);
	for (unsigned int i = 0; i < VOLUME_DEPTH && done < n && ret == 0; i++) {
		struct request *r = &q->requests[i];

		if (r->state != FREE)
			continue;
		ret = check(&requests[done]);
		if (ret != 0)
			break;
		r->state = SENT;
		r->asked = requests[done++];
		if (r->asked.op == FIDO_BLK_WRITE)
			r->from = r->asked.iov[0];
	}
	pthread_cond_signal(&q->submitted);
	leave(q);
	return done != 0 ? (int)done : ret;
}

unsigned int
fido_blk_poll(struct fido_blk_queue *q, struct fido_blk_completion *completions, unsigned int max)
{
	unsigned int n = 0;

	enter(q);
	for (unsigned int i = 0; i < VOLUME_DEPTH && n < max; i++) {
		struct request *r = &q->requests[i];

		if (r->state != DONE)
			continue;
		completions[n] = (struct fido_blk_completion){.cookie = r->asked.cookie};
		r->state = FREE;
		if (r->asked.op == FIDO_BLK_READ) {
			r->state = LENT;
			completions[n].iov = r->lent;
			completions[n].iovcnt = 2;
			completions[n].lent = (struct fido_blk_lent *)r;
		}
		n++;
	}
	leave(q);
	return n;
}

void
fido_blk_release(struct fido_blk_queue *q, struct fido_blk_lent *const *lent, unsigned int n)
{
	enter(q);
	for (unsigned int i = 0; i < n; i++) {
		struct request *r = (struct request *)lent[i];

		memset(r->memory, 0xdd, sizeof(r->memory));
		r->state = FREE;
	}
	leave(q);
}

int
fido_blk_fd(const struct fido_blk_queue *q)
{
	return q->fd;
}

bool
fido_blk_arm(struct fido_blk_queue *q)
{
	uint64_t rings;
	bool waits = false;

	enter(q);
	if (read(q->fd, &rings, sizeof(rings)) < 0) {
		/* The doorbell has not rung. */
	}
	q->armed = true;
	for (unsigned int i = 0; i < VOLUME_DEPTH; i++)
		waits |= q->requests[i].state == DONE;
	leave(q);
	return waits;
}

void
fido_blk_disarm(struct fido_blk_queue *q)
{
	enter(q);
	q->armed = false;
	leave(q);
}

/* ---- for the tests ---- */

void
volume_hold(bool held)
{
	struct fido_blk_queue *q = &the_volume.queue;

	pthread_mutex_lock(&q->lock);
	__atomic_store_n(&q->held, held, __ATOMIC_RELAXED);
	pthread_cond_signal(&q->submitted);
	pthread_mutex_unlock(&q->lock);
}

unsigned int
volume_inflight(void)
{
	struct fido_blk_queue *q = &the_volume.queue;
	unsigned int n = 0;

	pthread_mutex_lock(&q->lock);
	for (unsigned int i = 0; i < VOLUME_DEPTH; i++)
		n += q->requests[i].state != FREE;
	pthread_mutex_unlock(&q->lock);
	return n;
}
