/* SPDX-License-Identifier: BSD-3-Clause */
/* The backend: create, run, destroy. */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <fido/clock.h>
#include <fido/log.h>

#include "clients.h"
#include "queue.h"
#include "server_private.h"
#include "volume.h"
#include "worker.h"

#define BUFFERS_DEFAULT ((size_t)64 << 20)
#define RING_DEFAULT 4096u
/* Interval at which the main thread looks at offers and clients. */
#define LOOK_US 10000
#define LEAVE_LIMIT_MS 3000

/* ---- what fido-ctl shows ---- */

#define VOLUMES_SHM_SIZE(n) ((n) * sizeof(struct fido_blk_volume_shm))
#define QUEUES_SHM_SIZE (BACK_QUEUES_SHOWN * sizeof(struct fido_blk_queue_shm))

static int
create_shm(struct blk_server *s)
{
	s->shm = fido_domain_shm_alloc(s->domain, sizeof(*s->shm));
	s->volume_shm = fido_domain_shm_alloc(s->domain, VOLUMES_SHM_SIZE(s->config.volume_count));
	s->queue_shm = fido_domain_shm_alloc(s->domain, QUEUES_SHM_SIZE);
	if (s->shm == NULL || s->volume_shm == NULL || s->queue_shm == NULL) {
		fido_log(FIDO_LOG_ERROR,
			"no room in the control region for the tables of %u volumes: increase "
			"control_size",
			s->config.volume_count);
		return -ENOSPC;
	}
	return 0;
}

static void
publish_shm(struct blk_server *s)
{
	*s->shm = (struct fido_blk_shm){.magic = FIDO_BLK_SHM_MAGIC,
		.version = FIDO_BLK_SHM_VERSION,
		.volume_count = s->volume_count,
		.queue_count = BACK_QUEUES_SHOWN,
		.volumes = fido_domain_shm_gaddr(s->domain, s->volume_shm),
		.queues = fido_domain_shm_gaddr(s->domain, s->queue_shm)};
	fido_domain_publish(s->domain, FIDO_BLK_SHM_MAGIC, s->shm);
}

static void
destroy_shm(struct blk_server *s)
{
	fido_domain_publish(s->domain, FIDO_BLK_SHM_MAGIC, NULL);
	fido_domain_shm_free(s->domain, s->shm, sizeof(*s->shm));
	fido_domain_shm_free(s->domain, s->volume_shm, VOLUMES_SHM_SIZE(s->config.volume_count));
	fido_domain_shm_free(s->domain, s->queue_shm, QUEUES_SHM_SIZE);
}

static void
count_copies(struct blk_server *s)
{
	for (unsigned int i = 0; i < s->volume_count; i++)
		fido_store_relaxed(&s->volumes[i].shm->copied,
			fido_load_relaxed(&s->volumes[i].store->copied));
}

int
blk_server_run(struct blk_server *s, const volatile sig_atomic_t *stop)
{
	while (fido_load_relaxed(stop) == 0) {
		back_clients_accept(s);
		back_clients_follow(s);
		count_copies(s);
		usleep(LOOK_US);
	}
	return 0;
}

/* ---- life ---- */

static int
take_config(struct blk_server *s, const struct blk_server_config *config)
{
	s->config = *config;
	if (s->config.workers == 0)
		s->config.workers = 1;
	if (s->config.buffer_size == 0)
		s->config.buffer_size = BUFFERS_DEFAULT;
	if (s->config.ring_size == 0)
		s->config.ring_size = RING_DEFAULT;
	if (s->config.workers > BLK_WORKERS_MAX || s->config.volume_count > BLK_VOLUMES_MAX ||
		s->config.volume_count == 0 || !fido_ring_size_valid(s->config.ring_size) ||
		s->config.ring_size < 2 * FIDO_BLK_SEGMENTS_MAX) {
		fido_log(FIDO_LOG_ERROR,
			"a block backend has 1 to %d volumes, 1 to %d threads, rings of 512 to %d "
			"descriptors (a power of two)",
			BLK_VOLUMES_MAX, BLK_WORKERS_MAX, FIDO_RING_MAX);
		return -EINVAL;
	}
	return 0;
}

static int
open_volume(struct blk_server *s, const struct blk_volume_config *config)
{
	struct back_volume *v = &s->volumes[s->volume_count];
	int ret = back_volume_open(s, config);

	if (ret == 0 && v->store->one_channel)
		v->home = &s->workers[v->index % s->config.workers];
	return ret;
}

int
blk_server_create(struct blk_server **out, struct fido_domain *domain,
	const struct blk_server_config *config)
{
	struct blk_server *s = calloc(1, sizeof(*s));
	int ret;

	if (s == NULL)
		return -ENOMEM;
	s->domain = domain;
	pthread_mutex_init(&s->lock, NULL);
	ret = take_config(s, config);
	if (ret != 0)
		goto out;
	ret = -ENOMEM;
	s->workers = calloc(s->config.workers, sizeof(*s->workers));
	s->volumes = calloc(s->config.volume_count, sizeof(*s->volumes));
	if (s->workers == NULL || s->volumes == NULL)
		goto out;
	ret = fido_arena_create(domain, s->config.volume_count * sizeof(struct blk_info_shm),
		&s->info_arena);
	if (ret == 0)
		ret = create_shm(s);
	for (unsigned int i = 0; ret == 0 && i < config->volume_count; i++)
		ret = open_volume(s, &config->volumes[i]);
	for (unsigned int i = 0; ret == 0 && i < s->config.workers; i++) {
		struct back_worker *w = &s->workers[i];

		w->server = s;
		w->index = i;
		w->cpu = config->cpus != NULL ? config->cpus[i] : -1;
		ret = back_worker_start(w);
	}
	if (ret == 0)
		publish_shm(s);
out:
	if (ret != 0)
		blk_server_destroy(s);
	else
		*out = s;
	return ret;
}

/* Wait until clients have returned lent memory; nothing more is lent to them. */
static void
wait_for_returns(struct blk_server *s)
{
	uint64_t start = fido_now_ms();
	uint32_t out;

	do {
		out = 0;
		for (struct back_client *c = s->clients; c != NULL; c = c->next)
			for (uint16_t i = 0; i < c->queue_count; i++) {
				back_queue_reap(c->queues[i]);
				out += fido_txq_out(c->queues[i]->txq);
			}
		if (out != 0)
			usleep(1000);
	} while (out != 0 && fido_now_ms() - start < LEAVE_LIMIT_MS);
}

void
blk_server_destroy(struct blk_server *s)
{
	struct back_client *c;

	if (s == NULL)
		return;
	for (c = s->clients; c != NULL; c = c->next)
		fido_link_quiesce(c->link);
	for (unsigned int i = 0; s->workers != NULL && i < s->config.workers; i++)
		back_worker_join(&s->workers[i]);
	for (c = s->clients; c != NULL; c = c->next)
		fido_link_close(c->link);
	wait_for_returns(s);
	while ((c = s->clients) != NULL) {
		s->clients = c->next;
		back_client_destroy(c);
	}
	for (unsigned int i = 0; s->workers != NULL && i < s->config.workers; i++)
		back_worker_free(&s->workers[i]);
	for (unsigned int i = 0; i < s->volume_count; i++)
		blk_store_close(s->volumes[i].store);
	destroy_shm(s);
	fido_region_destroy(s->info_arena);
	pthread_mutex_destroy(&s->lock);
	free(s->offers);
	free(s->workers);
	free(s->volumes);
	free(s);
}
