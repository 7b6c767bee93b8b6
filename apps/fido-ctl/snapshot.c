/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "snapshot.h"

#define NS_PER_S UINT64_C(1000000000)

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static enum ctl_state
state_of(const struct fido_observation *o)
{
	struct pollfd p = {.fd = o->socket, .events = POLLRDHUP};

	if (o->control == NULL)
		return CTL_SILENT;
	if (poll(&p, 1, 0) > 0 || fido_control_check(o->control, o->size) != 0)
		return CTL_GONE;
	return CTL_ALIVE;
}

/* ---- queues ---- */

static void
read_counters(const struct fido_observation *o, uint64_t gaddr, struct ctl_queue *q)
{
	const uint64_t *shared;

	gaddr += q->index * sizeof(q->counter);
	shared = fido_observation_ptr(o, gaddr, sizeof(q->counter));
	if (shared == NULL || (uintptr_t)shared % sizeof(uint64_t) != 0)
		return;
	/*
	 * Read backwards: `reaped` before `posted`, `completed` before `polled`, so that their
	 * differences are never negative.
	 */
	for (unsigned int i = CTL_COUNTERS; i-- > 0;)
		q->counter[i] = fido_load_acquire(&shared[i]);
	q->readable = true;
}

static uint32_t
ring_size(const struct fido_queue_ref_shm *ref)
{
	return ref->gaddr != 0 && fido_ring_size_valid(ref->size) ? ref->size : 0;
}

/*
 * Return the largest of the peer's rings first, first + step, ..., which one receive queue reads.
 */
static uint32_t
largest_ring(const struct fido_link_shm *rec, uint16_t first, uint16_t step)
{
	uint32_t largest = 0;

	for (uint32_t i = first; i < FIDO_LINK_QUEUES_MAX; i += step)
		if (ring_size(&rec->rx[i]) > largest)
			largest = ring_size(&rec->rx[i]);
	return largest;
}

static int
read_queues(const struct fido_observation *o, const struct fido_link_shm *rec,
	struct ctl_link *link)
{
	uint16_t n = link->ntx + link->nrx;

	if (n == 0)
		return 0;
	link->queues = calloc(n, sizeof(*link->queues));
	if (link->queues == NULL)
		return -ENOMEM;
	for (uint16_t i = 0; i < n; i++) {
		struct ctl_queue *q = &link->queues[i];

		q->tx = i < link->ntx;
		q->index = q->tx ? i : i - link->ntx;
		q->ring_size =
			q->tx ? ring_size(&rec->tx[i]) : largest_ring(rec, q->index, link->nrx);
		read_counters(o, q->tx ? rec->tx_stats : rec->rx_stats, q);
	}
	return 0;
}

/* ---- links ---- */

static int
read_link(const struct fido_observation *o, uint32_t index, struct ctl_link *link)
{
	const struct fido_link_shm *shared = &o->control->links[index];
	struct fido_link_shm rec;

	link->index = index;
	if (!fido_control_read_link(shared, &rec)) {
		link->torn = true;
		fido_control_name(link->peer, shared->peer);
		fido_control_name(link->name, shared->name);
		return 0;
	}
	fido_control_name(link->peer, rec.peer);
	fido_control_name(link->name, rec.name);
	link->state = rec.state;
	link->quiesced = rec.quiesced != 0;
	link->incarnation = rec.incarnation;
	link->peer_generation = rec.peer_generation;
	link->peer_incarnation = rec.peer_incarnation;
	link->stranded = rec.stranded;
	link->ntx = rec.ntx <= FIDO_LINK_QUEUES_MAX ? rec.ntx : 0;
	link->nrx = rec.nrx <= FIDO_LINK_QUEUES_MAX ? rec.nrx : 0;
	for (uint16_t i = 0; i < link->ntx; i++)
		if (ring_size(&rec.tx[i]) > link->tx_ring_size)
			link->tx_ring_size = ring_size(&rec.tx[i]);
	for (uint16_t i = 0; i < FIDO_LINK_QUEUES_MAX; i++)
		link->rx_rings += ring_size(&rec.rx[i]) != 0;
	link->rx_ring_size = largest_ring(&rec, 0, 1);
	return read_queues(o, &rec, link);
}

static int
read_links(const struct fido_observation *o, struct ctl_domain *d)
{
	int ret = 0;

	d->links = calloc(FIDO_DOMAIN_LINKS_MAX, sizeof(*d->links));
	if (d->links == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX && ret == 0; i++) {
		struct ctl_link *link = &d->links[d->link_count];

		if (fido_load_relaxed(&o->control->links[i].state) == FIDO_LINK_UNUSED)
			continue;
		ret = read_link(o, i, link);
		/* The link may have been destroyed meanwhile. */
		if (link->torn || link->state != FIDO_LINK_UNUSED) {
			d->link_count++;
		} else {
			free(link->queues);
			memset(link, 0, sizeof(*link));
		}
	}
	return ret;
}

/* ---- domains ---- */

static void
read_memory(const struct fido_control_shm *c, struct ctl_domain *d)
{
	for (uint32_t i = 0; i < FIDO_REGIONS_MAX; i++) {
		struct fido_region_shm *r = &d->regions[i];

		r->gaddr = fido_load_acquire(&c->regions[i].gaddr);
		if (r->gaddr == 0)
			continue;
		r->len = fido_load_relaxed(&c->regions[i].len);
		r->exported = fido_load_relaxed(&c->regions[i].exported);
		r->page_size = fido_load_relaxed(&c->regions[i].page_size);
		r->arena = fido_load_relaxed(&c->regions[i].arena) != 0;
		d->exported += r->exported;
		d->arena += r->arena ? r->exported : 0;
	}
	for (uint32_t i = 0; i < FIDO_SLOTS_MAX; i++) {
		struct fido_mapped_shm *m = &d->mapped_by_slot[i];

		m->generation = fido_load_acquire(&c->mapped[i].generation);
		m->epoch = fido_load_relaxed(&c->mapped[i].epoch);
		m->bytes = fido_load_relaxed(&c->mapped[i].bytes);
		/* The entry of its own slot holds its epoch, not a mapping. */
		if (m->generation == 0 || i == d->slot) {
			*m = (struct fido_mapped_shm){0};
			continue;
		}
		d->mapped += m->bytes;
		d->mapped_domains++;
	}
}

static int
read_domain(const struct fido_observation *o, struct ctl_domain *d)
{
	const struct fido_control_shm *c = o->control;
	uint64_t now = clock_ns(CLOCK_REALTIME);
	int ret;

	/* The name of its socket is authoritative. */
	fido_control_name(d->name, o->name);
	d->state = state_of(o);
	d->read_ns = clock_ns(CLOCK_MONOTONIC);
	if (c == NULL) {
		d->still_ns = o->moved_ns != 0 && o->moved_ns < now ? now - o->moved_ns : 0;
		return 0;
	}
	d->known = true;
	d->slot = fido_load_relaxed(&c->slot);
	d->generation = fido_load_relaxed(&c->generation);
	d->pid = fido_load_relaxed(&c->pid);
	d->start_ns = fido_load_relaxed(&c->start_time_ns);
	d->uptime_ns = d->start_ns < now ? now - d->start_ns : 0;
	d->epoch = fido_load_relaxed(&c->epoch);
	d->heartbeat = fido_load_relaxed(&c->heartbeat);
	d->control_size = o->size;
	d->version = fido_load_relaxed(&c->version);
	d->layout.base = fido_load_relaxed(&c->layout_base);
	d->layout.slot_shift = fido_load_relaxed(&c->slot_shift);
	d->layout.slots = fido_load_relaxed(&c->slots);
	read_memory(c, d);
	ret = read_links(o, d);
	return ret != 0 ? ret : ctl_volumes_read(&d->volumes, o);
}

int
ctl_snapshot_take(struct ctl_snapshot **out, const struct fido_observer *o)
{
	struct ctl_snapshot *s = calloc(1, sizeof(*s));
	unsigned int n = fido_observer_count(o);
	int ret = 0;

	if (s == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < n && i < FIDO_SLOTS_MAX && ret == 0; i++)
		ret = read_domain(fido_observer_domain(o, i), &s->domains[s->domain_count++]);
	s->time_ns = clock_ns(CLOCK_MONOTONIC);
	if (ret != 0) {
		ctl_snapshot_destroy(s);
		return ret;
	}
	*out = s;
	return 0;
}

void
ctl_snapshot_destroy(struct ctl_snapshot *s)
{
	if (s == NULL)
		return;
	for (unsigned int i = 0; i < s->domain_count; i++) {
		struct ctl_domain *d = &s->domains[i];

		/* The domain may be incomplete: reading it may have failed. */
		for (unsigned int k = 0; d->links != NULL && k < FIDO_DOMAIN_LINKS_MAX; k++)
			free(d->links[k].queues);
		free(d->links);
		ctl_volumes_free(&d->volumes);
	}
	free(s);
}

const struct ctl_domain *
ctl_snapshot_find(const struct ctl_snapshot *s, const char *name)
{
	for (unsigned int i = 0; i < s->domain_count; i++)
		if (strcmp(s->domains[i].name, name) == 0)
			return &s->domains[i];
	return NULL;
}

double
ctl_snapshot_seconds(const struct ctl_snapshot *before, const struct ctl_snapshot *now)
{
	return (double)(now->time_ns - before->time_ns) / 1e9;
}

/* FNV-1a, by words. */
static void
mix(uint64_t *hash, uint64_t value)
{
	*hash = (*hash ^ value) * UINT64_C(0x100000001b3);
}

uint64_t
ctl_snapshot_members(const struct ctl_snapshot *s)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (unsigned int i = 0; i < s->domain_count; i++) {
		const struct ctl_domain *d = &s->domains[i];

		for (size_t k = 0; d->name[k] != '\0'; k++)
			mix(&hash, (unsigned char)d->name[k]);
		mix(&hash, d->state);
		mix(&hash, d->generation);
		for (unsigned int k = 0; k < FIDO_SLOTS_MAX; k++)
			mix(&hash, d->mapped_by_slot[k].generation);
	}
	return hash;
}

const char *
ctl_state_name(enum ctl_state state)
{
	static const char *const names[] = {"alive", "not answering", "gone"};

	return names[state];
}

const char *
ctl_link_state_name(const struct ctl_link *link)
{
	static const char *const names[] = {"unused", "closed", "offered", "bound", "connected"};

	if (link->torn)
		return "changing";
	if (link->state > FIDO_LINK_CONNECTED)
		return "unknown";
	if (link->state == FIDO_LINK_CONNECTED && link->quiesced)
		return "quiesced";
	return names[link->state];
}

bool
ctl_queue_kept(const struct ctl_queue *q, uint64_t *kept)
{
	uint64_t taken = q->counter[q->tx ? offsetof(struct fido_tx_stats_shm, posted) / 8
					  : offsetof(struct fido_rx_stats_shm, polled) / 8];
	uint64_t returned = q->counter[q->tx ? offsetof(struct fido_tx_stats_shm, reaped) / 8
					     : offsetof(struct fido_rx_stats_shm, completed) / 8];

	*kept = taken > returned ? taken - returned : 0;
	return q->readable;
}

bool
ctl_link_kept(const struct ctl_link *link, bool tx, uint64_t *kept)
{
	bool readable = !link->torn;

	*kept = 0;
	for (uint32_t i = 0; i < (uint32_t)link->ntx + link->nrx; i++) {
		uint64_t one;

		if (link->queues[i].tx != tx)
			continue;
		readable &= ctl_queue_kept(&link->queues[i], &one);
		*kept += one;
	}
	return readable;
}
