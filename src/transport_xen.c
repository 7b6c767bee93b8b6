/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The xen transport: domains are processes of Xen domains of one machine. Memory is granted page by page, read-only,
 * doorbells are event channels, xenstore says who is there.
 *
 *   lower slot                                   higher slot
 *     domain/<slot> in xenstore    <----->         domain/<slot>          each sees the other's
 *     makes a root, a port         ------>         to/ with root and port
 *                                  <------         binds it, makes a root: to/ with root
 *     maps the other's root        <----->         maps the other's root
 *     grants its memory to it: epoch, then an event on the port, in both directions, at any time
 *     left = ..., an event         <----->         a clean end
 *
 * Certain knowledge of death: a process's kernel clears `alive` in its roots when the process ends (xen_table.h); a Xen
 * domain's end is the toolstack's word (@releaseDomain, and the domain's folder in xenstore is gone: it does not run any more).
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include <xenevtchn.h>

#include "domain_private.h"
#include "host_group.h"
#include "link_private.h"
#include "log_private.h"
#include "xen_bell.h"
#include "xen_grant.h"
#include "xen_observe.h"
#include "xen_store.h"
#include "xen_table.h"

#define NO_PORT UINT32_MAX

/* Another domain of the group, from when it was seen in xenstore until it has ended. */
struct session {
	struct session *next;
	struct fido_xen_member other;
	bool listed;                  /* xenstore still names this generation */
	bool local;                   /* it lives in this process */
	bool granted;                 /* our memory is in the table */
	bool stuck;                   /* some of it could not be granted: the epoch stays */
	bool refused;                 /* it broke the protocol, or we lack something: only its end is waited for */
	uint32_t port;
	struct fido_xen_table *table; /* ours, for it */
	struct fido_xen_view *view;   /* its, for us */
	struct fido_peer *peer;
	uint32_t epoch;               /* of its, that is mapped here */
	uint64_t clock;
};

struct xen {
	struct fido_domain *domain;
	struct fido_xen_store *store;
	struct fido_xen_grants *grants;
	xenevtchn_handle *events;     /* the sessions' ports */
	int epoll_fd;
	struct fido_host_group local; /* processes of this Xen domain: who has which slot */
	int slot_fd;
	struct session *sessions;
	bool started;
	bool look;                    /* read xenstore again */
	char maps[FIDO_SLOTS_MAX * 24];
};

/* The same in all domains of this process, and in no other process. */
static uint64_t
this_process(void)
{
	static uint64_t id;
	uint64_t fresh = 0, none = 0;

	if (fido_load_relaxed(&id) == 0) {
		if (getrandom(&fresh, sizeof(fresh), 0) != sizeof(fresh))
			fresh = (uint64_t)getpid() << 32 | (uint32_t)fido_now_ns();
		__atomic_compare_exchange_n(&id, &none, fresh | 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
	return fido_load_relaxed(&id);
}

static void
session_notify(struct xen *x, struct session *s)
{
	struct fido_xen_root_shm *root;

	if (s->table == NULL || s->port == NO_PORT)
		return;
	root = fido_xen_table_root(s->table, NULL);
	fido_store_relaxed(&root->changes, root->changes + 1);
	xenevtchn_notify(x->events, s->port);
}

/* ---- our memory ---- */

static void
session_grant(struct xen *x, struct session *s, const struct fido_extent *e)
{
	int ret = s->stuck ? 0 : fido_xen_table_add(s->table, s->local ? NULL : x->grants, e);

	if (ret == 0)
		return;
	/* It never learns of an epoch with this memory, so what lies there is copied for it. */
	s->stuck = true;
	fido_log(FIDO_LOG_ERROR, "group xen:%s: %s cannot grant %llu KiB to %s: %s: what is there is copied on its way to it; see doc/xen.md for the limits",
			x->domain->group, x->domain->name, (unsigned long long)(e->len >> 10), s->other.name, strerror(-ret));
}

static void
session_set_epoch(struct xen *x, struct session *s, uint32_t epoch)
{
	/* R19: pairs with A19. The pieces are there before the epoch that they belong to. */
	if (!s->stuck)
		fido_store_release(&fido_xen_table_root(s->table, NULL)->epoch, epoch);
	session_notify(x, s);
}

static void
session_grant_all(struct xen *x, struct session *s)
{
	const struct fido_domain *d = x->domain;
	struct fido_extent control = {.gaddr = (uintptr_t)d->control, .len = d->control_size, .fd = d->control_fd};

	session_grant(x, s, &control);
	for (size_t i = 0; i < d->extent_count; i++)
		session_grant(x, s, &d->extents[i].extent);
	s->granted = true;
	session_set_epoch(x, s, (uint32_t)d->control->epoch);
}

static void
xen_export(void *transport, const struct fido_extent *e, uint32_t epoch)
{
	struct xen *x = transport;

	for (struct session *s = x->sessions; s != NULL; s = s->next)
		if (s->granted) {
			session_grant(x, s, e);
			session_set_epoch(x, s, epoch);
		}
}

static void
xen_withdraw(void *transport, uint64_t gaddr, uint64_t len, uint32_t epoch)
{
	struct xen *x = transport;

	for (struct session *s = x->sessions; s != NULL; s = s->next)
		if (s->granted) {
			fido_xen_table_remove(s->table, x->grants, gaddr, len);
			session_set_epoch(x, s, epoch);
		}
}

static int
xen_memory_create(void *transport, size_t size, bool huge, int *fd)
{
	return fido_xen_grants_memory(((struct xen *)transport)->grants, size, huge, fd);
}

static int
xen_memory_seal(void *transport, int fd)
{
	return fido_xen_grants_seal(((struct xen *)transport)->grants, fd);
}

static bool
xen_any_memory(void *transport)
{
	return fido_xen_grants_any_memory(((struct xen *)transport)->grants);
}

/* ---- what is told ---- */

/* So that nobody takes a slot that we still have mapped, in whatever Xen domain. */
static void
write_maps(struct xen *x)
{
	const struct fido_domain *d = x->domain;
	char maps[sizeof(x->maps)] = "";
	size_t len = 0;

	for (uint32_t n = 0; n < d->layout.slots; n++)
		if (n != d->slot && d->control->mapped[n].generation != 0)
			len += (size_t)snprintf(maps + len, sizeof(maps) - len, "%s%u:%" PRIu64, len != 0 ? " " : "", n,
					d->control->mapped[n].generation);
	if (strcmp(maps, x->maps) == 0)
		return;
	memcpy(x->maps, maps, sizeof(maps));
	fido_xen_store_write_maps(x->store, d->slot, maps);
}

static void
xen_notify(void *transport)
{
	struct xen *x = transport;

	for (struct session *s = x->sessions; s != NULL; s = s->next)
		session_notify(x, s);
	write_maps(x);
}

static uint32_t
offer_bell(const struct session *s, struct fido_doorbell *bell, const struct fido_link *link, uint16_t i)
{
	int port = fido_xen_bell_offer(bell, (uint64_t)link->index << 16 | i, s->other.domid);

	if (port >= 0)
		return (uint32_t)port;
	fido_log(FIDO_LOG_ERROR, "link %s to %s: cannot make an event channel: %s: it can only be polled; raise max_event_channels in this domain's xl configuration",
			link->name, link->peer_name, strerror(-port));
	return NO_PORT;
}

static void
xen_offer_doorbells(void *transport, struct fido_link *link)
{
	struct xen *x = transport;
	struct fido_peer *peer = fido_domain_find_peer(x->domain, link->peer_name);
	struct fido_xen_bells_shm bells = {.nrx = link->nrx, .ntx = link->ntx};
	struct session *s = peer != NULL ? peer->session : NULL;

	if (s == NULL)
		return;
	memcpy(bells.link, link->name, sizeof(bells.link));
	for (uint16_t i = 0; i < link->nrx; i++)
		bells.ports[i] = offer_bell(s, link->rxq[i]->bell, link, i);
	for (uint16_t i = 0; i < link->ntx; i++)
		bells.ports[link->nrx + i] = offer_bell(s, link->txq[i]->bell, link, FIDO_LINK_QUEUES_MAX + i);
	if (fido_xen_table_set_bells(s->table, link->index, &bells) != 0)
		fido_log(FIDO_LOG_ERROR, "link %s to %s: no grant for its doorbells: it can only be polled", link->name,
				link->peer_name);
	session_notify(x, s);
}

/* ---- meeting another domain ---- */

static int
make_root(struct xen *x, struct session *s)
{
	const struct fido_domain *d = x->domain;
	struct fido_xen_root_shm *root;
	int ret = fido_xen_table_create(&s->table, s->other.domid, s->port);

	if (ret != 0)
		return ret;
	root = fido_xen_table_root(s->table, NULL);
	root->version = FIDO_LAYOUT_VERSION;
	root->alive = 1;
	root->generation = d->generation;
	root->to = s->other.generation;
	root->control_size = d->control_size;
	fido_store_release(&root->magic, FIDO_XEN_MAGIC);
	return 0;
}

static int
write_offer(struct xen *x, struct session *s, uint32_t port)
{
	struct fido_xen_offer offer = {.generation = s->other.generation, .process = this_process(),
		.clock = fido_xen_clock(fido_xen_store_domid(x->store)), .port = port};

	fido_xen_table_root(s->table, &offer.root);
	return fido_xen_store_write_offer(x->store, x->domain->slot, s->other.slot, &offer);
}

/* The lower slot's part: a port that the other one can bind. @return 0, -errno */
static int
offer_port(struct xen *x, struct session *s)
{
	int port = xenevtchn_bind_unbound_port(x->events, s->other.domid);
	int ret;

	if (port < 0)
		return -errno;
	s->port = (uint32_t)port;
	ret = make_root(x, s);
	return ret != 0 ? ret : write_offer(x, s, s->port);
}

static int
take_port(struct xen *x, struct session *s, uint32_t theirs)
{
	int port = xenevtchn_bind_interdomain(x->events, s->other.domid, theirs);
	int ret;

	if (port < 0)
		return -errno;
	s->port = (uint32_t)port;
	ret = make_root(x, s);
	return ret != 0 ? ret : write_offer(x, s, NO_PORT);
}

static int
open_view(struct xen *x, struct session *s, const struct fido_xen_offer *offer)
{
	const struct fido_xen_root_shm *root;
	uint32_t version;
	int ret = fido_xen_view_open(&s->view, x->grants, s->other.domid, offer->root, &version);

	if (version != FIDO_LAYOUT_VERSION)
		fido_log(FIDO_LOG_ERROR, "group xen:%s: %s has layout version %u, this libfido %u: use the same version of Fido in all domains",
				x->domain->group, s->other.name, version, FIDO_LAYOUT_VERSION);
	if (ret == -EINVAL)
		return 0; /* No such grant: what stands in xenstore is of one that has just ended. */
	if (ret != 0)
		return ret;
	root = fido_xen_view_root(s->view);
	if (root->generation != s->other.generation || root->to != x->domain->generation)
		return -EPROTO;
	s->local = offer->process == this_process();
	s->clock = offer->clock;
	session_grant_all(x, s);
	return 0;
}

/* As far as xenstore is needed. @return 0, -errno: it cannot be met */
static int
session_meet(struct xen *x, struct session *s)
{
	bool lower = x->domain->slot < s->other.slot;
	struct fido_xen_offer offer;
	int ret = 0;

	if (s->view != NULL)
		return 0;
	if (lower && s->table == NULL)
		ret = offer_port(x, s);
	if (ret != 0 || !fido_xen_store_read_offer(x->store, &s->other, x->domain->slot, &offer) ||
			offer.generation != x->domain->generation)
		return ret;
	if (s->table == NULL)
		ret = take_port(x, s, offer.port);
	return ret != 0 ? ret : open_view(x, s, &offer);
}

/* ---- a peer's memory and bells ---- */

struct arrival {
	struct xen *x;
	struct session *s;
};

static bool
is_control(const struct arrival *a, uint64_t gaddr)
{
	return gaddr - (uintptr_t)a->s->peer->control < a->s->peer->control_size;
}

static int
piece_gone(void *arg, uint64_t gaddr, uint64_t len)
{
	const struct arrival *a = arg;

	return is_control(a, gaddr) ? -EPROTO : fido_domain_peer_unmap(a->x->domain, a->s->peer, gaddr, len);
}

static int
piece_came(void *arg, uint64_t gaddr, uint64_t len)
{
	const struct arrival *a = arg;
	struct fido_extent e = {.gaddr = gaddr, .len = len};
	int ret;

	if (is_control(a, gaddr)) /* mapped already, as a whole */
		return 0;
	ret = fido_domain_peer_map(a->x->domain, a->s->peer, &e, fido_xen_view_map, a->s->view);
	if (ret != 0 && ret != -EPROTO)
		fido_log(FIDO_LOG_ERROR, "cannot map memory of %s: %s: raise max_maptrack_frames in this domain's xl configuration (2 entries a page), or let it export less",
				a->s->peer->name, strerror(-ret));
	return ret;
}

static void
bells_came(void *arg, const struct fido_xen_bells_shm *bells)
{
	const struct arrival *a = arg;
	struct fido_bell_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return;
	fido_control_name(set->link, bells->link);
	set->nrx = bells->nrx;
	set->ntx = bells->ntx;
	for (uint16_t i = 0; i < set->nrx; i++)
		set->rx[i] = fido_xen_bell_bind(a->s->other.domid, bells->ports[i]);
	for (uint16_t i = 0; i < set->ntx; i++)
		set->tx[i] = fido_xen_bell_bind(a->s->other.domid, bells->ports[set->nrx + i]);
	fido_domain_peer_bells(a->x->domain, a->s->peer, set);
}

/* @return 0, -EBUSY: later, -errno: it breaks the protocol, or we lack something */
static int
peer_arrive(struct xen *x, struct session *s)
{
	struct fido_domain *d = x->domain;
	struct fido_peer_info info = {.name = s->other.name, .slot = s->other.slot,
		.generation = s->other.generation, .session = s,
		.control_size = fido_load_relaxed(&fido_xen_view_root(s->view)->control_size),
		.other_clock = !s->local && s->clock != fido_xen_clock(fido_xen_store_domid(x->store))};
	int ret;

	if (fido_domain_find_peer(d, s->other.name) != NULL)
		return -EBUSY; /* Names are how links find their peers: nobody may take that of another who lives. */
	ret = fido_domain_peer_came(d, &info, fido_xen_view_map, s->view, &s->peer);
	if (ret == 0)
		d->dirty = true;
	return ret;
}

static int
peer_refresh(struct xen *x, struct session *s)
{
	struct arrival a = {x, s};
	/* A19: pairs with R19. */
	uint32_t epoch = fido_load_acquire(&fido_xen_view_root(s->view)->epoch);
	int ret = 0;

	if (epoch == 0)
		return 0;
	if (s->peer == NULL)
		ret = peer_arrive(x, s);
	if (ret == 0 && epoch != s->epoch) {
		ret = fido_xen_view_pieces(s->view, piece_gone, piece_came, &a);
		if (ret == 0) {
			s->epoch = epoch;
			fido_domain_peer_epoch(x->domain, s->peer, epoch);
		}
	}
	return ret != 0 ? ret : fido_xen_view_bells(s->view, bells_came, &a);
}

/* ---- ends ---- */

static void
session_free(struct xen *x, struct session *s)
{
	fido_xen_view_close(s->view);
	fido_xen_table_destroy(s->table, x->grants);
	if (s->port != NO_PORT)
		xenevtchn_unbind(x->events, s->port);
	free(s);
}

static enum fido_xen_left
has_left(const struct session *s)
{
	return s->view != NULL ? fido_load_acquire(&fido_xen_view_root(s->view)->left) : FIDO_XEN_STAYS;
}

/* @return true: that generation has certainly ended */
static bool
has_ended(struct xen *x, const struct session *s)
{
	if (!s->listed || has_left(s) != FIDO_XEN_STAYS)
		return true;
	if (s->view != NULL && fido_load_acquire(&fido_xen_view_root(s->view)->alive) == 0)
		return true;
	return x->look && !fido_xen_store_is_alive(x->store, s->other.domid);
}

static void
session_end(struct xen *x, struct session *s)
{
	if (s->peer != NULL)
		fido_domain_peer_gone(x->domain, s->peer, has_left(s) == FIDO_XEN_LEFT_CLEAN);
	fido_xen_store_remove_offer(x->store, x->domain->slot, s->other.slot);
	session_free(x, s);
}

/* ---- the control thread ---- */

static int
see_member(void *arg, const struct fido_xen_member *m)
{
	struct xen *x = arg;
	struct session *s;

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
	s->port = NO_PORT;
	s->next = x->sessions;
	x->sessions = s;
	return 0;
}

static void
look_who_is_there(struct xen *x)
{
	for (struct session *s = x->sessions; s != NULL; s = s->next)
		s->listed = false;
	fido_xen_store_each(x->store, see_member, x);
}

/* @return true: something waits, look again soon */
static bool
session_step(struct xen *x, struct session *s)
{
	int ret = 0;

	if (s->refused)
		return false;
	if (x->look)
		ret = session_meet(x, s);
	if (ret == 0 && s->view != NULL)
		ret = peer_refresh(x, s);
	if (ret == 0 || ret == -EBUSY)
		return ret != 0;
	s->refused = true;
	fido_log(FIDO_LOG_ERROR, "group xen:%s: %s cannot work with %s: %s: restart it (or this one, if it is this one that lacks something)",
			x->domain->group, x->domain->name, s->other.name,
			ret == -EPROTO ? "it broke the protocol" : strerror(-ret));
	return false;
}

static bool
step_all(struct xen *x)
{
	struct session **p = &x->sessions;
	bool waiting = false;

	while (*p != NULL) {
		struct session *s = *p;

		if (has_ended(x, s)) {
			*p = s->next;
			session_end(x, s);
			continue;
		}
		waiting |= session_step(x, s);
		p = &s->next;
	}
	return waiting;
}

static void
take_events(struct xen *x)
{
	int port;

	while ((port = xenevtchn_pending(x->events)) >= 0)
		xenevtchn_unmask(x->events, (evtchn_port_t)port);
}

static bool
xen_process(void *transport)
{
	struct xen *x = transport;
	bool waiting;

	fido_host_slot_moved(x->slot_fd);
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
	return ((struct xen *)transport)->epoll_fd;
}

/* ---- join and leave ---- */

struct name_question {
	const struct fido_domain *d;
	struct fido_xen_store *store;
};

static int
ask_name(void *arg, const struct fido_xen_member *m)
{
	const struct name_question *q = arg;

	if (strcmp(m->name, q->d->name) != 0 || !fido_xen_store_is_alive(q->store, m->domid))
		return 0;
	fido_log(FIDO_LOG_ERROR, "group xen:%s: there is a domain %s already, in Xen domain %u: choose another name (domain=NAME), or stop that one",
			q->d->group, q->d->name, m->domid);
	return -EEXIST;
}

/* What processes that ended have left in xenstore, in the slots of this Xen domain. */
static void
clean_up(struct xen *x, uint32_t first, uint32_t last)
{
	uint64_t generation;

	for (uint32_t n = first; n <= last; n++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/slot.%u", x->local.dir, n);
		if (access(path, F_OK) == 0 && !fido_host_slot_dead(&x->local, n, &generation))
			continue;
		fido_host_slot_free(&x->local, n);
		fido_xen_store_withdraw(x->store, n);
	}
}

static int
claim_slot(struct xen *x, uint32_t first, uint32_t last)
{
	struct fido_domain *d = x->domain;

	for (uint32_t n = first; n <= last && n < d->layout.slots; n++) {
		if (fido_xen_store_is_mapped(x->store, n))
			continue;
		x->slot_fd = fido_host_slot_claim(&x->local, n, d->name, d->generation);
		if (x->slot_fd == -EEXIST)
			continue;
		if (x->slot_fd < 0)
			fido_log(FIDO_LOG_ERROR, "cannot write %s/slot.%u: %s: free some space there, or make the folder writable for this user",
					x->local.dir, n, strerror(-x->slot_fd));
		d->slot = n;
		return x->slot_fd < 0 ? x->slot_fd : 0;
	}
	fido_log(FIDO_LOG_ERROR, "group xen:%s: all slots of this Xen domain (%u to %u) are taken, or what was there before is still mapped by others: stop a domain, or give it more (fido-group create --slots-per-domain N)",
			d->group, first, last);
	return -ENOSPC;
}

/* Under the lock of this Xen domain's own folder. */
static int
claim(struct xen *x)
{
	struct name_question q = {x->domain, x->store};
	uint32_t first, last;
	int ret = fido_xen_store_layout(x->store, &x->domain->layout);

	if (ret != 0)
		return ret;
	if (!fido_xen_store_slots(x->store, fido_xen_store_domid(x->store), &first, &last)) {
		fido_log(FIDO_LOG_ERROR, "group xen:%s: this Xen domain (%u) is not a member: in dom0: fido-group add %s %u",
				x->domain->group, fido_xen_store_domid(x->store), x->domain->group,
				fido_xen_store_domid(x->store));
		return -EACCES;
	}
	clean_up(x, first, last);
	ret = fido_xen_store_each(x->store, ask_name, &q);
	return ret != 0 ? ret : claim_slot(x, first, last);
}

static int
watch(int epoll_fd, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

static int
open_devices(struct xen *x)
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
		fido_log(FIDO_LOG_ERROR, "group xen:%s: cannot open /dev/xen/evtchn: %s: modprobe xen-evtchn, and run as root",
				group, strerror(-ret));
		return ret;
	}
	return watch(x->epoll_fd, xenevtchn_fd(x->events));
}

static void
xen_free(struct xen *x)
{
	fido_host_group_unlock(&x->local);
	if (x->slot_fd >= 0)
		close(x->slot_fd);
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
	struct xen *x = calloc(1, sizeof(*x));
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
		ret = fido_host_group_open(&x->local, folder, true);
	if (ret == 0)
		ret = fido_host_group_lock(&x->local);
	if (ret != 0)
		goto err_free;
	ret = claim(x);
	if (ret != 0)
		goto err_remove;
	*transport = x;
	return 0; /* The folder stays locked until start() or leave(). */

err_remove:
	fido_host_group_remove_if_empty(&x->local);
err_free:
	xen_free(x);
	return ret;
}

static int
xen_start(void *transport)
{
	struct xen *x = transport;
	struct fido_domain *d = x->domain;
	int ret = fido_xen_store_watch(x->store);

	if (ret == 0)
		ret = watch(x->epoll_fd, fido_xen_store_fd(x->store));
	if (ret == 0)
		ret = fido_xen_store_publish(x->store, d->slot, d->name, d->generation);
	if (ret != 0)
		return ret;
	x->started = x->look = true;
	fido_host_group_unlock(&x->local);
	return 0;
}

static void
xen_leave(void *transport, bool clean)
{
	struct xen *x = transport;
	struct session *s;

	for (s = x->sessions; s != NULL; s = s->next)
		if (s->table != NULL) {
			fido_store_release(&fido_xen_table_root(s->table, NULL)->left,
					clean ? FIDO_XEN_LEFT_CLEAN : FIDO_XEN_LEFT);
			session_notify(x, s);
		}
	if (x->started)
		fido_xen_store_withdraw(x->store, x->domain->slot);
	while ((s = x->sessions) != NULL) {
		x->sessions = s->next;
		session_free(x, s);
	}
	if (x->local.lock_fd < 0)
		fido_host_group_lock(&x->local);
	close(x->slot_fd);
	x->slot_fd = -1;
	fido_host_group_remove_if_empty(&x->local);
	xen_free(x);
}

const struct fido_transport_ops fido_transport_xen = {
	.name = "xen",
	.join = xen_join,
	.start = xen_start,
	.leave = xen_leave,
	.memory_create = xen_memory_create,
	.memory_seal = xen_memory_seal,
	.any_memory = xen_any_memory,
	.export = xen_export,
	.withdraw = xen_withdraw,
	.notify = xen_notify,
	.offer_doorbells = xen_offer_doorbells,
	.doorbell_create = fido_xen_bell_create,
	.fd = xen_fd,
	.process = xen_process,
	.observe = fido_xen_observe_all,
	.observe_end = fido_xen_observation_end,
};
