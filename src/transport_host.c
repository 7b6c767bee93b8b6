/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host transport: domains are processes (or containers that share a folder) of one machine. Memory is
 * memfds, doorbells are eventfds, both passed over a Unix socket; death is known by the lock on the slot's
 * file, which the kernel releases when the process has ended (host_slot.h).
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "doorbell_private.h"
#include "domain_private.h"
#include "fork_guard.h"
#include "host_bell.h"
#include "host_memory.h"
#include "host_observe.h"
#include "host_private.h"
#include "host_slot.h"
#include "link_private.h"
#include "log_private.h"

/* Messages of one session that are read before the others have their turn. */
#define READ_MAX 64

/* It has our HELLO, or will have it before what is sent now. */
static bool
is_ready(const struct fido_host_session *s)
{
	return s->peer != NULL && !s->hello_due && !s->closed;
}

/*
 * Our control thread sends what a peer had no room for. It may sleep without end: if this is another thread, or it has looked for
 * what is queued already.
 */
static void
have_sent(struct host *h, const struct fido_host_session *s)
{
	if (s->out != NULL || s->deaf)
		fido_domain_kick(h->domain);
}

static int
host_offer_doorbells(void *transport, struct fido_link *link)
{
	struct host *h = transport;
	struct fido_peer *peer = fido_domain_find_peer(h->domain, link->peer_name);
	struct fido_host_bells msg = {.nrx = link->nrx, .ntx = link->ntx};
	int fds[FIDO_HOST_FDS_MAX];
	int n = 0, ret;

	if (peer == NULL || peer->session == NULL || ((struct fido_host_session *)peer->session)->closed)
		return 0;
	for (uint16_t i = 0; i < link->nrx; i++)
		fds[n++] = link->rxq[i]->bell->fd;
	for (uint16_t i = 0; i < link->ntx; i++)
		fds[n++] = link->txq[i]->bell->fd;
	memcpy(msg.link, link->name, sizeof(msg.link));
	if (!is_ready(peer->session)) {
		((struct fido_host_session *)peer->session)->bells_due = true;
		fido_domain_retry_later(h->domain);
		return 0;
	}
	ret = fido_host_send(peer->session, FIDO_HOST_BELLS, &msg, sizeof(msg), fds, n, false);
	have_sent(h, peer->session);
	/* One that does not read, or has gone, is seen elsewhere. */
	return ret == -EPIPE || ret == -ENOBUFS ? 0 : ret;
}

/* ---- memory ---- */

static int
send_map(struct fido_host_session *s, const struct fido_extent *extents, size_t n, uint32_t epoch)
{
	struct fido_host_map msg = {.epoch = epoch, .count = (uint16_t)n, .again = s->again};
	size_t len = offsetof(struct fido_host_map, extents) + n * sizeof(msg.extents[0]);
	int fds[FIDO_HOST_EXTENTS_MAX];
	int ret;

	for (size_t i = 0; i < n; i++) {
		const struct fido_extent *e = &extents[i];

		fds[i] = e->fd;
		msg.extents[i] = (struct fido_host_extent){e->gaddr, e->len, e->fd_offset, e->sealed};
	}
	ret = fido_host_send(s, FIDO_HOST_MAP, &msg, len, fds, (int)n, true);
	if (ret == 0)
		s->again = false;
	return ret;
}

/* Without a way to open it anew for reading only, peers could write to it. Arenas are sealed. */
static int
host_can_export(void *transport, int fd)
{
	struct host *h = transport;
	int ret = fido_host_can_share(fd);

	if (ret != 0 && !h->cannot_share)
		fido_log(FIDO_LOG_WARNING, "group %s: %s cannot give its memory to others for reading only (open /proc/self/fd/%d: %s): packets there are copied: mount /proc in this container or chroot, or keep packets in arenas (pools=arena)",
				h->domain->group, h->domain->name, fd, strerror(-ret));
	h->cannot_share |= ret != 0;
	return ret != 0 ? -EOPNOTSUPP : 0;
}

/*
 * Send a peer what it has not got of our memory. What the socket does not take now is sent from sweep(). Who has asked for it again is told
 * also that there is nothing.
 */
static void
send_memory(struct host *h, struct fido_host_session *s)
{
	struct fido_domain *d = h->domain;
	size_t max = s->fds_max;
	int ret = 0;

	while (ret == 0 && s->out == NULL && (fido_unsent(d, &s->sent) || s->again)) {
		struct fido_extent extents[FIDO_HOST_EXTENTS_MAX];
		struct fido_sent after;
		size_t n = fido_unsent_next(d, &s->sent, extents, max, &after);

		ret = send_map(s, extents, n, fido_sent_epoch(&after));
		if (ret == 0) {
			s->sent = after;
		} else if (ret == -EMFILE && n > 1) {
			max = 1; /* One at a time needs one descriptor. */
			ret = 0;
		}
	}
	if (ret != 0 && ret != -EPIPE && !s->deaf)
		fido_sent_failed(d, &s->sent, s->peer->name, ret);
	else if (!fido_unsent(d, &s->sent))
		fido_sent_all(d, &s->sent, s->peer->name);
}

static void
host_export(void *transport)
{
	struct host *h = transport;

	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next) {
		if (!is_ready(s) || s->sent.error != 0)
			continue;
		send_memory(h, s);
		have_sent(h, s);
	}
}

static void
host_withdraw(void *transport, uint64_t gaddr, uint64_t len, uint32_t epoch)
{
	struct host *h = transport;

	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next) {
		struct fido_host_unmap msg = {.gaddr = gaddr, .len = len, .epoch = epoch};

		if (!is_ready(s))
			continue;
		fido_sent_withdrawal(&s->sent, epoch);
		msg.sent = fido_sent_epoch(&s->sent);
		fido_host_send(s, FIDO_HOST_UNMAP, &msg, sizeof(msg), NULL, 0, false);
		have_sent(h, s);
	}
}

static void
host_notify(void *transport)
{
	struct host *h = transport;

	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next) {
		struct fido_host_header msg;

		if (!is_ready(s))
			continue;
		fido_host_send(s, FIDO_HOST_CHANGED, &msg, sizeof(msg), NULL, 0, false);
		have_sent(h, s);
	}
}

/* ---- sessions ---- */

static int
send_hello(struct host *h, struct fido_host_session *s)
{
	struct fido_domain *d = h->domain;
	struct fido_host_hello msg = {.layout_base = d->layout.base, .slot_shift = d->layout.slot_shift,
		.slots = d->layout.slots, .generation = d->generation, .control_size = d->control_size,
		.slot = d->slot};

	memcpy(msg.name, d->name, sizeof(msg.name));
	return fido_host_send(s, FIDO_HOST_HELLO, &msg, sizeof(msg), &d->control_fd, 1, true);
}

/* Like send_hello(); what fails for want of descriptors or memory is tried again. @return 0, -EPIPE */
int
fido_host_say_hello(struct host *h, struct fido_host_session *s)
{
	int ret = send_hello(h, s);

	s->hello_due = ret != 0 && ret != -EPIPE;
	if (!s->hello_due) {
		h->mute &= ret != 0;
		return ret;
	}
	if (!h->mute)
		fido_log(FIDO_LOG_ERROR, "group %s: %s cannot say hello to another domain: %s: it is tried again: %s",
				h->domain->group, h->domain->name, strerror(-ret), fido_memory_advice(ret));
	h->mute = true;
	fido_domain_retry_later(h->domain);
	return 0;
}

struct fido_host_session *
fido_host_add_session(struct host *h, int fd)
{
	struct fido_host_session *s = fido_host_session_create(fd);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};

	if (s == NULL)
		return NULL;
	if (epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
		fido_host_session_destroy(s);
		return NULL;
	}
	s->next = h->sessions;
	h->sessions = s;
	return s;
}

void
fido_host_refuse(struct fido_host_session *s, enum fido_host_reason reason)
{
	struct fido_host_refuse msg = {.reason = reason};

	fido_host_send(s, FIDO_HOST_REFUSE, &msg, sizeof(msg), NULL, 0, false);
}

static void
on_refuse(struct host *h, uint64_t reason)
{
	const struct fido_domain *d = h->domain;

	if (reason == FIDO_HOST_REASON_ACCESS)
		fido_log(FIDO_LOG_ERROR, "group %s: a domain refused %s: user %u is not on its list: add it there (allow=), or run %s as another user",
				d->group, d->name, (unsigned int)geteuid(), d->name);
	else
		fido_log(FIDO_LOG_ERROR, "group %s: a domain refused %s: use the same version of Fido in all domains",
				d->group, d->name);
}

/* @return true: there is too little of something just now */
static bool
is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -EAGAIN || err == -ENOLCK;
}

/* @return true when certain: what a session's domain is, has ended */
static bool
has_ended(const struct fido_host_session *s)
{
	return s->owner >= 0 && !fido_host_owner_lives(s->owner);
}

/* Names are how links find their peers: nobody may take that of another who lives. */
static bool
name_taken(struct host *h, const char *name)
{
	char clean[FIDO_NAME_MAX];

	fido_control_name(clean, name);
	for (const struct fido_peer *p = h->domain->peers; p != NULL; p = p->next)
		if (!p->gone && strcmp(p->name, clean) == 0 && !has_ended(p->session))
			return true;
	return false;
}

static void
host_unmapped(void *transport, uint32_t slot)
{
	struct host *h = transport;

	for (const struct fido_peer *p = h->domain->peers; p != NULL; p = p->next)
		if (p->slot == slot)
			return;
	if (slot != h->domain->slot)
		fido_host_slot_let_go(h->claim.slots, slot);
}

/*
 * Two domains that greet each other at once have two connections: that of the later generation stays.
 * @return 0, -ECANCELED: ours is that; this one ends. -ESTALE: it has ended, -EPROTO: it has ended its connection, and makes another
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
			return -ECANCELED; /* It was sent before theirs gave way to ours. */
		return has_ended(s) ? -ESTALE : -EPROTO;
	}
	if (ours == NULL)
		return 0;
	if (d->generation != hello->generation ? d->generation > hello->generation : d->slot > hello->slot)
		return -ECANCELED;
	ours->needless = true;
	fido_host_session_close(h, ours);
	return 0;
}

/* Where several users share a folder, nobody may say that he is a domain of another's. @return true: it is that user's */
static bool
is_owners(const struct host *h, const struct fido_host_session *s, uid_t owner)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	/* Where one user only may write, nobody else comes in; and ids of files may be mapped (mounts of containers). */
	if ((h->group.mode & 022) == 0)
		return true;
	return getsockopt(s->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && (cred.uid == 0 || cred.uid == owner);
}

/*
 * Find out who it is: its slot's file says so. First the slot is held, then its owner is seen to live: host_slot.h, I2.
 * @return 0, -ESTALE: it has ended, -EPROTO: it is another, -errno
 */
static int
find_owner(struct host *h, struct fido_host_session *s, const struct fido_host_hello *hello)
{
	struct fido_host_owner owner;
	char name[FIDO_NAME_MAX];
	struct stat st;
	int ret;

	if (hello->slot >= h->domain->layout.slots || hello->slot == h->domain->slot)
		return -EPROTO;
	ret = fido_host_slot_hold(h->claim.slots, hello->slot);
	if (ret != 0)
		return ret;
	ret = s->owner = fido_host_slot_open(&h->group, hello->slot, hello->generation);
	if (ret < 0)
		return ret;
	fido_host_owner_read(s->owner, &owner);
	fido_control_name(name, hello->name);
	if (fstat(s->owner, &st) != 0 || strcmp(owner.name, name) != 0 || !is_owners(h, s, st.st_uid))
		return -EPROTO;
	return 0;
}

/* Map the peer's control region. @return 0, -ESTALE: it has ended, -errno */
static int
map_peer(struct host *h, struct fido_host_session *s, const struct fido_host_message *m)
{
	const struct fido_host_hello *hello = &m->hello;
	struct fido_fd_map map = {.fd = m->fds[0], .prot = PROT_READ};
	struct fido_peer_info info = {.name = hello->name, .slot = hello->slot, .generation = hello->generation,
		.control_size = hello->control_size, .session = s};

	return fido_domain_peer_came(h->domain, &info, fido_map_fd, &map, &s->peer);
}

/* @return 0: it is a peer now, -errno */
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
		host_unmapped(h, hello->slot);
	return ret;
}

/* ---- what could not be taken ---- */

static void
lose(struct host *h, struct fido_host_session *s, int err)
{
	if (!s->lost && !s->hello_lost && (s->peer == NULL || !s->peer->lacks_told))
		fido_log(FIDO_LOG_ERROR, "group %s: %s cannot take what %s sent: %s: it is asked again: %s", h->domain->group,
				h->domain->name, s->peer != NULL ? s->peer->name : "another domain", strerror(-err),
				fido_memory_advice(err));
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

/* @return 0, -ESTALE (it has ended), -ECANCELED (there is another connection with it), or -errno: the session ends */
static int
on_hello(struct host *h, struct fido_host_session *s, struct fido_host_message *m, bool answer)
{
	struct fido_domain *d = h->domain;
	const struct fido_host_hello *hello = &m->hello;
	int ret;

	if (s->peer != NULL || s->observes || m->nfds != 1 || hello->layout_base != d->layout.base ||
			hello->slot_shift != d->layout.slot_shift || hello->slots != d->layout.slots ||
			fido_host_memory_check(m->fds[0], hello->control_size, true) != 0)
		return -EPROTO;
	if (!answer && (hello->slot != s->slot || hello->generation != s->generation))
		return -EPROTO; /* It is another than the one that has this name. */
	ret = meet(h, s, m, answer);
	if (is_shortage(ret)) /* To end the connection would part two that live: it has mapped us, perhaps. */
		return lose_hello(h, s, ret);
	if (ret != 0)
		return ret;
	s->slot = hello->slot;
	s->generation = hello->generation;
	s->hello_lost = false;
	if (answer && fido_host_say_hello(h, s) == -EPIPE)
		return 0; /* It has ended its part already: there may be its BYE to be read. */
	if (is_ready(s))
		send_memory(h, s);
	d->dirty = true;
	return 0;
}

static int
on_map(struct host *h, struct fido_host_session *s, struct fido_host_message *m)
{
	int ret;

	if (m->map.again)
		fido_domain_peer_again(s->peer);
	for (int i = 0; i < m->nfds; i++) {
		const struct fido_host_extent *e = &m->map.extents[i];
		struct fido_extent extent = {.gaddr = e->gaddr, .len = e->len};
		struct fido_fd_map map = {.fd = m->fds[i], .offset = e->fd_offset, .prot = PROT_READ};

		if (e->fd_offset > UINT64_MAX - e->len ||
				fido_host_memory_check(m->fds[i], e->fd_offset + e->len, e->sealed != 0) != 0)
			return -EPROTO;
		ret = fido_domain_peer_map(h->domain, s->peer, &extent, fido_map_fd, &map);
		if (ret == -EPROTO)
			return -EPROTO;
		/* Any other failure is remembered: the owner goes on copying, others are not harmed. */
		if (ret != 0)
			fido_domain_peer_lacks(h->domain, s->peer, ret);
	}
	if (m->lost)
		fido_domain_peer_lacks(h->domain, s->peer, -EMFILE);
	/* What was lost before it began again comes again: to ask for that as well would have no end. */
	s->lost = (s->lost && !m->map.again) || s->peer->lacks != 0;
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

		/* For kernels that know no other way to ring without blocking (event.h). */
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

/* Ask for everything that we lack. */
static void
ask_again(struct host *h, struct fido_host_session *s)
{
	struct fido_host_again msg = {.fds = s->fds_taken, .hello = s->peer == NULL};

	if (s->peer != NULL)
		msg.epoch = h->domain->control->mapped[s->slot].epoch;
	s->lost = fido_host_send(s, FIDO_HOST_AGAIN, &msg, sizeof(msg), NULL, 0, false) != 0 && !s->deaf;
	s->since_ns = fido_now_ns();
	have_sent(h, s);
	if (s->lost)
		fido_domain_retry_later(h->domain);
}

static void
offer_all_doorbells(struct host *h, struct fido_host_session *s)
{
	s->bells_due = false;
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++) {
		struct fido_link *link = h->domain->links[i];

		if (link != NULL && link->state >= FIDO_LINK_OFFERED && strcmp(link->peer_name, s->peer->name) == 0)
			s->bells_due |= host_offer_doorbells(h, link) != 0;
	}
	if (s->bells_due)
		fido_domain_retry_later(h->domain);
}

/* The peer lost descriptors. It is sent them from retry(), however often it asks. */
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

static void
host_retry(void *transport)
{
	struct host *h = transport;

	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next) {
		if (s->closed)
			continue;
		if (s->lost)
			ask_again(h, s);
		/* One that does not read may ask as often as it likes: that takes no more descriptors. */
		if (s->out != NULL && (s->hello_due || s->bells_due))
			fido_domain_retry_later(h->domain);
		if (s->hello_due && s->out == NULL)
			fido_host_say_hello(h, s);
		if (is_ready(s)) {
			s->sent.error = 0; /* What the socket does not take now is sent from sweep(). */
			send_memory(h, s);
			if (s->bells_due && s->out == NULL)
				offer_all_doorbells(h, s);
			else if (s->bells_due)
				fido_domain_retry_later(h->domain);
		}
		have_sent(h, s);
	}
}

static int
on_message(struct host *h, struct fido_host_session *s, struct fido_host_message *m)
{
	switch (m->h.type) {
	case FIDO_HOST_HELLO:
		return m->lost ? lose_hello(h, s, -EMFILE) : on_hello(h, s, m, s->accepted);
	case FIDO_HOST_OBSERVE:
		/* Each answer takes a descriptor until it is read. */
		if (s->observes || s->peer != NULL || s->out != NULL)
			return -EPROTO;
		s->observes = true;
		return send_hello(h, s);
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
		return s->hello_lost ? 0 : -EPROTO; /* Its HELLO was lost: all of this comes again. */
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

void
fido_host_session_close(struct host *h, struct fido_host_session *s)
{
	epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	shutdown(s->fd, SHUT_RDWR);
	s->closed = true;
}

static void
say_broken(const struct host *h, const struct fido_host_session *s, unsigned int version)
{
	const struct fido_domain *d = h->domain;

	if (version == FIDO_LAYOUT_VERSION || version == 0)
		fido_log(FIDO_LOG_ERROR, "group %s: %s: %s sent what is no message of Fido's, or contradicts others: connection closed%s",
				d->group, d->name, s->peer != NULL ? s->peer->name : "a process that is no peer yet",
				s->peer != NULL ? "; restart it" : "");
	else
		fido_log(FIDO_LOG_ERROR, "group %s: %s: a peer broke the protocol (its version %u, ours %u): connection closed; use the same version of Fido in all domains",
				d->group, d->name, version, FIDO_LAYOUT_VERSION);
}

/* Not all there is: one that never stops talking must not keep us from the others. */
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
			fido_log(FIDO_LOG_INFO, "group %s: %s: a domain that has just joined has ended already", h->domain->group,
					h->domain->name);
		if (ret < 0)
			fido_host_session_close(h, s);
	}
}

/* The socket's end is not proof of death: the lock on the slot's file is. @return true: certain */
static bool
is_dead(const struct fido_host_session *s)
{
	return s->said_bye || has_ended(s);
}

static void
drop_deaf(struct host *h, struct fido_host_session *s)
{
	fido_log(FIDO_LOG_ERROR, "group %s: %s: %s does not read its messages: connection closed; restart it",
			h->domain->group, h->domain->name, s->peer != NULL ? s->peer->name : "a stranger");
	fido_host_session_close(h, s);
}

static bool
sweep(struct host *h)
{
	struct fido_host_session **p = &h->sessions;
	bool waiting = false;

	while (*p != NULL) {
		struct fido_host_session *s = *p;

		if (!s->closed) {
			waiting |= !fido_host_flush(s);
			if (is_ready(s) && s->sent.error == 0)
				send_memory(h, s);
			if (s->deaf)
				drop_deaf(h, s);
			p = &s->next;
		} else if (s->peer != NULL && !is_dead(s)) {
			waiting = true;
			p = &s->next;
		} else {
			if (s->peer != NULL)
				fido_domain_peer_gone(h->domain, s->peer, s->clean);
			else if (!s->accepted && !s->needless)
				fido_host_greet_again(h, s);
			*p = s->next;
			fido_host_session_destroy(s);
		}
	}
	return waiting;
}

static void
wake_at(struct host *h, uint64_t ns)
{
	struct itimerspec t = {.it_value = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)}};

	timerfd_settime(h->timer_fd, TFD_TIMER_ABSTIME, &t, NULL); /* 0: not at all */
}

/* What is to be done at some time. */
static void
in_time(struct host *h)
{
	uint64_t now = fido_now_ns(), next = 0;
	uint64_t (*const steps[])(struct host *h, uint64_t now) = {fido_host_folder_step, fido_host_greet_step,
		fido_host_door_step};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint64_t at = steps[i](h, now);

		if (at != 0 && (next == 0 || at < next))
			next = at;
	}
	wake_at(h, next);
}

/* What was done in time may have closed connections, or queued messages. */
static bool
is_unfinished(const struct host *h)
{
	for (const struct fido_host_session *s = h->sessions; s != NULL; s = s->next)
		if (s->closed ? s->peer == NULL : s->out != NULL || s->deaf)
			return true;
	return false;
}

static bool
host_process(void *transport)
{
	struct host *h = transport;
	struct epoll_event ev[32];
	int n = epoll_wait(h->epoll_fd, ev, 32, 0);
	bool waiting;

	fido_host_slot_moved(h->claim.slot);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == NULL)
			fido_host_accept(h);
		else if (ev[i].data.ptr == &h->watch_fd)
			fido_host_watch_read(h);
		else if (ev[i].data.ptr != &h->timer_fd)
			fido_host_session_read(h, ev[i].data.ptr);
	}
	waiting = sweep(h);
	in_time(h);
	return waiting || is_unfinished(h) || n == 32;
}

static int
host_fd(void *transport)
{
	return ((struct host *)transport)->epoll_fd;
}

/* ---- join and leave ---- */

static void
host_free(struct host *h)
{
	if (h->timer_fd >= 0)
		close(h->timer_fd);
	if (h->epoll_fd >= 0)
		close(h->epoll_fd);
	free(h);
}

static int
host_alloc(struct host **out, struct fido_domain *d)
{
	struct host *h = calloc(1, sizeof(*h));
	struct epoll_event ev = {.events = EPOLLIN};
	int err;

	if (h == NULL)
		return -ENOMEM;
	h->domain = d;
	h->group.lock_fd = h->claim.slots = h->claim.slot = h->listen_fd = h->watch_fd = -1;
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	h->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	ev.data.ptr = &h->timer_fd;
	fido_host_door_init(h);
	*out = h;
	if (h->timer_fd >= 0 && epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, h->timer_fd, &ev) == 0)
		return 0;
	err = errno;
	fido_log(FIDO_LOG_ERROR, "group %s: %s cannot join: %s: raise the limit of open files (ulimit -n)", d->group, d->name,
			strerror(err));
	host_free(h);
	return -err;
}

static int
host_join(struct fido_domain *d, void **transport)
{
	struct host *h;
	int ret = host_alloc(&h, d);

	if (ret != 0)
		return ret;
	ret = fido_host_access_parse(&h->access, d->allow);
	if (ret == 0)
		ret = fido_host_group_open(&h->group, d->group, true);
	if (ret == 0)
		ret = fido_host_enter(h);
	if (ret != 0) {
		host_free(h);
		return ret;
	}
	*transport = h;
	return 0;
}

static int
host_start(void *transport)
{
	struct host *h = transport;
	int ret = fido_host_appear(h);

	if (ret != 0)
		return ret;
	fido_host_greet_all(h);
	in_time(h);
	return 0;
}

static void
host_leave(void *transport, bool clean)
{
	struct host *h = transport;
	struct fido_host_session *s;

	while ((s = h->sessions) != NULL) {
		struct fido_host_bye msg = {.clean = clean};

		h->sessions = s->next;
		if (!s->closed && (s->peer != NULL || !s->accepted)) /* Who has not answered may have mapped us. */
			fido_host_send(s, FIDO_HOST_BYE, &msg, sizeof(msg), NULL, 0, false);
		fido_host_session_destroy(s);
	}
	fido_host_greet_none(h);
	fido_host_disappear(h);
}

static void
host_release(void *transport)
{
	struct host *h = transport;

	fido_host_claim_end(&h->group, h->domain, &h->claim);
	fido_host_group_tidy(&h->group);
	host_free(h);
}

const struct fido_transport_ops fido_transport_host = {
	.name = "host",
	.join = host_join,
	.start = host_start,
	.leave = host_leave,
	.release = host_release,
	.unmapped = host_unmapped,
	.memory_create = fido_host_memory_create,
	.memory_seal = fido_host_memory_seal,
	.can_export = host_can_export,
	.export = host_export,
	.withdraw = host_withdraw,
	.retry = host_retry,
	.notify = host_notify,
	.offer_doorbells = host_offer_doorbells,
	.doorbell_create = fido_host_bell_create,
	.fd = host_fd,
	.process = host_process,
	.observe = fido_host_observe_all,
	.observe_end = fido_host_observation_end,
};
