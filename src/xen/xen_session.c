/* SPDX-License-Identifier: BSD-3-Clause */
#include "xen_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <fido/log.h>

#include "bells.h"
#include "domain_private.h"
#include "link_private.h"
#include "peer.h"
#include "sent.h"
#include "xen_bell.h"

/* @return an id of this process: the same for all its domains, and no other process has it */
static uint64_t
this_process(void)
{
	static uint64_t id;
	uint64_t fresh = 0, none = 0;

	if (fido_load_relaxed(&id) == 0) {
		if (getrandom(&fresh, sizeof(fresh), 0) != sizeof(fresh))
			fresh = (uint64_t)getpid() << 32 | (uint32_t)fido_now_ns();
		__atomic_compare_exchange_n(&id, &none, fresh | 1, false, __ATOMIC_RELAXED,
			__ATOMIC_RELAXED);
	}
	return fido_load_relaxed(&id);
}

void
fido_xen_session_notify(struct fido_xen *x, struct fido_xen_session *s)
{
	struct fido_xen_root_shm *root;

	if (s->table == NULL || s->port == FIDO_XEN_NO_PORT)
		return;
	root = fido_xen_table_root(s->table, NULL);
	fido_store_relaxed(&root->changes, root->changes + 1);
	xenevtchn_notify(x->events, s->port);
}

/* ---- our memory ---- */

/* Grant an extent. @return 0, -errno: the table has nothing of it */
static int
grant(struct fido_xen *x, struct fido_xen_session *s, const struct fido_extent *e)
{
	int ret = fido_xen_table_add(s->table, s->local ? NULL : x->grants, e);

	if (ret != 0)
		fido_xen_table_remove(s->table, x->grants, e->gaddr, e->len);
	return ret;
}

static void
set_epoch(struct fido_xen *x, struct fido_xen_session *s)
{
	struct fido_xen_root_shm *root = fido_xen_table_root(s->table, NULL);

	/*
	 * R19: pairs with A19. The pieces are written before `sent` and `epoch`, which announce
	 * them.
	 */
	fido_store_release(&root->sent,
		s->observes ? (uint32_t)x->domain->control->epoch : fido_sent_epoch(&s->sent));
	fido_store_release(&root->epoch, (uint32_t)x->domain->control->epoch);
	fido_xen_session_notify(x, s);
}

/*
 * Grant the memory that the peer lacks. `sent` stays below the epoch of memory that cannot be
 * granted: data there is copied for this peer.
 */
static void
grant_memory(struct fido_xen *x, struct fido_xen_session *s)
{
	int ret = 0;

	while (ret == 0 && !s->observes && fido_unsent(x->domain, &s->sent)) {
		struct fido_extent e;
		struct fido_sent after;

		if (fido_unsent_next(x->domain, &s->sent, &e, 1, &after) != 0)
			ret = grant(x, s, &e);
		if (ret == 0)
			s->sent = after;
	}
	if (ret != 0)
		fido_sent_failed(x->domain, &s->sent, s->other.name, ret);
	else
		fido_sent_all(x->domain, &s->sent, s->other.name);
	set_epoch(x, s);
}

static void
grant_all(struct fido_xen *x, struct fido_xen_session *s)
{
	const struct fido_domain *d = x->domain;
	struct fido_extent control = {.gaddr = (uintptr_t)d->control,
		.len = d->control_size,
		.fd = d->control_fd};
	int ret = grant(x, s, &control);

	if (ret != 0) {
		fido_sent_failed(x->domain, &s->sent, s->other.name, ret);
		return; /* Without our control region it cannot become a peer. */
	}
	s->granted = true;
	s->sent.epoch = FIDO_EPOCH_FIRST;
	s->sent.gaddr = UINT64_MAX;
	grant_memory(x, s);
}

void
fido_xen_session_export(struct fido_xen *x, struct fido_xen_session *s)
{
	if (s->granted) /* Else grant_all() grants it later. */
		grant_memory(x, s);
}

void
fido_xen_session_retry(struct fido_xen *x, struct fido_xen_session *s)
{
	if (s->refused)
		return;
	if (s->granted && s->sent.error != 0)
		grant_memory(x, s);
	if (!s->granted && s->sent.error != 0)
		grant_all(x, s);
	if (s->peer != NULL && s->peer->map_error != 0) {
		s->epoch = 0; /* Check all of its pieces again. */
		if (fido_xen_session_step(x, s))
			fido_domain_retry_later(x->domain);
	}
}

void
fido_xen_session_withdraw(struct fido_xen *x, struct fido_xen_session *s, uint64_t gaddr,
	uint64_t len, uint32_t epoch)
{
	if (!s->granted)
		return;
	if (!s->observes)
		fido_xen_table_remove(s->table, x->grants, gaddr, len);
	fido_sent_withdrawal(&s->sent, epoch);
	set_epoch(x, s);
}

/* ---- meeting another domain ---- */

static int
make_root(struct fido_xen *x, struct fido_xen_session *s)
{
	const struct fido_domain *d = x->domain;
	struct fido_xen_root_shm *root;
	int ret = fido_xen_table_create(&s->table, s->other.domid, s->port);

	if (ret != 0)
		return ret;
	root = fido_xen_table_root(s->table, NULL);
	root->version = FIDO_LAYOUT_VERSION;
	root->alive = 1;
	root->observes = d->observes;
	root->generation = d->generation;
	root->to = s->other.generation;
	root->control_size = d->control_size;
	fido_store_release(&root->magic, FIDO_XEN_MAGIC);
	return 0;
}

static int
write_offer(struct fido_xen *x, struct fido_xen_session *s, uint32_t port)
{
	struct fido_xen_offer offer = {.generation = s->other.generation,
		.process = this_process(),
		.clock = fido_xen_clock(fido_xen_store_domid(x->store)),
		.port = port};

	fido_xen_table_root(s->table, &offer.root);
	return fido_xen_store_write_offer(x->store, x->domain->slot, s->other.slot, &offer);
}

/* The lower slot's part: create a port that the other domain can bind. @return 0, -errno */
static int
offer_port(struct fido_xen *x, struct fido_xen_session *s)
{
	int port = xenevtchn_bind_unbound_port(x->events, s->other.domid);
	int ret;

	if (port < 0)
		return -errno;
	s->port = (uint32_t)port;
	ret = make_root(x, s);
	return ret != 0 ? ret : write_offer(x, s, s->port);
}

/* The higher slot's part: bind the port. @return 0, -errno */
static int
take_port(struct fido_xen *x, struct fido_xen_session *s, uint32_t theirs)
{
	int port = xenevtchn_bind_interdomain(x->events, s->other.domid, theirs);
	int ret;

	if (port < 0)
		return -errno;
	s->port = (uint32_t)port;
	ret = make_root(x, s);
	return ret != 0 ? ret : write_offer(x, s, FIDO_XEN_NO_PORT);
}

static int
open_view(struct fido_xen *x, struct fido_xen_session *s, const struct fido_xen_offer *offer)
{
	const struct fido_xen_root_shm *root;
	uint32_t version;
	int ret = fido_xen_view_open(&s->view, x->grants, s->other.domid, offer->root, &version);

	if (version != FIDO_LAYOUT_VERSION)
		fido_log(FIDO_LOG_ERROR,
			"group xen:%s: %s has layout version %u, this libfido %u: use the same "
			"version of Fido in all domains",
			x->domain->group, s->other.name, version, FIDO_LAYOUT_VERSION);
	if (ret == -EINVAL)
		return 0; /* No such grant: the offer in xenstore is of a domain that just died. */
	if (ret != 0)
		return ret;
	root = fido_xen_view_root(s->view);
	if (root->generation != s->other.generation || root->to != x->domain->generation)
		return -EPROTO;
	s->local = offer->process == this_process();
	s->clock = offer->clock;
	/* No domain sends to an observer: it needs our control region only. */
	s->observes = fido_load_relaxed(&root->observes) != 0;
	grant_all(x, s);
	return 0;
}

/* Exchange offers through xenstore, as far as possible now. @return 0, -errno: it fails for good */
static int
meet(struct fido_xen *x, struct fido_xen_session *s)
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
	struct fido_xen *x;
	struct fido_xen_session *s;
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

	return is_control(a, gaddr) ? -EPROTO
				    : fido_domain_peer_unmap(a->x->domain, a->s->peer, gaddr, len);
}

static int
piece_came(void *arg, uint64_t gaddr, uint64_t len)
{
	const struct arrival *a = arg;
	struct fido_extent e = {.gaddr = gaddr, .len = len};
	bool told = a->s->peer->map_error_told;
	int ret;

	if (is_control(a, gaddr)) /* peer_arrive() mapped all of it. */
		return 0;
	ret = fido_domain_peer_map(a->x->domain, a->s->peer, &e, fido_xen_view_map, a->s->view);
	if (ret != 0 && ret != -EPROTO && ret != -EAGAIN && !told)
		fido_log(FIDO_LOG_ERROR,
			"cannot map memory of %s: %s: raise max_maptrack_frames in this domain's "
			"xl configuration (2 entries a page), or export less memory there",
			a->s->peer->name, strerror(-ret));
	/*
	 * The core records missing memory: its owner copies until fido_xen_session_retry() maps it.
	 */
	return ret == -EPROTO || ret == -EAGAIN ? ret : ret != 0;
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

/*
 * Map the peer's control region.
 * @return 0, -EBUSY: later, -errno: protocol error, or a resource is short
 */
static int
peer_arrive(struct fido_xen *x, struct fido_xen_session *s)
{
	struct fido_domain *d = x->domain;
	struct fido_peer_info info = {.name = s->other.name,
		.slot = s->other.slot,
		.generation = s->other.generation,
		.session = s,
		.observes = s->observes,
		.control_size = fido_load_relaxed(&fido_xen_view_root(s->view)->control_size),
		.other_clock =
			!s->local && s->clock != fido_xen_clock(fido_xen_store_domid(x->store))};
	int ret;

	if (fido_domain_find_peer(d, s->other.name) != NULL)
		return -EBUSY; /* Links find their peers by name: a living domain keeps its own. */
	ret = fido_domain_peer_arrived(d, &info, fido_xen_view_map, s->view, &s->peer);
	if (ret == 0)
		d->dirty = true;
	return ret;
}

static int
peer_refresh(struct fido_xen *x, struct fido_xen_session *s)
{
	struct arrival a = {x, s};
	/* A19: pairs with R19. */
	uint32_t epoch = fido_load_acquire(&fido_xen_view_root(s->view)->epoch);
	uint32_t sent = fido_load_acquire(&fido_xen_view_root(s->view)->sent);
	int ret = 0;

	if (epoch == 0)
		return 0;
	if (s->peer == NULL)
		ret = peer_arrive(x, s);
	if (ret == 0 && epoch != s->epoch) {
		fido_domain_peer_export_restarted(s->peer); /* All missing memory comes again. */
		ret = fido_xen_view_pieces(s->view, piece_gone, piece_came, &a);
		if (ret == 0) {
			s->epoch = epoch;
			fido_domain_peer_epoch(x->domain, s->peer, sent, epoch);
		}
	}
	return ret != 0 ? ret : fido_xen_view_bells(s->view, bells_came, &a);
}

/* ---- stepping ---- */

bool
fido_xen_session_step(struct fido_xen *x, struct fido_xen_session *s)
{
	int ret = 0;

	if (s->refused)
		return false;
	if (x->look)
		ret = meet(x, s);
	if (ret == 0 && s->view != NULL)
		ret = peer_refresh(x, s);
	if (ret == 0 || ret == -EBUSY || ret == -EAGAIN)
		return ret != 0;
	s->refused = true;
	fido_log(FIDO_LOG_ERROR,
		"group xen:%s: %s cannot work with %s: %s: restart it (or this domain, if this one "
		"lacks a resource)",
		x->domain->group, x->domain->name, s->other.name,
		ret == -EPROTO ? "it broke the protocol" : strerror(-ret));
	return false;
}

/* ---- the end of a session ---- */

void
fido_xen_session_free(struct fido_xen *x, struct fido_xen_session *s)
{
	fido_xen_view_close(s->view);
	fido_xen_table_destroy(s->table, x->grants);
	if (s->port != FIDO_XEN_NO_PORT)
		xenevtchn_unbind(x->events, s->port);
	free(s);
}

static enum fido_xen_left
has_left(const struct fido_xen_session *s)
{
	return s->view != NULL ? fido_load_acquire(&fido_xen_view_root(s->view)->left)
			       : FIDO_XEN_STAYS;
}

bool
fido_xen_session_ended(const struct fido_xen_session *s)
{
	if (!s->listed || has_left(s) != FIDO_XEN_STAYS)
		return true;
	return s->view != NULL && fido_load_acquire(&fido_xen_view_root(s->view)->alive) == 0;
}

void
fido_xen_session_end(struct fido_xen *x, struct fido_xen_session *s)
{
	if (s->peer != NULL)
		fido_domain_peer_gone(x->domain, s->peer, has_left(s) == FIDO_XEN_LEFT_CLEAN);
	fido_xen_store_remove_offer(x->store, x->domain->slot, s->other.slot);
	fido_xen_session_free(x, s);
}

void
fido_xen_session_leave(struct fido_xen *x, struct fido_xen_session *s, bool clean)
{
	if (s->table == NULL)
		return;
	fido_store_release(&fido_xen_table_root(s->table, NULL)->left,
		clean ? FIDO_XEN_LEFT_CLEAN : FIDO_XEN_LEFT);
	fido_xen_session_notify(x, s);
}
