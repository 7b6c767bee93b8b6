/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive and handle the messages of other domains. Every field is checked before use. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fido/log.h>

#include "bells.h"
#include "domain_private.h"
#include "host_bell.h"
#include "host_private.h"
#include "local_slot.h"
#include "memfile.h"
#include "peer.h"

/* Messages to read from one session before the others get their turn. */
#define READ_MAX 64

/* ---- who it is ---- */

static void
on_refuse(struct host *h, uint64_t reason)
{
	const struct fido_domain *d = h->domain;

	if (reason == FIDO_HOST_REASON_ACCESS)
		fido_log(FIDO_LOG_ERROR,
			"group %s: a domain refused %s: user %u is not on its list: add it there "
			"(allow=), or run %s as another user",
			d->group, d->name, (unsigned int)geteuid(), d->name);
	else
		fido_log(FIDO_LOG_ERROR,
			"group %s: a domain refused %s for a protocol error: use the same version "
			"of Fido in all domains",
			d->group, d->name);
}

/* @return true: a resource is short at the moment, a retry may succeed */
static bool
is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -EAGAIN ||
		err == -ENOLCK;
}

bool
fido_host_has_ended(const struct fido_host_session *s)
{
	return s->owner >= 0 && !fido_local_owner_lives(s->owner);
}

/* Links find their peers by name: no domain may take the name of one that lives. */
static bool
name_taken(struct host *h, const char *name)
{
	char clean[FIDO_NAME_MAX];

	fido_control_name(clean, name);
	for (const struct fido_peer *p = h->domain->peers; p != NULL; p = p->next)
		if (!p->gone && strcmp(p->name, clean) == 0 && !fido_host_has_ended(p->session))
			return true;
	return false;
}

/*
 * Two domains that greet each other at once have two connections: the one that the later generation
 * made stays.
 * @return
 *  - 0: this connection stays
 *  - -ECANCELED: ours stays, this one ends
 *  - -ESTALE: the domain is dead
 *  - -EPROTO: it closed its connection but lives, and made another
 */
static int
crosses(struct host *h, const struct fido_host_hello *hello)
{
	const struct fido_domain *d = h->domain;
	struct fido_host_session *ours = fido_host_greeted(h, hello->slot, hello->generation);

	for (const struct fido_peer *p = d->peers; p != NULL; p = p->next) {
		const struct fido_host_session *s = p->session;

		if (p->gone || p->slot != hello->slot || p->generation != hello->generation)
			continue;
		if (!s->closed)
			return -ECANCELED; /* Sent before the peer gave this connection up. */
		return fido_host_has_ended(s) ? -ESTALE : -EPROTO;
	}
	if (ours == NULL)
		return 0;
	if (d->generation != hello->generation ? d->generation > hello->generation
					       : d->slot > hello->slot)
		return -ECANCELED;
	ours->needless = true;
	fido_host_session_close(h, ours);
	return 0;
}

/*
 * Where several users share a folder, check that a user does not impersonate another's domain.
 * @return true: the process at the other end is the owner's, or root's
 */
static bool
is_owners(const struct host *h, const struct fido_host_session *s, uid_t owner)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	/* Only one user may write there. Skip the check: a container's mount may map user ids. */
	if ((h->group.mode & 022) == 0)
		return true;
	return getsockopt(s->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
		(cred.uid == 0 || cred.uid == owner);
}

/*
 * Identify the domain by its slot's file. Hold the slot before checking that its owner lives:
 * local_slot.h, I2.
 * @return 0, -ESTALE: it is dead, -EPROTO: it is not the one that it claims to be, -errno
 */
static int
find_owner(struct host *h, struct fido_host_session *s, const struct fido_host_hello *hello)
{
	struct fido_local_owner owner;
	char name[FIDO_NAME_MAX];
	struct stat st;
	int ret;

	if (hello->slot >= h->domain->layout.slots || hello->slot == h->domain->slot)
		return -EPROTO;
	ret = fido_local_slot_hold(h->claim.slots, hello->slot);
	if (ret != 0)
		return ret;
	ret = s->owner = fido_local_slot_open(&h->group, hello->slot, hello->generation);
	if (ret < 0)
		return ret;
	fido_local_owner_read(s->owner, &owner);
	fido_control_name(name, hello->name);
	if (fstat(s->owner, &st) != 0 || strcmp(owner.name, name) != 0 ||
		!is_owners(h, s, st.st_uid))
		return -EPROTO;
	return 0;
}

/* Map the peer's control region. @return 0, -ESTALE: it is dead, -errno */
static int
map_peer(struct host *h, struct fido_host_session *s, const struct fido_host_message *m)
{
	const struct fido_host_hello *hello = &m->hello;
	struct fido_fd_map map = {.fd = m->fds[0], .prot = PROT_READ};
	struct fido_peer_info info = {.name = hello->name,
		.slot = hello->slot,
		.generation = hello->generation,
		.control_size = hello->control_size,
		.session = s};

	return fido_domain_peer_arrived(h->domain, &info, fido_map_fd, &map, &s->peer);
}

/* Identify the domain and map its control region. @return 0: it is a peer now, -errno */
static int
meet(struct host *h, struct fido_host_session *s, const struct fido_host_message *m, bool answer)
{
	const struct fido_host_hello *hello = &m->hello;
	int ret = find_owner(h, s, hello);

	if (ret == 0 && answer)
		ret = crosses(h, hello);
	if (ret == 0 && name_taken(h, hello->name))
		ret = -EPROTO;
	if (ret == 0)
		ret = map_peer(h, s, m);
	if (ret == 0)
		return 0;
	if (s->owner >= 0)
		close(s->owner);
	s->owner = -1;
	if (hello->slot < h->domain->layout.slots)
		fido_host_unmapped(h, hello->slot);
	return ret;
}

/* ---- messages that were lost ---- */

/* Log that descriptors were lost or could not be mapped, and ask for them again from retry(). */
static void
lose(struct host *h, struct fido_host_session *s, int err)
{
	if (!s->lost && !s->hello_lost && (s->peer == NULL || !s->peer->map_error_told))
		fido_log(FIDO_LOG_ERROR,
			"group %s: %s cannot take a message of %s: %s; it asks for it again: %s",
			h->domain->group, h->domain->name,
			s->peer != NULL ? s->peer->name : "another domain", strerror(-err),
			fido_memory_advice(h->domain, err));
	s->lost = true;
	fido_domain_retry_later(h->domain);
}

static int
lose_hello(struct host *h, struct fido_host_session *s, int err)
{
	if (s->peer != NULL || s->observes)
		return -EPROTO;
	lose(h, s, err);
	s->hello_lost = true;
	return 0;
}

/* ---- messages ---- */

/*
 * @return 0; else the session ends: -ESTALE (dead), -ECANCELED (another connection stays), -errno
 */
static int
on_hello(struct host *h, struct fido_host_session *s, struct fido_host_message *m, bool answer)
{
	struct fido_domain *d = h->domain;
	const struct fido_host_hello *hello = &m->hello;
	int ret;

	if (s->peer != NULL || s->observes || m->nfds != 1 ||
		hello->layout_base != d->layout.base || hello->slot_shift != d->layout.slot_shift ||
		hello->slots != d->layout.slots ||
		fido_memfile_check(m->fds[0], hello->control_size, true) != 0)
		return -EPROTO;
	if (!answer && (hello->slot != s->slot || hello->generation != s->generation))
		return -EPROTO; /* It is not the domain that we connected to. */
	ret = meet(h, s, m, answer);
	if (is_shortage(ret)) /* Keep the connection: the domain lives and may have mapped us. */
		return lose_hello(h, s, ret);
	if (ret != 0)
		return ret;
	s->slot = hello->slot;
	s->generation = hello->generation;
	s->hello_lost = false;
	if (answer && fido_host_say_hello(h, s) == -EPIPE)
		return 0; /* It closed its end: its BYE may be in the socket. */
	if (fido_host_is_ready(s))
		fido_host_send_memory(h, s);
	d->dirty = true;
	return 0;
}

static int
on_map(struct host *h, struct fido_host_session *s, struct fido_host_message *m)
{
	int ret;

	if (m->map.again)
		fido_domain_peer_export_restarted(s->peer);
	for (int i = 0; i < m->nfds; i++) {
		const struct fido_host_extent *e = &m->map.extents[i];
		struct fido_extent extent = {.gaddr = e->gaddr, .len = e->len};
		struct fido_fd_map map = {.fd = m->fds[i],
			.offset = e->fd_offset,
			.prot = PROT_READ};

		if (e->fd_offset > UINT64_MAX - e->len ||
			fido_memfile_check(m->fds[i], e->fd_offset + e->len, e->sealed != 0) != 0)
			return -EPROTO;
		ret = fido_domain_peer_map(h->domain, s->peer, &extent, fido_map_fd, &map);
		if (ret == -EPROTO)
			return -EPROTO;
		/*
		 * fido_domain_peer_map() records other failures: the owner goes on copying that
		 * memory. It leaves -EAGAIN to the transport.
		 */
		if (ret == -EAGAIN)
			fido_domain_peer_map_failed(h->domain, s->peer, ret);
	}
	if (m->lost)
		fido_domain_peer_map_failed(h->domain, s->peer, -EMFILE);
	/* What we lost before `again` comes after it: asking for that too would never end. */
	s->lost = (s->lost && !m->map.again) || s->peer->map_error != 0;
	fido_domain_peer_epoch(h->domain, s->peer, m->map.epoch, m->map.epoch);
	return 0;
}

static int
on_unmap(struct host *h, struct fido_host_session *s, const struct fido_host_unmap *m)
{
	int ret = fido_domain_peer_unmap(h->domain, s->peer, m->gaddr, m->len);

	if (ret == 0)
		fido_domain_peer_epoch(h->domain, s->peer, (uint32_t)m->sent, (uint32_t)m->epoch);
	return ret;
}

static int
on_bells(struct host *h, struct fido_host_session *s, struct fido_host_message *m)
{
	struct fido_bell_set *set;

	for (int i = 0; i < m->nfds; i++)
		if (!fido_host_bell_valid(m->fds[i]))
			return -EPROTO;
	set = calloc(1, sizeof(*set));
	if (set == NULL)
		return -ENOMEM;
	fido_control_name(set->link, m->bells.link);
	set->nrx = m->bells.nrx;
	set->ntx = m->bells.ntx;
	for (int i = 0; i < m->nfds; i++) {
		struct fido_doorbell *bell;

		/* On old kernels only this flag keeps a ring from blocking (event.h). */
		fcntl(m->fds[i], F_SETFL, O_NONBLOCK);
		bell = fido_host_bell_of_fd(m->fds[i]);
		m->fds[i] = -1;
		if (i < set->nrx)
			set->rx[i] = bell;
		else
			set->tx[i - set->nrx] = bell;
	}
	fido_domain_peer_bells(h->domain, s->peer, set);
	return 0;
}

static int
lose_bells(struct host *h, struct fido_host_session *s)
{
	lose(h, s, -EMFILE);
	return 0;
}

/* The peer lost descriptors. retry() sends them, so asking often costs nothing more. */
static int
on_again(struct host *h, struct fido_host_session *s, const struct fido_host_again *m)
{
	if (m->epoch > h->domain->control->epoch || m->fds == 0)
		return -EPROTO;
	s->fds_max = m->fds < FIDO_HOST_EXTENTS_MAX ? m->fds : FIDO_HOST_EXTENTS_MAX;
	s->hello_due |= m->hello != 0;
	if (s->peer != NULL) {
		s->sent.epoch = (uint32_t)m->epoch;
		s->sent.gaddr = m->epoch != 0 ? UINT64_MAX : 0;
		s->again = s->bells_due = true;
	}
	fido_domain_retry_later(h->domain);
	return 0;
}

static int
on_message(struct host *h, struct fido_host_session *s, struct fido_host_message *m)
{
	switch (m->h.type) {
	case FIDO_HOST_HELLO:
		return m->lost ? lose_hello(h, s, -EMFILE) : on_hello(h, s, m, s->accepted);
	case FIDO_HOST_OBSERVE:
		/* One answer only: it holds a descriptor until it is read. */
		if (s->observes || s->peer != NULL || s->out != NULL)
			return -EPROTO;
		s->observes = true;
		return fido_host_send_hello(h, s);
	case FIDO_HOST_REFUSE:
		s->needless = true;
		on_refuse(h, m->refuse.reason);
		return -EPIPE;
	case FIDO_HOST_AGAIN:
		return on_again(h, s, &m->again);
	default:
		break;
	}
	if (s->peer == NULL)
		return s->hello_lost ? 0
				     : -EPROTO; /* We lost its HELLO: it sends all this again. */
	switch (m->h.type) {
	case FIDO_HOST_MAP:
		return on_map(h, s, m);
	case FIDO_HOST_UNMAP:
		return on_unmap(h, s, &m->unmap);
	case FIDO_HOST_BELLS:
		return m->lost ? lose_bells(h, s) : on_bells(h, s, m);
	case FIDO_HOST_BYE:
		s->said_bye = true;
		s->clean = m->bye.clean == 1;
		return 0;
	default:
		return 0;
	}
}

static void
say_broken(const struct host *h, const struct fido_host_session *s, unsigned int version)
{
	const struct fido_domain *d = h->domain;

	if (version == FIDO_LAYOUT_VERSION || version == 0)
		fido_log(FIDO_LOG_ERROR,
			"group %s: %s: %s sent an invalid message: connection closed%s", d->group,
			d->name,
			s->peer != NULL ? s->peer->name : "a process that is not a peer yet",
			s->peer != NULL ? "; restart it" : "");
	else
		fido_log(FIDO_LOG_ERROR,
			"group %s: %s: a peer broke the protocol (its version %u, ours %u): "
			"connection closed; use the same version of Fido in all domains",
			d->group, d->name, version, FIDO_LAYOUT_VERSION);
}

/* Read at most READ_MAX messages: one that never stops sending must not starve the others. */
void
fido_host_session_read(struct host *h, struct fido_host_session *s)
{
	struct fido_host_message m;
	unsigned int version;
	int ret;

	for (int i = 0; i < READ_MAX && !s->closed; i++) {
		ret = fido_host_receive(s->fd, &m, &version);
		if (ret == 0)
			return;
		if (ret == 1) {
			if (m.lost)
				s->fds_taken = m.nfds > 1 ? (unsigned int)m.nfds : 1;
			ret = on_message(h, s, &m);
			fido_host_message_close(&m);
		}
		if (ret == -EPROTO) {
			if (s->peer != NULL || fido_host_may_say(h))
				say_broken(h, s, version);
			fido_host_refuse(s, FIDO_HOST_REASON_PROTOCOL);
		}
		if (ret == -ESTALE)
			fido_log(FIDO_LOG_INFO,
				"group %s: %s: a domain exited right after it joined",
				h->domain->group, h->domain->name);
		if (ret < 0)
			fido_host_session_close(h, s);
	}
}
