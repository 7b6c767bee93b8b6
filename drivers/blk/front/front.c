/* SPDX-License-Identifier: BSD-3-Clause */
/* Open and close a volume. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fido/blk_shm.h>
#include <fido/clock.h>
#include <fido/log.h>

#include "front.h"

#define DEPTH_DEFAULT 128
#define BOUNCE_DEFAULT ((size_t)2 << 20)
#define TIMEOUT_DEFAULT_MS 5000
/* How long fido_blk_close() waits for a backend that is alive but does not answer. */
#define CLOSE_LIMIT_MS 5000u
#define LOOK_US 100

/* ---- configuration ---- */

static int
take_config(struct fido_blk *blk, const struct fido_blk_config *config)
{
	blk->config = *config;
	if (blk->config.queues == 0)
		blk->config.queues = 1;
	if (blk->config.depth == 0)
		blk->config.depth = DEPTH_DEFAULT;
	if (blk->config.bounce_size == 0)
		blk->config.bounce_size = BOUNCE_DEFAULT;
	blk->config.bounce_size =
		(blk->config.bounce_size + BLK_BUFFER_MAX - 1) / BLK_BUFFER_MAX * BLK_BUFFER_MAX;
	if (blk->config.timeout_ms == 0)
		blk->config.timeout_ms = TIMEOUT_DEFAULT_MS;
	if (config->backend == NULL || !*config->backend ||
		strlen(config->backend) >= FIDO_NAME_MAX || config->volume == NULL ||
		!*config->volume || strlen(config->volume) >= FIDO_BLK_VOLUME_MAX) {
		fido_log(FIDO_LOG_ERROR,
			"cannot open a volume: give the name of the backend (under %d characters) "
			"and of the volume (under %d)",
			FIDO_NAME_MAX, FIDO_BLK_VOLUME_MAX);
		return -EINVAL;
	}
	if (blk->config.queues > FIDO_LINK_QUEUES_MAX || blk->config.depth > FIDO_BLK_DEPTH_MAX) {
		fido_log(FIDO_LOG_ERROR,
			"cannot open volume %s: %u queues of depth %u: use at most %d of depth %d",
			config->volume, blk->config.queues, blk->config.depth, FIDO_LINK_QUEUES_MAX,
			FIDO_BLK_DEPTH_MAX);
		return -EINVAL;
	}
	snprintf(blk->volume, sizeof(blk->volume), "%s", config->volume);
	snprintf(blk->backend, sizeof(blk->backend), "%s", config->backend);
	blk->config.volume = blk->volume;
	blk->config.backend = blk->backend;
	return 0;
}

/* A ring holds a few pieces for each request, and at least two of the largest requests. */
static uint32_t
ring_size(uint32_t depth)
{
	uint32_t want = depth * 4, size = 1024;

	while (size < want && size < BLK_RING_MAX)
		size *= 2;
	return size;
}

/* ---- the link ---- */

/* Control thread. Wakes the queues' threads, which may sleep. */
static void
link_changed(void *arg, enum fido_link_event event)
{
	struct fido_blk *blk = arg;

	(void)event;
	for (uint16_t i = 0; i < blk->queue_count; i++)
		fido_doorbell_ring(blk->queues[i]->rxq->bell);
}

/*
 * Use each link name once: then a link that is down for good cannot come back with other queues,
 * and the backend can drop it. The volume's name is in it for the reader of logs.
 */
static void
link_name(const struct fido_blk *blk, char name[FIDO_NAME_MAX])
{
	snprintf(name, FIDO_NAME_MAX, BLK_LINK_PREFIX "-%.17s-%08x", blk->volume,
		(uint32_t)(blk->client ^ blk->client >> 32));
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && strchr("_.-", *name) == NULL)
			*name = '_';
}

static int
create_link(struct fido_blk *blk)
{
	char name[FIDO_NAME_MAX];
	int ret;

	link_name(blk, name);
	ret = fido_link_create(blk->domain,
		&(struct fido_link_config){.peer = blk->backend,
			.name = name,
			.event = link_changed,
			.arg = blk},
		&blk->link);
	if (ret != 0)
		return ret;
	ret = fido_link_configure(blk->link, blk->config.queues, blk->config.queues,
		ring_size(blk->config.depth));
	if (ret != 0)
		return ret;
	for (uint16_t i = 0; i < blk->config.queues; i++) {
		struct fido_blk_queue *q = blk->queues[i];

		q->txq = fido_link_txq(blk->link, i);
		q->rxq = fido_link_rxq(blk->link, i);
		fido_txq_share_bell(q->txq, q->rxq);
	}
	return fido_link_open(blk->link);
}

/* ---- open ---- */

/* A backend without room accepts no link, so it reports that in its published table. */
static void
look_for_refusal(struct fido_blk *blk)
{
	struct fido_blk_shm said;

	if (fido_link_is_up(blk->link) ||
		fido_domain_peer_table(blk->domain, blk->backend, FIDO_BLK_SHM_MAGIC, &said,
			sizeof(said)) != 0 ||
		said.magic != FIDO_BLK_SHM_MAGIC || said.version != FIDO_BLK_SHM_VERSION)
		return;
	for (unsigned int i = 0; i < FIDO_BLK_REFUSALS; i++)
		if (said.refused[i].generation == fido_domain_generation(blk->domain) &&
			said.refused[i].error <= INT16_MAX)
			blk->refused = -(int)said.refused[i].error;
}

/* @return -ENOSPC, -ETIMEDOUT */
static int
explain_timeout(const struct fido_blk *blk)
{
	const char *group = fido_domain_group(blk->domain);

	if (blk->refused != 0 && !fido_link_is_up(blk->link)) {
		fido_log(FIDO_LOG_ERROR,
			"cannot open volume %s of %s: it has no room for one more client: %s: see "
			"its log; close other volumes, or serve some from another backend",
			blk->volume, blk->backend, strerror(-blk->refused));
		return -ENOSPC;
	}
	fido_log(FIDO_LOG_ERROR,
		"cannot open volume %s of %s: %s for %d ms: is fido-blkd running in group %s with "
		"--domain %s? (fido-ctl list --group %s)",
		blk->volume, blk->backend, fido_link_is_up(blk->link) ? "no answer" : "no link",
		blk->config.timeout_ms, group, blk->backend, group);
	return -ETIMEDOUT;
}

static int
wait_for_backend(struct fido_blk *blk)
{
	struct fido_blk_queue *q = blk->queues[0];
	uint64_t start = fido_now_ms();

	for (;;) {
		blk_front_queue_step(q);
		if (q->state == SESSION_OPEN)
			return 0;
		if (q->state == SESSION_REFUSED)
			return q->refusal;
		if (blk->config.timeout_ms >= 0 &&
			fido_now_ms() - start > (uint64_t)blk->config.timeout_ms)
			break;
		look_for_refusal(blk);
		usleep(LOOK_US);
	}
	return explain_timeout(blk);
}

/* fido_region_destroy() keeps bounce memory until the backend has stopped reading it. */
static void
destroy(struct fido_blk *blk)
{
	fido_link_destroy(blk->link);
	for (uint16_t i = 0; i < blk->queue_count; i++)
		blk_front_queue_destroy(blk->queues[i]);
	fido_region_destroy(blk->bounce);
	pthread_mutex_destroy(&blk->lock);
	free(blk);
}

static int close_within(struct fido_blk *blk, unsigned int limit_ms);

int
fido_blk_open(struct fido_domain *domain, const struct fido_blk_config *config,
	struct fido_blk **out)
{
	struct fido_blk *blk = calloc(1, sizeof(*blk));
	struct timespec ts;
	int ret;

	if (blk == NULL)
		return -ENOMEM;
	pthread_mutex_init(&blk->lock, NULL);
	blk->domain = domain;
	clock_gettime(CLOCK_REALTIME, &ts);
	blk->client =
		fido_domain_generation(domain) ^ ((uint64_t)ts.tv_nsec << 32) ^ (uintptr_t)blk;
	ret = take_config(blk, config);
	if (ret == 0)
		ret = fido_arena_create(domain, blk->config.bounce_size * blk->config.queues,
			&blk->bounce);
	for (uint16_t i = 0; ret == 0 && i < blk->config.queues; i++) {
		ret = blk_front_queue_create(blk, i, &blk->queues[i]);
		if (ret == 0)
			blk->queue_count++;
	}
	if (ret == 0)
		ret = create_link(blk);
	if (ret == 0)
		ret = wait_for_backend(blk);
	if (ret != 0) {
		/* Only OPEN is in flight. */
		if (blk->link != NULL)
			close_within(blk, 0);
		else
			destroy(blk);
		return ret;
	}
	*out = blk;
	return 0;
}

/* ---- close ---- */

static bool
anything_out(struct fido_blk *blk)
{
	uint32_t out = 0;

	for (uint16_t i = 0; i < blk->queue_count; i++) {
		struct fido_blk_queue *q = blk->queues[i];

		if (q->txq == NULL)
			continue;
		blk_front_take_answers(q);
		blk_front_queue_abandon(q);
		out += fido_txq_out(q->txq);
	}
	return out != 0;
}

/* @return number of writes whose memory, the caller's, may still be read */
static unsigned int
writes_out(const struct fido_blk *blk)
{
	unsigned int n = 0;

	for (uint16_t i = 0; i < blk->queue_count; i++)
		for (uint32_t k = 0; k < blk->queues[i]->depth; k++) {
			const struct request *r = &blk->queues[i]->requests[k];

			n += r->names_caller && r->tickets_out != 0;
		}
	return n;
}

static int
close_within(struct fido_blk *blk, unsigned int limit_ms)
{
	uint64_t start = fido_now_ms();
	unsigned int writes;

	/* While the link is open, requests in progress complete as usual. */
	while (fido_link_is_up(blk->link) && anything_out(blk) && fido_now_ms() - start < limit_ms)
		usleep(LOOK_US);
	fido_link_close(blk->link);
	while (anything_out(blk) && fido_now_ms() - start < limit_ms)
		usleep(LOOK_US);
	writes = anything_out(blk) ? writes_out(blk) : 0;
	if (writes != 0)
		fido_log(FIDO_LOG_WARNING,
			"volume %s: %s has not answered for %u ms and may still read the memory of "
			"%u writes: do not change it until %s continues or has exited",
			blk->volume, blk->backend, limit_ms, writes, blk->backend);
	destroy(blk);
	return writes != 0 ? -EBUSY : 0;
}

int
fido_blk_close(struct fido_blk *blk)
{
	return blk != NULL ? close_within(blk, CLOSE_LIMIT_MS) : 0;
}

/* ---- properties ---- */

const struct fido_blk_info *
fido_blk_info(const struct fido_blk *blk)
{
	return &blk->info;
}

struct fido_blk_queue *
fido_blk_queue(struct fido_blk *blk, uint16_t i)
{
	return i < blk->queue_count ? blk->queues[i] : NULL;
}

bool
fido_blk_is_connected(const struct fido_blk *blk)
{
	return fido_link_is_up(blk->link);
}
