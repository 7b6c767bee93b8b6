/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The xen transport: domains are processes in Xen domains of one machine.
 *
 * Meeting:   dom0 creates the group in xenstore and gives each Xen domain slots
 *            (apps/xen/fido-group). A joining domain claims one of its Xen domain's slots, under
 *            the lock of a folder there (local_folder.h), and publishes itself in xenstore
 *            (xen_store.h). Every member watches xenstore; two that see each other exchange grants
 *            and an event channel (xen_session.h).
 * Memory:    The owner grants pages read-only to each peer (xen_grant.c) and lists the references
 *            in tables that it grants too (xen_table.c). The peer reads the tables and maps the
 *            pages at their gaddr, PROT_READ (xen_view.c).
 * Doorbells: Event channels (xen_bell.c).
 * Death:     Of a process: its kernel clears a byte in a granted page and rings (xen_table.h). Of a
 *            Xen domain: xenstored removes its nodes (xen_store.h). fido_xen_session_ended() checks
 *            both.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <fido/log.h>

#include "domain_private.h"
#include "fork_guard.h"
#include "link_private.h"
#include "local_slot.h"
#include "peer.h"
#include "watcher.h"
#include "xen_bell.h"
#include "xen_session.h"

/* ---- our memory ---- */

static void
xen_export(void *transport)
{
	struct fido_xen *x = transport;

	for (struct fido_xen_session *s = x->sessions; s != NULL; s = s->next)
		fido_xen_session_export(x, s);
}

static void
xen_withdraw(void *transport, uint64_t gaddr, uint64_t len, uint32_t epoch)
{
	struct fido_xen *x = transport;

	for (struct fido_xen_session *s = x->sessions; s != NULL; s = s->next)
		fido_xen_session_withdraw(x, s, gaddr, len, epoch);
}

static int
xen_memory_create(void *transport, size_t size, bool huge, int *fd)
{
	return fido_xen_grants_memory(((struct fido_xen *)transport)->grants, size, huge, fd);
}

static int
xen_memory_seal(void *transport, int fd)
{
	return fido_xen_grants_seal(((struct fido_xen *)transport)->grants, fd);
}

static int
xen_can_export(void *transport, const void *va, struct fido_extent *e)
{
	(void)va;
	(void)e;
	return fido_xen_grants_any_memory(((struct fido_xen *)transport)->grants) ? 0 : -EOPNOTSUPP;
}

/* ---- what peers are told ---- */

/* Publish the slots that we map, so that no domain of any Xen domain claims one of them. */
static void
write_maps(struct fido_xen *x)
{
	const struct fido_domain *d = x->domain;
	char maps[sizeof(x->maps)] = "";
	size_t len = 0;

	for (uint32_t n = 0; n < d->layout.slots; n++)
		if (n != d->slot && d->control->mapped[n].generation != 0)
			len += (size_t)snprintf(maps + len, sizeof(maps) - len, "%s%u:%" PRIu64,
				len != 0 ? " " : "", n, d->control->mapped[n].generation);
	if (strcmp(maps, x->maps) == 0)
		return;
	memcpy(x->maps, maps, sizeof(maps));
	fido_xen_store_write_maps(x->store, d->slot, maps);
}

static void
xen_retry(void *transport)
{
	struct fido_xen *x = transport;

	for (struct fido_xen_session *s = x->sessions; s != NULL; s = s->next)
		fido_xen_session_retry(x, s);
}

static void
xen_notify(void *transport)
{
	struct fido_xen *x = transport;

	for (struct fido_xen_session *s = x->sessions; s != NULL; s = s->next)
		fido_xen_session_notify(x, s);
	write_maps(x);
}

static uint32_t
offer_bell(const struct fido_xen_session *s, struct fido_doorbell *bell,
	const struct fido_link *link, uint16_t i)
{
	int port = fido_xen_bell_offer(bell, (uint64_t)link->index << 16 | i, s->other.domid);

	if (port >= 0)
		return (uint32_t)port;
	fido_log(FIDO_LOG_ERROR,
		"link %s to %s: cannot create an event channel: %s: a queue can only be polled; "
		"raise max_event_channels in this domain's xl configuration",
		link->name, link->peer_name, strerror(-port));
	return FIDO_XEN_NO_PORT;
}

static int
xen_offer_doorbells(void *transport, struct fido_link *link)
{
	struct fido_xen *x = transport;
	struct fido_peer *peer = fido_domain_find_peer(x->domain, link->peer_name);
	struct fido_xen_bells_shm bells = {.nrx = link->nrx, .ntx = link->ntx};
	struct fido_xen_session *s = peer != NULL ? peer->session : NULL;

	if (s == NULL)
		return 0;
	memcpy(bells.link, link->name, sizeof(bells.link));
	for (uint16_t i = 0; i < link->nrx; i++)
		bells.ports[i] = offer_bell(s, link->rxq[i]->bell, link, i);
	for (uint16_t i = 0; i < link->ntx; i++)
		bells.ports[link->nrx + i] =
			offer_bell(s, link->txq[i]->bell, link, FIDO_LINK_QUEUES_MAX + i);
	if (fido_xen_table_set_bells(s->table, link->index, &bells) != 0)
		fido_log(FIDO_LOG_ERROR,
			"link %s to %s: cannot grant a page for its doorbells: it can only be "
			"polled; raise xen-gntalloc's limit, or max_grant_frames in this domain's "
			"xl configuration",
			link->name, link->peer_name);
	fido_xen_session_notify(x, s);
	return 0;
}

/* ---- the control thread ---- */

static int
see_member(void *arg, const struct fido_xen_member *m)
{
	struct fido_xen *x = arg;
	struct fido_xen_session *s;

	if (m->generation == x->domain->generation && m->slot == x->domain->slot)
		return 0;
	for (s = x->sessions; s != NULL; s = s->next)
		if (s->other.slot == m->slot && s->other.generation == m->generation) {
			s->listed = true;
			return 0;
		}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->other = *m;
	s->listed = true;
	s->port = FIDO_XEN_NO_PORT;
	s->next = x->sessions;
	x->sessions = s;
	return 0;
}

static void
look_who_is_there(struct fido_xen *x)
{
	for (struct fido_xen_session *s = x->sessions; s != NULL; s = s->next)
		s->listed = false;
	fido_xen_store_each(x->store, see_member, x);
}

static bool
step_all(struct fido_xen *x)
{
	struct fido_xen_session **p = &x->sessions;
	bool waiting = false;

	while (*p != NULL) {
		struct fido_xen_session *s = *p;

		if (fido_xen_session_ended(s)) {
			*p = s->next;
			fido_xen_session_end(x, s);
			continue;
		}
		waiting |= fido_xen_session_step(x, s);
		p = &s->next;
	}
	return waiting;
}

static void
take_events(struct fido_xen *x)
{
	int port;

	while ((port = xenevtchn_pending(x->events)) >= 0)
		xenevtchn_unmask(x->events, (evtchn_port_t)port);
}

static bool
xen_process(void *transport)
{
	struct fido_xen *x = transport;
	bool waiting;

	fido_local_slot_moved(x->slot_fd);
	take_events(x);
	x->look |= fido_xen_store_changed(x->store);
	if (x->look)
		look_who_is_there(x);
	waiting = step_all(x);
	x->look = false;
	return waiting;
}

static int
xen_fd(void *transport)
{
	return ((struct fido_xen *)transport)->epoll_fd;
}

/* ---- join and leave ---- */

static int
ask_name(void *arg, const struct fido_xen_member *m)
{
	const struct fido_domain *d = arg;

	if (strcmp(m->name, d->name) != 0)
		return 0;
	fido_log(FIDO_LOG_ERROR,
		"group xen:%s: there is a domain %s already, in Xen domain %u: choose another name "
		"(domain=NAME), or stop that one (if it was killed, the next process that joins "
		"there cleans up)",
		d->group, d->name, m->domid);
	return -EEXIST;
}

/* Remove from xenstore what dead processes of this Xen domain left there. */
static void
clean_up(struct fido_xen *x, uint32_t first, uint32_t last)
{
	for (uint32_t n = first; n <= last; n++) {
		struct fido_local_owner owner;

		if (fido_local_slot_owner(&x->local, n, &owner))
			continue;
		fido_local_slot_free(&x->local, n);
		fido_xen_store_withdraw(x->store, n);
	}
}

static int
claim_slot(struct fido_xen *x, uint32_t first, uint32_t last)
{
	struct fido_domain *d = x->domain;

	for (uint32_t n = first; n <= last && n < d->layout.slots; n++) {
		if (fido_xen_store_is_mapped(x->store, n))
			continue;
		x->slot_fd = fido_local_slot_claim(&x->local, n, d->name, d->generation);
		if (x->slot_fd == -EEXIST)
			continue;
		if (x->slot_fd < 0)
			fido_log(FIDO_LOG_ERROR,
				"cannot write %s/slot.%u: %s: free some space there, or make the "
				"folder writable for this user",
				x->local.dir, n, strerror(-x->slot_fd));
		d->slot = n;
		return x->slot_fd < 0 ? x->slot_fd : 0;
	}
	fido_log(FIDO_LOG_ERROR,
		"group xen:%s: all slots of this Xen domain (%u to %u) are taken, or other domains "
		"still map memory of their previous owners: stop a domain, or give it more slots "
		"(fido-group create --slots-per-domain N)",
		d->group, first, last);
	return -ENOSPC;
}

/* Claim a slot. The lock of this Xen domain's own folder is held. */
static int
claim(struct fido_xen *x)
{
	uint32_t first, last;
	int ret = fido_xen_store_layout(x->store, &x->domain->layout);

	if (ret != 0)
		return ret;
	if (!fido_xen_store_slots(x->store, fido_xen_store_domid(x->store), &first, &last)) {
		fido_log(FIDO_LOG_ERROR,
			"group xen:%s: this Xen domain (%u) is not a member: in dom0: fido-group "
			"add %s %u",
			x->domain->group, fido_xen_store_domid(x->store), x->domain->group,
			fido_xen_store_domid(x->store));
		return -EACCES;
	}
	clean_up(x, first, last);
	ret = fido_xen_store_each(x->store, ask_name, x->domain);
	return ret != 0 ? ret : claim_slot(x, first, last);
}

static int
watch(int epoll_fd, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

static int
open_devices(struct fido_xen *x)
{
	unsigned int other = UINT32_MAX;
	const char *group = x->domain->group;
	int ret;

	if (fido_xen_store_others(x->store, &other) != 1)
		other = UINT32_MAX;
	ret = fido_xen_grants_open(group, other, &x->grants);
	if (ret != 0)
		return ret;
	x->events = xenevtchn_open(NULL, 0);
	if (x->events == NULL || fcntl(xenevtchn_fd(x->events), F_SETFL, O_NONBLOCK) != 0) {
		ret = -errno;
		fido_log(FIDO_LOG_ERROR,
			"group xen:%s: cannot open /dev/xen/evtchn: %s: modprobe xen-evtchn, and "
			"run as root",
			group, strerror(-ret));
		return ret;
	}
	return watch(x->epoll_fd, xenevtchn_fd(x->events));
}

static void
xen_free(struct fido_xen *x)
{
	fido_local_folder_unlock(&x->local);
	fido_fork_close(x->slot_fd);
	if (x->events != NULL)
		xenevtchn_close(x->events);
	fido_xen_grants_close(x->grants);
	fido_xen_store_close(x->store);
	if (x->epoll_fd >= 0)
		close(x->epoll_fd);
	free(x);
}

static int
xen_join(struct fido_domain *d, void **transport)
{
	struct fido_xen *x = calloc(1, sizeof(*x));
	char folder[FIDO_NAME_MAX + 4];
	int ret;

	if (x == NULL)
		return -ENOMEM;
	x->domain = d;
	x->slot_fd = x->local.lock_fd = -1;
	x->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ret = x->epoll_fd < 0 ? -errno : fido_xen_store_open(d->group, &x->store);
	if (ret == 0)
		ret = open_devices(x);
	snprintf(folder, sizeof(folder), "xen.%s", d->group);
	if (ret == 0)
		ret = fido_local_folder_open(&x->local, folder, true);
	if (ret == 0)
		ret = fido_local_folder_lock(&x->local);
	if (ret != 0)
		goto err_free;
	ret = claim(x);
	if (ret != 0)
		goto err_remove;
	*transport = x;
	return 0; /* The folder stays locked until start() or leave(). */

err_remove:
	fido_local_folder_remove_if_empty(&x->local);
err_free:
	xen_free(x);
	return ret;
}

static int
xen_start(void *transport)
{
	struct fido_xen *x = transport;
	struct fido_domain *d = x->domain;
	int ret = fido_xen_store_watch(x->store);

	if (ret == 0)
		ret = watch(x->epoll_fd, fido_xen_store_fd(x->store));
	if (ret == 0)
		ret = fido_xen_store_publish(x->store, d->slot, d->name, d->generation);
	if (ret != 0)
		return ret;
	x->started = x->look = true;
	fido_local_folder_unlock(&x->local);
	return 0;
}

static void
xen_leave(void *transport, bool clean)
{
	struct fido_xen *x = transport;
	struct fido_xen_session *s;

	for (s = x->sessions; s != NULL; s = s->next)
		fido_xen_session_leave(x, s, clean);
	if (x->started)
		fido_xen_store_withdraw(x->store, x->domain->slot);
	while ((s = x->sessions) != NULL) {
		x->sessions = s->next;
		fido_xen_session_free(x, s);
	}
	if (x->local.lock_fd < 0)
		fido_local_folder_lock(&x->local);
	fido_fork_close(x->slot_fd);
	x->slot_fd = -1;
	fido_local_folder_remove_if_empty(&x->local);
	xen_free(x);
}

static const char *
xen_memory_advice(int error)
{
	return error == -ENOSPC ? "see doc/xen.md for the limits of grants" : NULL;
}

const struct fido_transport_ops fido_transport_xen = {
	.name = "xen",
	.join = xen_join,
	.start = xen_start,
	.leave = xen_leave,
	.memory_create = xen_memory_create,
	.memory_seal = xen_memory_seal,
	.can_export = xen_can_export,
	.export = xen_export,
	.withdraw = xen_withdraw,
	.retry = xen_retry,
	.memory_advice = xen_memory_advice,
	.notify = xen_notify,
	.offer_doorbells = xen_offer_doorbells,
	.doorbell_create = fido_xen_bell_create,
	.fd = xen_fd,
	.process = xen_process,
	.observe = fido_xen_observe_all,
	.observe_end = fido_watcher_observation_end,
};
