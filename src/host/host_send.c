/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages that a domain sends: HELLO, its memory (MAP, UNMAP), its doorbells (BELLS), changes of
 * its control block (CHANGED), and requests to send again (AGAIN).
 */

#include <errno.h>
#include <string.h>

#include <fido/log.h>

#include "domain_private.h"
#include "doorbell_private.h"
#include "host_private.h"
#include "link_private.h"
#include "memfile.h"
#include "peer.h"
#include "sent.h"

bool
fido_host_is_ready(const struct fido_host_session *s)
{
	return s->peer != NULL && !s->hello_due && !s->closed;
}

/*
 * Wake the control thread to send what the peer's socket had no room for. Without this it could
 * sleep: the caller may be another thread, or the control thread after it flushed the queues.
 */
static void
have_sent(struct host *h, const struct fido_host_session *s)
{
	if (s->out != NULL || s->deaf)
		fido_domain_kick(h->domain);
}

int
fido_host_send_hello(struct host *h, struct fido_host_session *s)
{
	struct fido_domain *d = h->domain;
	struct fido_host_hello msg = {.layout_base = d->layout.base,
		.slot_shift = d->layout.slot_shift,
		.slots = d->layout.slots,
		.generation = d->generation,
		.control_size = d->control_size,
		.slot = d->slot};

	memcpy(msg.name, d->name, sizeof(msg.name));
	return fido_host_send(s, FIDO_HOST_HELLO, &msg, sizeof(msg), &d->control_fd, 1, true);
}

int
fido_host_say_hello(struct host *h, struct fido_host_session *s)
{
	int ret = fido_host_send_hello(h, s);

	s->hello_due = ret != 0 && ret != -EPIPE;
	if (!s->hello_due) {
		h->mute &= ret != 0;
		return ret;
	}
	if (!h->mute)
		fido_log(FIDO_LOG_ERROR,
			"group %s: %s cannot send HELLO to another domain: %s; it retries: %s",
			h->domain->group, h->domain->name, strerror(-ret),
			fido_memory_advice(h->domain, ret));
	h->mute = true;
	fido_domain_retry_later(h->domain);
	return 0;
}

void
fido_host_refuse(struct fido_host_session *s, enum fido_host_reason reason)
{
	struct fido_host_refuse msg = {.reason = reason};

	fido_host_send(s, FIDO_HOST_REFUSE, &msg, sizeof(msg), NULL, 0, false);
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
		msg.extents[i] =
			(struct fido_host_extent){e->gaddr, e->len, e->fd_offset, e->sealed};
	}
	ret = fido_host_send(s, FIDO_HOST_MAP, &msg, len, fds, (int)n, true);
	if (ret == 0)
		s->again = false;
	return ret;
}

/*
 * Memory that is not ours is not sealed: unless a read-only descriptor can be opened, peers could
 * write to it. Arenas are sealed.
 */
int
fido_host_can_export(void *transport, const void *va, struct fido_extent *e)
{
	struct host *h = transport;
	int ret = fido_host_can_share(e->fd);

	(void)va;
	if (ret != 0 && !h->cannot_share)
		fido_log(FIDO_LOG_WARNING,
			"group %s: %s cannot share its memory read-only (open /proc/self/fd/%d: "
			"%s): packets in it are copied: mount /proc in this container or chroot, "
			"or keep packets in arenas (pools=arena)",
			h->domain->group, h->domain->name, e->fd, strerror(-ret));
	h->cannot_share |= ret != 0;
	return ret != 0 ? -EOPNOTSUPP : 0;
}

/* A peer that asked for memory again gets a MAP even if there is none. */
void
fido_host_send_memory(struct host *h, struct fido_host_session *s)
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
			max = 1; /* One extent needs one descriptor only. */
			ret = 0;
		}
	}
	if (ret != 0 && ret != -EPIPE && !s->deaf)
		fido_sent_failed(d, &s->sent, s->peer->name, ret);
	else if (!fido_unsent(d, &s->sent))
		fido_sent_all(d, &s->sent, s->peer->name);
}

void
fido_host_export(void *transport)
{
	struct host *h = transport;

	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next) {
		if (!fido_host_is_ready(s) || s->sent.error != 0)
			continue;
		fido_host_send_memory(h, s);
		have_sent(h, s);
	}
}

void
fido_host_withdraw(void *transport, uint64_t gaddr, uint64_t len, uint32_t epoch)
{
	struct host *h = transport;

	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next) {
		struct fido_host_unmap msg = {.gaddr = gaddr, .len = len, .epoch = epoch};

		if (!fido_host_is_ready(s))
			continue;
		fido_sent_withdrawal(&s->sent, epoch);
		msg.sent = fido_sent_epoch(&s->sent);
		fido_host_send(s, FIDO_HOST_UNMAP, &msg, sizeof(msg), NULL, 0, false);
		have_sent(h, s);
	}
}

/* ---- doorbells ---- */

int
fido_host_offer_doorbells(void *transport, struct fido_link *link)
{
	struct host *h = transport;
	struct fido_peer *peer = fido_domain_find_peer(h->domain, link->peer_name);
	struct fido_host_bells msg = {.nrx = link->nrx, .ntx = link->ntx};
	int fds[FIDO_HOST_FDS_MAX];
	int n = 0, ret;

	if (peer == NULL || peer->session == NULL ||
		((struct fido_host_session *)peer->session)->closed)
		return 0;
	for (uint16_t i = 0; i < link->nrx; i++)
		fds[n++] = link->rxq[i]->bell->fd;
	for (uint16_t i = 0; i < link->ntx; i++)
		fds[n++] = link->txq[i]->bell->fd;
	memcpy(msg.link, link->name, sizeof(msg.link));
	if (!fido_host_is_ready(peer->session)) {
		((struct fido_host_session *)peer->session)->bells_due = true;
		fido_domain_retry_later(h->domain);
		return 0;
	}
	ret = fido_host_send(peer->session, FIDO_HOST_BELLS, &msg, sizeof(msg), fds, n, false);
	have_sent(h, peer->session);
	/* sweep() handles a peer that does not read or is gone. */
	return ret == -EPIPE || ret == -ENOBUFS ? 0 : ret;
}

static void
offer_all_doorbells(struct host *h, struct fido_host_session *s)
{
	s->bells_due = false;
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++) {
		struct fido_link *link = h->domain->links[i];

		if (link != NULL && link->state >= FIDO_LINK_OFFERED &&
			strcmp(link->peer_name, s->peer->name) == 0)
			s->bells_due |= fido_host_offer_doorbells(h, link) != 0;
	}
	if (s->bells_due)
		fido_domain_retry_later(h->domain);
}

/* ---- changes and retries ---- */

void
fido_host_notify(void *transport)
{
	struct host *h = transport;

	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next) {
		struct fido_host_header msg;

		if (!fido_host_is_ready(s))
			continue;
		fido_host_send(s, FIDO_HOST_CHANGED, &msg, sizeof(msg), NULL, 0, false);
		have_sent(h, s);
	}
}

/* Ask the peer to send again what we lost. */
static void
ask_again(struct host *h, struct fido_host_session *s)
{
	struct fido_host_again msg = {.fds = s->fds_taken, .hello = s->peer == NULL};

	if (s->peer != NULL)
		msg.epoch = h->domain->control->mapped[s->slot].epoch;
	s->lost = fido_host_send(s, FIDO_HOST_AGAIN, &msg, sizeof(msg), NULL, 0, false) != 0 &&
		!s->deaf;
	s->since_ns = fido_now_ns();
	have_sent(h, s);
	if (s->lost)
		fido_domain_retry_later(h->domain);
}

void
fido_host_retry(void *transport)
{
	struct host *h = transport;

	for (struct fido_host_session *s = h->sessions; s != NULL; s = s->next) {
		if (s->closed)
			continue;
		if (s->lost)
			ask_again(h, s);
		/*
		 * Only if nothing is queued: a peer that asks but does not read takes no
		 * descriptors.
		 */
		if (s->hello_due && s->out == NULL)
			fido_host_say_hello(h, s);
		if (fido_host_is_ready(s)) {
			s->sent.error = 0; /* sweep() sends what the socket does not take now. */
			fido_host_send_memory(h, s);
			if (s->bells_due && s->out == NULL)
				offer_all_doorbells(h, s);
		}
		if (s->hello_due || s->bells_due)
			fido_domain_retry_later(h->domain);
		have_sent(h, s);
	}
}
