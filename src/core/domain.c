/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain: join, leave, and the control thread. Peers are in peer.c. The file is long because
 * joining and leaving undo each other step by step, failures included, and so are kept side by
 * side.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <fido/log.h>

#include "domain_private.h"
#include "link_private.h"
#include "own_slot.h"
#include "peer.h"
#include "recall.h"
#include "sigbus.h"
#include "withdraw.h"

#define CONTROL_SIZE_DEFAULT (8u << 20)
#define CONTROL_SIZE_MAX (1u << 30)
/*
 * How soon an operation that lacked descriptors or memory is tried again. Doubles while it fails.
 */
#define RETRY_MIN_MS 100u
#define RETRY_MAX_MS 3200u
/* How often the control thread polls while something waits to be collected. */
#define COLLECT_MS 2
/* How long leaving waits for buffers to be given back, in both directions. */
#define LEAVE_WAIT_MS 1000

static uint64_t
new_generation(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void
fido_domain_kick(struct fido_domain *d)
{
	uint64_t one = 1;
	ssize_t n = write(d->wake_fd, &one, sizeof(one));

	(void)n; /* A full counter wakes the thread too. */
}

void
fido_domain_retry_later(struct fido_domain *d)
{
	uint64_t now = fido_now_ns();

	if (d->retry_ns != 0)
		return;
	if (d->retry_ms == 0 || now - d->retried_ns > 3 * RETRY_MAX_MS * UINT64_C(1000000))
		d->retry_ms = RETRY_MIN_MS;
	else if (d->retry_ms < RETRY_MAX_MS)
		d->retry_ms *= 2;
	d->retry_ns = now + d->retry_ms * UINT64_C(1000000);
	fido_domain_kick(d); /* The control thread may be sleeping without a timeout. */
}

/* Have the transport try again if that is due. @return ms until the next try; -1: none */
static int
retry(struct fido_domain *d)
{
	uint64_t now;

	if (d->retry_ns == 0)
		return -1;
	now = fido_now_ns();
	if (now < d->retry_ns)
		return (int)((d->retry_ns - now) / 1000000 + 1);
	d->retry_ns = 0;
	d->retried_ns = now;
	if (d->ops->retry != NULL)
		d->ops->retry(d->transport);
	return d->retry_ns != 0 ? (int)d->retry_ms : -1;
}

static void
control_init(struct fido_domain *d)
{
	struct fido_control_shm *c = d->control;
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	c->version = FIDO_LAYOUT_VERSION;
	c->generation = d->generation;
	c->layout_base = d->layout.base;
	c->slot_shift = d->layout.slot_shift;
	c->slots = d->layout.slots;
	c->slot = d->slot;
	c->pid = (uint32_t)getpid();
	c->control_size = d->control_size;
	c->start_time_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	memcpy(c->name, d->name, sizeof(c->name));
	c->epoch = FIDO_EPOCH_FIRST;
	c->mapped[d->slot].generation = d->generation;
	c->mapped[d->slot].epoch = FIDO_EPOCH_FIRST;
	c->mapped[d->slot].withdrawn = FIDO_EPOCH_FIRST;
	c->regions[0].gaddr = (uintptr_t)c;
	c->regions[0].len = d->control_size;
	c->regions[0].exported = d->control_size;
	c->regions[0].page_size = FIDO_HEAP_PAGE;
	fido_map_set(&d->map, (uintptr_t)c, d->control_size);
	/* R8: pairs with A8 in fido_control_check(). The block is written before its magic. */
	fido_store_release(&c->magic, FIDO_CONTROL_MAGIC);
}

uint32_t
fido_domain_next_epoch(struct fido_domain *d)
{
	uint64_t epoch = d->control->epoch + 1;

	fido_store_release(&d->control->epoch, epoch);
	fido_store_release(&d->control->mapped[d->slot].epoch, epoch);
	fido_store_release(&d->control->mapped[d->slot].withdrawn, epoch);
	return (uint32_t)epoch;
}

/* Call the event functions of links that came up or went down. The lock is not held. */
static void
report_events(struct fido_domain *d)
{
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++) {
		fido_link_event_fn fn = NULL;
		void *arg = NULL;
		bool up = false;
		struct fido_link *link;

		pthread_mutex_lock(&d->lock);
		link = d->links[i];
		if (link != NULL && link->up != link->reported_up && !link->destroyed) {
			link->reported_up = up = link->up;
			fn = link->event;
			arg = link->arg;
		}
		d->reporting = fn != NULL ? link : NULL;
		pthread_mutex_unlock(&d->lock);
		if (fn == NULL)
			continue;
		fn(arg, up ? FIDO_LINK_UP : FIDO_LINK_DOWN);
		pthread_mutex_lock(&d->lock);
		d->reporting = NULL;
		pthread_mutex_unlock(&d->lock);
	}
}

static bool
collect(struct fido_domain *d)
{
	bool more = false;

	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++) {
		struct fido_link *link = d->links[i];

		if (link == NULL)
			continue;
		more |= fido_link_collect(link);
		if (link->destroyed && link->tx_rings == NULL && link->rx_rings == NULL)
			fido_link_free(link);
	}
	more |= fido_withdrawals_step(d);
	more |= fido_peers_collect(d);
	return fido_recall_collect(d) || more;
}

static void
report_faults(struct fido_domain *d)
{
	uint64_t count = fido_sigbus_count();

	if (count != d->faults_told)
		fido_log(FIDO_LOG_ERROR,
			"domain %s: memory of a peer was read as zeros %llu times, because its "
			"owner had truncated the file behind it: restart that peer",
			d->name, (unsigned long long)count);
	d->faults_told = count;
}

static void *
control_thread(void *arg)
{
	struct fido_domain *d = arg;
	struct epoll_event ev[2];
	int timeout = 0;

	for (;;) {
		bool stop, waiting;
		int retry_ms;

		epoll_wait(d->epoll_fd, ev, 2, timeout);
		pthread_mutex_lock(&d->lock);
		eventfd_read(d->wake_fd, &(eventfd_t){0});
		waiting = d->ops->process(d->transport);
		d->look_again = d->try_again = false;
		fido_domain_update(d);
		waiting |= collect(d) || d->look_again;
		retry_ms = retry(d);
		if (d->try_again && retry_ms < 0) {
			fido_domain_retry_later(d);
			retry_ms = (int)d->retry_ms;
		}
		timeout = waiting ? COLLECT_MS : retry_ms;
		fido_counter_add(&d->control->heartbeat, 1);
		stop = d->stop;
		pthread_mutex_unlock(&d->lock);
		if (stop)
			return NULL;
		report_events(d);
		report_faults(d);
	}
}

static int
thread_start(struct fido_domain *d)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ret;

	if (epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, d->wake_fd, &ev) != 0 ||
		epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, d->ops->fd(d->transport), &ev) != 0)
		return -errno;
	ret = pthread_create(&d->thread, NULL, control_thread, d);
	if (ret != 0)
		return -ret;
	pthread_setname_np(d->thread, "fido-control");
	d->thread_started = true;
	return 0;
}

static void
thread_stop(struct fido_domain *d)
{
	if (!d->thread_started)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_mutex_unlock(&d->lock);
	fido_domain_kick(d);
	pthread_join(d->thread, NULL);
	d->thread_started = false;
}

static int
config_check(struct fido_domain *d, const struct fido_domain_config *config)
{
	const char *group;

	if (config->group == NULL || config->name == NULL) {
		fido_log(FIDO_LOG_ERROR,
			"cannot join a group: a group name and a domain name are needed, as in "
			"group=demo,domain=fwd");
		return -EINVAL;
	}
	d->ops = fido_transport_find(config->group, &group);
	if (d->ops == NULL) {
		fido_log(FIDO_LOG_ERROR,
			"group %s: no such transport: use NAME, host:NAME, vm:NAME or xen:NAME",
			config->group);
		return -EINVAL;
	}
	if (!fido_name_valid(group) || !fido_name_valid(config->name)) {
		fido_log(FIDO_LOG_ERROR,
			"group '%s', domain '%s': names are 1 to %d of A-Z a-z 0-9 _ . - and do "
			"not start with a dot",
			group, config->name, FIDO_NAME_MAX - 1);
		return -EINVAL;
	}
	snprintf(d->group, sizeof(d->group), "%s", group);
	snprintf(d->name, sizeof(d->name), "%s", config->name);
	d->layout = config->layout;
	d->no_hugepages = config->no_hugepages;
	d->observes = config->observes;
	d->allow = config->allow;
	d->control_size = config->control_size != 0 ? config->control_size : CONTROL_SIZE_DEFAULT;
	if (d->control_size > CONTROL_SIZE_MAX) {
		fido_log(FIDO_LOG_ERROR, "domain %s: control_size %zu is too large: at most %u",
			d->name, d->control_size, CONTROL_SIZE_MAX);
		return -EINVAL;
	}
	d->control_size = fido_granules_up(d->control_size);
	return 0;
}

static void
domain_free(struct fido_domain *d)
{
	if (d->control_fd >= 0)
		close(d->control_fd);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	if (d->epoll_fd >= 0)
		close(d->epoll_fd);
	fido_map_fini(&d->map);
	fido_own_slot_destroy(d);
	free(d->heap_used);
	fido_recall_forget(d);
	fido_extents_free(&d->extents);
	fido_extents_free(&d->pending);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/*
 * Tell the peers and unmap the group's memory, then release the slot, whose addresses are then
 * free.
 */
static void
part(struct fido_domain *d, bool clean)
{
	d->ops->leave(d->transport, clean);
	if (d->ops->release == NULL)
		d->transport = NULL;
	fido_peers_drop(d);
	if (d->slot_reserved) {
		fido_sigbus_disown(fido_layout_slot_base(&d->layout, d->slot));
		fido_slot_release(&d->layout, d->slot);
	}
	if (d->layout_claimed)
		fido_layout_release(&d->layout);
	if (d->ops->release != NULL)
		d->ops->release(d->transport);
}

static int
domain_alloc(struct fido_domain **out, const struct fido_domain_config *config)
{
	struct fido_domain *d = calloc(1, sizeof(*d));
	int ret;

	if (d == NULL)
		return -ENOMEM;
	pthread_mutex_init(&d->lock, NULL);
	d->control_fd = -1;
	d->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	d->generation = new_generation();
	d->faults_told = fido_sigbus_count();
	ret = d->wake_fd < 0 || d->epoll_fd < 0 ? -errno : config_check(d, config);
	if (ret != 0) {
		domain_free(d);
		return ret;
	}
	*out = d;
	return 0;
}

/*
 * Check that the group's layout, now known, can be used in this process, and claim its addresses.
 */
static int
layout_use(struct fido_domain *d)
{
	const struct fido_layout *l = &d->layout;
	int ret = fido_map_init(&d->map, l);

	if (ret == -EINVAL)
		fido_log(FIDO_LOG_ERROR,
			"group %s: the layout (base 0x%llx, %u slots of 2^%u bytes) cannot be "
			"used: give a base that is a multiple of 2 MiB, 2 to %d slots of 2^24 to "
			"2^42 bytes, all below 2^47",
			d->group, (unsigned long long)l->base, l->slots, l->slot_shift,
			FIDO_SLOTS_MAX);
	if (ret != 0)
		return ret;
	if (d->control_size > UINT64_C(1) << l->slot_shift) {
		fido_log(FIDO_LOG_ERROR,
			"domain %s: control_size %zu does not fit in a slot of %llu bytes: use a "
			"smaller one, or create the group with larger slots",
			d->name, d->control_size, 1ull << l->slot_shift);
		return -EINVAL;
	}
	ret = fido_layout_claim(l, d->group);
	d->layout_claimed = ret == 0;
	if (ret == -EBUSY)
		fido_log(FIDO_LOG_ERROR,
			"group %s: its address range (base 0x%llx, %u slots of 2^%u bytes) "
			"overlaps that of another group of this process: create one of the groups "
			"with another base",
			d->group, (unsigned long long)l->base, l->slots, l->slot_shift);
	return ret;
}

int
fido_domain_join(struct fido_domain **out, const struct fido_domain_config *config)
{
	struct fido_domain *d;
	int ret = fido_clock_check();

	if (ret == 0)
		ret = domain_alloc(&d, config);
	if (ret != 0)
		return ret;
	ret = d->ops->join(d, &d->transport);
	if (ret != 0)
		goto err_free;
	ret = layout_use(d);
	if (ret == 0)
		ret = fido_own_slot_create(d);
	if (ret == 0)
		ret = fido_control_region_create(d);
	if (ret != 0)
		goto err_leave;
	control_init(d);
	pthread_mutex_lock(&d->lock);
	ret = d->ops->start(d->transport);
	pthread_mutex_unlock(&d->lock);
	if (ret == 0)
		ret = thread_start(d);
	if (ret != 0)
		goto err_leave;
	d->allow = NULL;
	*out = d;
	return 0;

err_leave:
	part(d, true);
err_free:
	domain_free(d);
	return ret;
}

/* Wait until no ticket is out or held. @return false: LEAVE_WAIT_MS were not enough */
static bool
wait_quiet(struct fido_domain *d)
{
	uint64_t until = fido_now_ns() + LEAVE_WAIT_MS * UINT64_C(1000000);
	bool quiet;

	for (;;) {
		quiet = true;
		pthread_mutex_lock(&d->lock);
		for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
			if (d->links[i] != NULL && !fido_link_quiet(d->links[i]))
				quiet = false;
		pthread_mutex_unlock(&d->lock);
		if (quiet || fido_now_ns() > until)
			return quiet;
		fido_domain_kick(d);
		usleep(1000);
	}
}

void
fido_domain_leave(struct fido_domain *d)
{
	bool clean;

	if (d == NULL)
		return;
	pthread_mutex_lock(&d->lock); /* The control thread frees destroyed links. */
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (d->links[i] != NULL) {
			fido_link_close_locked(d->links[i]);
			d->links[i]->destroyed = true; /* The application reaps no more. */
		}
	pthread_mutex_unlock(&d->lock);
	clean = wait_quiet(d);
	thread_stop(d);
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (d->links[i] != NULL)
			fido_link_free(d->links[i]);
	for (uint32_t i = 0; i < FIDO_REGIONS_MAX; i++)
		fido_region_free(d->regions[i]);
	fido_store_release(&d->control->magic, 0);
	part(d, clean);
	domain_free(d);
}

const char *
fido_domain_name(const struct fido_domain *d)
{
	return d->name;
}

const char *
fido_domain_group(const struct fido_domain *d)
{
	return d->group;
}

uint32_t
fido_domain_slot(const struct fido_domain *d)
{
	return d->slot;
}

uint64_t
fido_domain_generation(const struct fido_domain *d)
{
	return d->generation;
}

const struct fido_map *
fido_domain_map(const struct fido_domain *d)
{
	return &d->map;
}

const struct fido_layout *
fido_domain_layout(const struct fido_domain *d)
{
	return &d->layout;
}
