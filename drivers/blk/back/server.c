/* SPDX-License-Identifier: BSD-3-Clause */
/* The backend's main thread: volumes, clients, workers. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fido/clock.h>
#include <fido/log.h>

#include "admit.h"
#include "back.h"
#include "server.h"

#define BUFFERS_DEFAULT ((size_t)64 << 20)
#define RING_DEFAULT 4096u
/* Requests of one queue that are worked on at a time; more wait in the ring. */
#define REQUESTS 1024u
/* How often new clients are looked for. */
#define LOOK_US 10000
#define LEAVE_LIMIT_MS 3000
/* Offers that there is room for at first; more, as there are more. */
#define OFFERS_MIN 16u
/* All that all peers can offer. */
#define OFFERS_MAX ((unsigned int)FIDO_SLOTS_MAX * FIDO_DOMAIN_LINKS_MAX)
/* An offer that cannot be taken is tried again when a client has left, and now and then; it is not told of each time. */
#define RETRY_FIRST_MS 50u
#define RETRY_MAX_MS 1000u
#define TELL_AGAIN_MS 10000

/* ---- volumes ---- */

static bool
valid_name(const char *name)
{
	size_t len =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return len != 0 && name[len] == '\0' && len < FIDO_BLK_VOLUME_MAX;
}

static int
check_name(const struct blk_server *s, const char *name)
{
	if (!valid_name(name)) {
		fido_log(FIDO_LOG_ERROR, "volume '%s': names are 1 to %d of A-Z a-z 0-9 _ . -",
			name, FIDO_BLK_VOLUME_MAX - 1);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < s->volume_count; i++)
		if (strcmp(s->volumes[i].name, name) == 0) {
			fido_log(FIDO_LOG_ERROR, "volume %s is named twice: give each its own name",
				name);
			return -EINVAL;
		}
	return 0;
}

static void
publish_volume(struct back_volume *v, const char *store)
{
	const struct fido_blk_info *info = &v->store->info;

	*v->info = (struct blk_info_shm){.magic = BLK_MAGIC,
		.version = BLK_VERSION,
		.size = info->size,
		.identity = info->identity,
		.block_size = info->block_size,
		.max_transfer = info->max_transfer,
		.max_segments = info->max_segments,
		.features = info->features};
	snprintf(v->shm->name, sizeof(v->shm->name), "%s", v->name);
	snprintf(v->shm->store, sizeof(v->shm->store), "%s", store);
	v->shm->size = info->size;
	v->shm->identity = info->identity;
	v->shm->block_size = info->block_size;
	v->shm->features = info->features;
}

static int
open_volume(struct blk_server *s, const struct blk_volume_config *config)
{
	struct back_volume *v = &s->volumes[s->volume_count];
	struct blk_store_config store = {.domain = s->domain,
		.volume = config->name,
		.read_only = config->read_only};
	int ret = check_name(s, config->name);

	if (ret == 0)
		ret = blk_store_open(&v->store, &store, config->store);
	if (ret != 0)
		return ret;
	if (config->read_only)
		v->store->info.features &= FIDO_BLK_CAN_FLUSH | FIDO_BLK_CAN_FUA;
	snprintf(v->name, sizeof(v->name), "%s", config->name);
	v->index = s->volume_count;
	v->info = (struct blk_info_shm *)(uintptr_t)s->info_arena->gaddr + v->index;
	v->shm = &s->volume_shm[v->index];
	if (v->store->one_channel)
		v->home = &s->workers[v->index % s->config.workers];
	publish_volume(v, config->store);
	s->volume_count++;
	return 0;
}

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
			"no room for the tables of %u volumes in the control region: use a larger "
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

/* ---- clients ---- */

static void
wake_workers(const struct blk_server *s)
{
	for (unsigned int i = 0; i < s->config.workers; i++)
		back_worker_wake(&s->workers[i]);
}

/* Called by the control thread. */
static void
link_changed(void *arg, enum fido_link_event event)
{
	struct back_client *c = arg;

	if (event == FIDO_LINK_DOWN)
		__atomic_fetch_add(&c->downs, 1, __ATOMIC_RELAXED);
	wake_workers(c->server);
}

static void
client_destroy(struct back_client *c)
{
	fido_link_destroy(c->link);
	for (uint16_t i = 0; i < c->queue_count; i++)
		back_queue_destroy(c->queues[i]);
	free(c);
}

/* @return 0, -errno */
static int
client_link(struct back_client *c, const struct fido_offer *offer)
{
	struct blk_server *s = c->server;
	int ret = fido_link_create(s->domain,
		&(struct fido_link_config){.peer = offer->peer,
			.name = offer->name,
			.event = link_changed,
			.arg = c},
		&c->link);

	if (ret == 0)
		ret = fido_link_configure(c->link, offer->nrx, offer->ntx, s->config.ring_size);
	for (uint16_t i = 0; ret == 0 && i < offer->ntx; i++) {
		ret = back_queue_create(c, i, REQUESTS, &c->queues[i]);
		if (ret != 0)
			break;
		c->queue_count++;
		c->queues[i]->txq = fido_link_txq(c->link, i);
		c->queues[i]->rxq = fido_link_rxq(c->link, i);
		fido_txq_share_bell(c->queues[i]->txq, c->queues[i]->rxq);
	}
	return ret != 0 ? ret : fido_link_open(c->link);
}

static void
tell_of_refusal(struct blk_server *s, const struct fido_offer *offer, int error)
{
	uint64_t now = fido_now_ms();

	if (s->told_ms != 0 && now - s->told_ms < TELL_AGAIN_MS)
		return;
	s->told_ms = now;
	fido_log(FIDO_LOG_ERROR, "cannot serve link %s of %s: %s%s", offer->name, offer->peer,
		strerror(-error), blk_admit_advice(error));
}

static struct fido_blk_refusal_shm *
find_refusal(struct blk_server *s, uint64_t generation)
{
	for (unsigned int i = 0; i < FIDO_BLK_REFUSALS; i++)
		if (s->shm->refused[i].generation == generation)
			return &s->shm->refused[i];
	return NULL;
}

/* The front-end finds it while it waits. */
static void
refuse(struct blk_server *s, const struct fido_offer *offer, int error)
{
	struct fido_blk_refusal_shm *r = find_refusal(s, offer->generation);

	if (r == NULL) {
		r = &s->shm->refused[s->next_refusal++ % FIDO_BLK_REFUSALS];
		fido_store_release(&r->generation, 0);
	}
	fido_store_release(&r->error, (uint64_t)-error);
	fido_store_release(&r->generation, offer->generation);
	tell_of_refusal(s, offer, error);
}

static void
withdraw_refusal(struct blk_server *s, const struct fido_offer *offer)
{
	struct fido_blk_refusal_shm *r = find_refusal(s, offer->generation);

	if (r != NULL)
		fido_store_release(&r->generation, 0);
}

/* @return descriptors that clients which have been admitted still get: so far each has one for a pair of queues */
static unsigned int
fds_to_come(const struct blk_server *s)
{
	unsigned int n = 0;

	for (const struct back_client *c = s->clients; c != NULL; c = c->next)
		if (!c->leaving && !fido_link_is_connected(c->link))
			n += blk_admit_fds(&c->offer) - c->queue_count;
	return n;
}

/* @return 0, -errno */
static int
accept_client(struct blk_server *s, const struct fido_offer *offer)
{
	struct back_client *c;
	int ret = blk_admit(s->domain, s->client_count, fds_to_come(s), offer, s->config.ring_size);

	if (ret != 0)
		return ret;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	c->server = s;
	c->offer = *offer;
	memcpy(c->peer, offer->peer, sizeof(c->peer));
	ret = client_link(c, offer);
	if (ret != 0) {
		client_destroy(c);
		return ret;
	}
	c->next = s->clients;
	s->clients = c;
	s->client_count++;
	withdraw_refusal(s, offer);
	for (uint16_t i = 0; i < c->queue_count; i++)
		back_worker_give(&s->workers[s->next_worker++ % s->config.workers], c->queues[i]);
	return 0;
}

/* The next look at offers is some time off, unless a client leaves. */
static void
retry_later(struct blk_server *s)
{
	s->retry_after_ms = s->retry_after_ms == 0 ? RETRY_FIRST_MS : s->retry_after_ms * 2;
	if (s->retry_after_ms > RETRY_MAX_MS)
		s->retry_after_ms = RETRY_MAX_MS;
	s->retry_ms = fido_now_ms() + s->retry_after_ms;
}

/* All of them: those that cannot be taken hide no others. @return number, in s->offers */
static unsigned int
look_at_offers(struct blk_server *s)
{
	unsigned int n = fido_domain_offers(s->domain, BLK_LINK_PREFIX, s->offers, s->offers_max);

	while (n == s->offers_max && n < OFFERS_MAX) {
		unsigned int more = n == 0 ? OFFERS_MIN : 2 * n;
		struct fido_offer *offers = realloc(s->offers, more * sizeof(*offers));

		if (offers == NULL)
			break;
		s->offers = offers;
		s->offers_max = more;
		n = fido_domain_offers(s->domain, BLK_LINK_PREFIX, s->offers, s->offers_max);
	}
	return n;
}

static void
accept_clients(struct blk_server *s)
{
	struct fido_offer *offers;
	bool refused = false;
	unsigned int n;

	if (s->retry_ms != 0 && fido_now_ms() < s->retry_ms)
		return;
	n = look_at_offers(s);
	offers = s->offers;
	for (unsigned int i = 0; i < n; i++) {
		int ret;

		/* Each of its queues is a pair. What offers anything else is no front-end of this version. */
		if (offers[i].ntx == 0 || offers[i].ntx != offers[i].nrx)
			continue;
		ret = accept_client(s, &offers[i]);
		if (ret != 0)
			refuse(s, &offers[i], ret);
		refused |= ret != 0;
	}
	if (refused)
		retry_later(s);
	else
		s->retry_ms = s->retry_after_ms = 0;
}

static bool
all_left(const struct back_client *c)
{
	for (uint16_t i = 0; i < c->queue_count; i++)
		if (!fido_load_acquire(&c->queues[i]->left))
			return false;
	return true;
}

/*
 * Have the workers let go of a client that has gone for good: a front-end makes a link anew each time it opens a volume. So
 * too of one whose rings had no room here: it is a new one that is refused, until there is room.
 */
static void
follow_client(struct back_client *c)
{
	int error = fido_link_error(c->link);

	c->no_room |= error == -ENOSPC || error == -ENOMEM;
	if (c->leaving ||
		(!c->no_room && (fido_link_is_connected(c->link) || fido_link_is_offered(c->link))))
		return;
	if (c->no_room) {
		refuse(c->server, &c->offer, error);
		retry_later(c->server);
	}
	fido_link_close(c->link);
	fido_store_release(&c->leaving, 1);
	wake_workers(c->server);
}

static void
follow_clients(struct blk_server *s)
{
	for (struct back_client **p = &s->clients; *p != NULL;) {
		struct back_client *c = *p;

		follow_client(c);
		if (c->leaving && all_left(c)) {
			*p = c->next;
			s->client_count--;
			if (!c->no_room)
				s->retry_ms = 0;
			client_destroy(c);
			continue;
		}
		p = &c->next;
	}
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
		accept_clients(s);
		follow_clients(s);
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

/* Clients give back what was lent, now that nothing more comes. */
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
		client_destroy(c);
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
