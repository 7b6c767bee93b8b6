/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host transport: domains are processes (or containers that share a folder) of one machine. Memory is
 * memfds, doorbells are eventfds, both passed over a Unix socket; death is known by the lock on the slot's
 * file, which the kernel releases when the process has ended.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doorbell_private.h"
#include "domain_private.h"
#include "host_access.h"
#include "host_bell.h"
#include "host_claim.h"
#include "host_group.h"
#include "host_memory.h"
#include "host_observe.h"
#include "host_session.h"
#include "link_private.h"
#include "log_private.h"

/* Messages of one session that are read before the others have their turn. */
#define READ_MAX 64

struct host {
	struct fido_domain *domain;
	struct fido_host_group group;
	struct fido_host_access access;
	struct sockaddr_un address;
	int slot_fd;
	int listen_fd; /* also tells that the socket's file is ours */
	int epoll_fd;
	struct fido_host_session *sessions;
};

static int
host_offer_doorbells(void *transport, struct fido_link *link)
{
	struct host *h = transport;
	struct fido_peer *peer = fido_domain_find_peer(h->domain, link->peer_name);
	struct fido_host_bells msg = {.nrx = link->nrx, .ntx = link->ntx};
	int fds[FIDO_HOST_FDS_MAX];
	int n = 0, ret;

	if (peer == NULL || peer->session == NULL)
		return 0;
	for (uint16_t i = 0; i < link->nrx; i++)
		fds[n++] = link->rxq[i]->bell->fd;
	for (uint16_t i = 0; i < link->ntx; i++)
		fds[n++] = link->txq[i]->bell->fd;
	memcpy(msg.link, link->name, sizeof(msg.link));
	ret = fido_host_send(peer->session, FIDO_HOST_BELLS, &msg, sizeof(msg), fds, n, false);
	/* One that does not read, or has gone, is seen elsewhere. */
	return ret == -EPIPE || ret == -ENOBUFS ? 0 : ret;
}

/* ---- memory ---- */

static int
send_map(struct fido_host_session *s, struct fido_host_map *msg, int *fds, uint32_t epoch, bool complete)
{
	size_t len = offsetof(struct fido_host_map, extents) + msg->count * sizeof(msg->extents[0]);
	int ret;

	msg->epoch = epoch;
	msg->complete = complete;
	ret = fido_host_send(s, FIDO_HOST_MAP, msg, len, fds, msg->count, true);
	if (ret != 0 && ret != -EPIPE)
		fido_log(FIDO_LOG_ERROR, "cannot send memory to a peer: %s: raise the limit of open files (ulimit -n)",
				strerror(-ret));
	msg->count = 0;
	return ret;
}

static void
add_extent(struct fido_host_map *msg, int *fds, const struct fido_extent *e)
{
	fds[msg->count] = e->fd;
	msg->extents[msg->count++] =
			(struct fido_host_extent){e->gaddr, e->len, e->fd_offset, e->sealed};
}

static void
send_all_memory(struct host *h, struct fido_host_session *s)
{
	struct fido_host_map msg = {0};
	int fds[FIDO_HOST_FDS_MAX];
	uint32_t epoch = (uint32_t)h->domain->control->epoch;

	for (size_t i = 0; i < h->domain->extents.count; i++) {
		add_extent(&msg, fds, &h->domain->extents.items[i].extent);
		if (msg.count == FIDO_HOST_EXTENTS_MAX && send_map(s, &msg, fds, epoch, false) != 0)
			return;
	}
	send_map(s, &msg, fds, epoch, true);
}

/* Our control thread sends what a peer had no room for; it sleeps, if this is another thread. */
static void
have_sent(struct host *h, const struct fido_host_session *s)
{
	if (s->out != NULL)
		fido_domain_kick(h->domain);
}

static void
host_export(void *transport, const struct fido_extent *e, uint32_t epoch)
{
	struct host *h = transport;

	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next) {
		struct fido_host_map msg = {0};
		int fds[1];

		if (s->peer == NULL)
			continue;
		add_extent(&msg, fds, e);
		send_map(s, &msg, fds, epoch, true);
		have_sent(h, s);
	}
}

static void
host_withdraw(void *transport, uint64_t gaddr, uint64_t len, uint32_t epoch)
{
	struct host *h = transport;

	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next) {
		struct fido_host_unmap msg = {.gaddr = gaddr, .len = len, .epoch = epoch};

		if (s->peer != NULL)
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

		if (s->peer != NULL)
			fido_host_send(s, FIDO_HOST_CHANGED, &msg, sizeof(msg), NULL, 0, false);
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

static struct fido_host_session *
add_session(struct host *h, int fd)
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

static void
refuse(struct fido_host_session *s, enum fido_host_reason reason)
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

/* Names are how links find their peers: nobody may take that of another who lives. */
static bool
name_taken(struct host *h, const char *name)
{
	char clean[FIDO_NAME_MAX];

	fido_control_name(clean, name);
	for (const struct fido_peer *p = h->domain->peers; p != NULL; p = p->next)
		if (!p->gone && strcmp(p->name, clean) == 0 &&
				fido_host_slot_alive(&h->group, p->slot, p->generation))
			return true;
	return false;
}

/* @return 0, or -errno: the session ends */
static int
on_hello(struct host *h, struct fido_host_session *s, struct fido_host_message *m, bool answer)
{
	struct fido_domain *d = h->domain;
	const struct fido_host_hello *hello = &m->hello;
	struct fido_fd_map map = {.prot = PROT_READ};
	struct fido_peer_info info = {.name = hello->name, .slot = hello->slot, .generation = hello->generation,
		.control_size = hello->control_size, .session = s};
	int ret;

	if (s->peer != NULL || m->nfds != 1 || hello->layout_base != d->layout.base ||
			hello->slot_shift != d->layout.slot_shift || hello->slots != d->layout.slots ||
			fido_host_memory_check(m->fds[0], hello->control_size, true) != 0 ||
			!fido_host_slot_alive(&h->group, hello->slot, hello->generation) ||
			name_taken(h, hello->name))
		return -EPROTO;
	map.fd = m->fds[0];
	ret = fido_domain_peer_came(d, &info, fido_map_fd, &map, &s->peer);
	if (ret != 0)
		return ret;
	s->slot = hello->slot;
	if (answer && send_hello(h, s) != 0)
		return -EPIPE;
	send_all_memory(h, s);
	d->dirty = true;
	return 0;
}

static int
on_map(struct host *h, struct fido_host_session *s, struct fido_host_message *m)
{
	int ret = 0;

	for (int i = 0; i < m->map.count && ret == 0; i++) {
		const struct fido_host_extent *e = &m->map.extents[i];
		struct fido_extent extent = {.gaddr = e->gaddr, .len = e->len};
		struct fido_fd_map map = {.fd = m->fds[i], .offset = e->fd_offset, .prot = PROT_READ};

		if (e->fd_offset > UINT64_MAX - e->len ||
				fido_host_memory_check(m->fds[i], e->fd_offset + e->len, e->sealed != 0) != 0)
			return -EPROTO;
		ret = fido_domain_peer_map(h->domain, s->peer, &extent, fido_map_fd, &map);
	}
	if (ret != 0) {
		/* Without its memory the link cannot come up; the owner goes on copying, others are not harmed. */
		fido_log(FIDO_LOG_ERROR, "cannot map memory of %s: %s: raise vm.max_map_count, or free address space",
				s->peer->name, strerror(-ret));
		return ret == -EPROTO ? ret : 0;
	}
	if (m->map.complete)
		fido_domain_peer_epoch(h->domain, s->peer, m->map.epoch);
	return 0;
}

static int
on_unmap(struct host *h, struct fido_host_session *s, const struct fido_host_unmap *m)
{
	int ret = fido_domain_peer_unmap(h->domain, s->peer, m->gaddr, m->len);

	if (ret == 0)
		fido_domain_peer_epoch(h->domain, s->peer, (uint32_t)m->epoch);
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
on_message(struct host *h, struct fido_host_session *s, struct fido_host_message *m)
{
	switch (m->h.type) {
	case FIDO_HOST_HELLO:
		return on_hello(h, s, m, s->accepted);
	case FIDO_HOST_OBSERVE:
		return send_hello(h, s);
	case FIDO_HOST_REFUSE:
		on_refuse(h, m->refuse.reason);
		return -EPIPE;
	default:
		break;
	}
	if (s->peer == NULL)
		return -EPROTO;
	switch (m->h.type) {
	case FIDO_HOST_MAP:
		return on_map(h, s, m);
	case FIDO_HOST_UNMAP:
		return on_unmap(h, s, &m->unmap);
	case FIDO_HOST_BELLS:
		return on_bells(h, s, m);
	case FIDO_HOST_BYE:
		s->said_bye = true;
		s->clean = m->bye.clean == 1;
		return 0;
	default:
		return 0;
	}
}

static void
session_close(struct host *h, struct fido_host_session *s)
{
	epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	shutdown(s->fd, SHUT_RDWR);
	s->closed = true;
}

/* Not all there is: one that never stops talking must not keep us from the others. */
static void
session_read(struct host *h, struct fido_host_session *s)
{
	struct fido_host_message m;
	unsigned int version;
	int ret;

	for (int i = 0; i < READ_MAX && !s->closed; i++) {
		ret = fido_host_receive(s->fd, &m, &version);
		if (ret == 0)
			return;
		if (ret == 1) {
			ret = on_message(h, s, &m);
			fido_host_message_close(&m);
		}
		if (ret == -EPROTO) {
			fido_log(FIDO_LOG_ERROR, "group %s: %s: a peer broke the protocol (its version %u, ours %u): connection closed; use the same version of Fido in all domains",
					h->domain->group, h->domain->name, version, FIDO_LAYOUT_VERSION);
			refuse(s, FIDO_HOST_REASON_PROTOCOL);
		}
		if (ret < 0)
			session_close(h, s);
	}
}

/* @return false: the process at the other end may not see our memory; told here */
static bool
check_access(const struct host *h, int fd)
{
	uid_t user;

	if (fido_host_access_allows(&h->access, fd, &user))
		return true;
	fido_log(FIDO_LOG_WARNING, "group %s: %s keeps out a process of user %u, who is not on its list (allow=)",
			h->domain->group, h->domain->name, (unsigned int)user);
	return false;
}

static void
accept_all(struct host *h)
{
	int fd;

	while ((fd = accept4(h->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		bool allowed = check_access(h, fd);
		struct fido_host_session *s = add_session(h, fd);

		if (s == NULL)
			continue;
		s->accepted = true; /* Whoever connects speaks first; HELLO is answered. */
		if (!allowed) {
			refuse(s, FIDO_HOST_REASON_ACCESS);
			session_close(h, s);
		}
	}
}

/* The socket's end is not proof of death: the lock on the slot's file is. @return true: certain */
static bool
is_dead(struct host *h, const struct fido_host_session *s)
{
	return s->said_bye || !fido_host_slot_alive(&h->group, s->slot, s->peer->generation);
}

static void
drop_deaf(struct host *h, struct fido_host_session *s)
{
	fido_log(FIDO_LOG_ERROR, "group %s: %s: %s does not read its messages: connection closed; restart it",
			h->domain->group, h->domain->name, s->peer != NULL ? s->peer->name : "a stranger");
	session_close(h, s);
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
			if (s->deaf)
				drop_deaf(h, s);
			p = &s->next;
		} else if (s->peer != NULL && !is_dead(h, s)) {
			waiting = true;
			p = &s->next;
		} else {
			if (s->peer != NULL)
				fido_domain_peer_gone(h->domain, s->peer, s->clean);
			*p = s->next;
			fido_host_session_destroy(s);
		}
	}
	return waiting;
}

static bool
host_process(void *transport)
{
	struct host *h = transport;
	struct epoll_event ev[32];
	int n = epoll_wait(h->epoll_fd, ev, 32, 0);

	fido_host_slot_moved(h->slot_fd);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == NULL)
			accept_all(h);
		else
			session_read(h, ev[i].data.ptr);
	}
	return sweep(h) || n == 32;
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
	fido_host_group_unlock(&h->group);
	if (h->slot_fd >= 0)
		close(h->slot_fd);
	if (h->epoll_fd >= 0)
		close(h->epoll_fd);
	free(h);
}

static int
host_join(struct fido_domain *d, void **transport)
{
	struct host *h = calloc(1, sizeof(*h));
	int ret;

	if (h == NULL)
		return -ENOMEM;
	h->domain = d;
	h->slot_fd = h->listen_fd = -1;
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ret = fido_host_access_parse(&h->access, d->allow);
	if (ret == 0)
		ret = fido_host_group_open(&h->group, d->group, true);
	if (ret == 0)
		ret = fido_host_group_lock(&h->group);
	if (ret != 0)
		goto err_free;
	fido_host_group_address(&h->group, d->name, &h->address);
	fido_host_group_clean_if_empty(&h->group);
	ret = fido_host_group_layout(&h->group, &d->layout);
	if (ret == 0)
		ret = fido_host_claim_name(d, &h->address);
	if (ret == 0)
		ret = h->slot_fd = fido_host_claim_slot(&h->group, d);
	if (ret < 0)
		goto err_remove;
	*transport = h;
	return 0; /* The folder stays locked until start() or leave(). */

err_remove:
	fido_host_group_remove_if_empty(&h->group);
err_free:
	host_free(h);
	return ret;
}

static int
greet(void *arg, const char *name)
{
	struct host *h = arg;
	struct fido_host_session *s;
	struct sockaddr_un address;
	int fd;

	fido_host_group_address(&h->group, name, &address);
	fd = fido_host_connect(&address);
	if (fd == -ECONNREFUSED)
		unlink(address.sun_path);
	if (fd < 0)
		return 0;
	if (!check_access(h, fd)) {
		close(fd);
		return 0;
	}
	s = add_session(h, fd);
	if (s == NULL)
		return -ENOMEM;
	send_hello(h, s);
	return 0;
}

static int
host_listen(struct host *h)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&h->address, sizeof(h->address)) == 0 && listen(fd, 128) == 0 &&
			epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0) {
		h->listen_fd = fd;
		return 0;
	}
	err = errno;
	close(fd);
	fido_log(FIDO_LOG_ERROR, "cannot listen on %s: %s: this user needs write permission for the group's folder",
			h->address.sun_path, strerror(err));
	return -err;
}

static int
host_start(void *transport)
{
	struct host *h = transport;
	int ret = fido_host_group_each(&h->group, greet, h);

	if (ret == 0)
		ret = host_listen(h);
	if (ret == 0)
		fido_host_group_unlock(&h->group);
	return ret;
}

static void
host_leave(void *transport, bool clean)
{
	struct host *h = transport;
	struct fido_host_session *s;

	while ((s = h->sessions) != NULL) {
		struct fido_host_bye msg = {.clean = clean};

		h->sessions = s->next;
		if (s->peer != NULL && !s->closed)
			fido_host_send(s, FIDO_HOST_BYE, &msg, sizeof(msg), NULL, 0, false);
		fido_host_session_destroy(s);
	}
	if (h->group.lock_fd < 0)
		fido_host_group_lock(&h->group);
	if (h->listen_fd >= 0) {
		close(h->listen_fd);
		unlink(h->address.sun_path);
	}
	close(h->slot_fd);
	h->slot_fd = -1;
	fido_host_group_remove_if_empty(&h->group);
	host_free(h);
}

const struct fido_transport_ops fido_transport_host = {
	.name = "host",
	.join = host_join,
	.start = host_start,
	.leave = host_leave,
	.memory_create = fido_host_memory_create,
	.memory_seal = fido_host_memory_seal,
	.export = host_export,
	.withdraw = host_withdraw,
	.notify = host_notify,
	.offer_doorbells = host_offer_doorbells,
	.doorbell_create = fido_host_bell_create,
	.fd = host_fd,
	.process = host_process,
	.observe = fido_host_observe_all,
	.observe_end = fido_host_observation_end,
};
