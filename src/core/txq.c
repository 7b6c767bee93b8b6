/* SPDX-License-Identifier: BSD-3-Clause */
/* Out-of-line half of the transmit queue. */

#include "doorbell_private.h"
#include "link_private.h"
#include "sleeper_private.h"

const struct fido_region *
fido_txq_find_region(struct fido_txq *q, uintptr_t va)
{
	for (int i = 0; i < FIDO_REGIONS_MAX; i++) {
		const struct fido_region *r = fido_load_acquire(&q->regions[i]);

		if (r != NULL && va - r->va < r->len)
			return r;
	}
	return NULL;
}

enum fido_reach
fido_txq_reach_own_slot(struct fido_txq *q, uint64_t gaddr, uint32_t len)
{
	const struct fido_region *r = fido_txq_own_region(q, gaddr);

	return r != NULL && fido_txq_peer_has(q, r, gaddr - r->gaddr, len) ? FIDO_REACH_OWN
									   : FIDO_REACH_NONE;
}

/* Reap one retired ring: first completed tickets, then recalled ones. @param status may be NULL */
static unsigned int
reap_end(struct fido_tx_ring *e, void **cookies, uint16_t *status, unsigned int max)
{
	unsigned int n, answered;

	if (status == NULL)
		n = fido_sender_reap(e->sender, cookies, max);
	else
		n = fido_sender_reap_status(e->sender, cookies, status, max);
	if (!e->recalled)
		return n;
	answered = n;
	n += fido_sender_recall(e->sender, cookies + n, max - n);
	e->recalled = n == max;
	for (unsigned int i = answered; status != NULL && i < n; i++)
		status[i] = FIDO_STATUS_RECALLED;
	return n;
}

void
fido_tx_ring_forget(struct fido_tx_ring *e)
{
	void *cookies[64];

	while (reap_end(e, cookies, NULL, 64) == 64)
		;
}

static unsigned int
reap_old(struct fido_txq *q, void **cookies, uint16_t *status, unsigned int max)
{
	struct fido_tx_ring **p = &q->old;
	unsigned int n = 0;

	while (*p != NULL && n < max) {
		struct fido_tx_ring *e = *p;
		uint64_t errors = e->sender->error_count;

		n += reap_end(e, cookies + n, status != NULL ? status + n : NULL, max - n);
		fido_counter_add(&q->stats->errors, e->sender->error_count - errors);
		/* The ring stays in link->tx_rings, where the control thread retires it. */
		if (fido_sender_out(e->sender) == 0)
			*p = e->next_old;
		else
			p = &e->next_old;
	}
	return n;
}

unsigned int
fido_txq_reap_old(struct fido_txq *q, void **cookies, unsigned int max)
{
	return reap_old(q, cookies, NULL, max);
}

uint32_t
fido_txq_out(struct fido_txq *q)
{
	uint32_t out = 0;

	fido_lock_take(&q->lock);
	if (q->sender != NULL)
		out = fido_sender_out(q->sender);
	for (struct fido_tx_ring *e = q->old; e != NULL; e = e->next_old)
		out += fido_sender_out(e->sender);
	fido_lock_release(&q->lock);
	return out;
}

/* @return number of tickets that have come back and wait to be reaped */
static uint32_t
done(const struct fido_sender *s)
{
	uint32_t n = s->run_left, out = fido_sender_out(s);

	for (uint32_t pos = s->cons; !s->broken && n < out && pos - s->cons <= s->mask; pos++) {
		uint64_t c = fido_load_relaxed(&s->comp[pos & s->mask]);

		if ((uint16_t)c != (uint16_t)((pos >> s->shift) + 1))
			break;
		n += (uint16_t)(c >> 32);
	}
	return n < out ? n : out;
}

/* @return number of tickets of a retired ring that wait to be reaped */
static uint32_t
done_old(const struct fido_tx_ring *e)
{
	const struct fido_sender *s = e->sender;
	uint32_t n = done(s), out = fido_sender_out(s), recalled = 0;

	/* A ticket may be both completed and recalled, so do not count more than are out. */
	for (uint32_t t = 0; e->recalled && t <= s->mask; t++)
		recalled += s->cookie[t] != NULL && s->posted[t].at == UINT64_MAX;
	return n + recalled < out ? n + recalled : out;
}

void
fido_txq_look(struct fido_txq *q, struct fido_txq_fill *fill)
{
	*fill = (struct fido_txq_fill){0};
	fido_lock_take(&q->lock);
	if (q->sender != NULL) {
		fill->size = q->sender->mask + 1;
		fill->room = fido_sender_room(q->sender);
		fill->done = done(q->sender);
		fill->open = q->open;
	}
	for (const struct fido_tx_ring *e = q->old; e != NULL; e = e->next_old)
		fill->done_old += done_old(e);
	fido_lock_release(&q->lock);
}

void
fido_txq_pause(struct fido_txq *q)
{
	fido_lock_take(&q->lock);
	q->paused = true;
	q->open = false;
	fido_lock_release(&q->lock);
}

void
fido_txq_resume(struct fido_txq *q)
{
	fido_lock_take(&q->lock);
	q->paused = false;
	q->open = q->up;
	fido_lock_release(&q->lock);
	/* Its thread may be sleeping until it can post. */
	if (fido_sleeper_is(&q->sleeper))
		fido_doorbell_ring(q->bell);
}

/* In the present ring and in retired ones: any of them may bring completions. */
static void
set_armed(struct fido_txq *q, uint32_t armed)
{
	if (q->sender != NULL)
		fido_store_relaxed(&q->sender->shm->armed, armed);
	for (struct fido_tx_ring *e = q->old; e != NULL; e = e->next_old)
		fido_store_relaxed(&e->sender->shm->armed, armed);
}

/* The lock is held. */
static bool
is_pending(const struct fido_txq *q)
{
	bool pending = q->sender != NULL && fido_sender_pending(q->sender);

	for (struct fido_tx_ring *e = q->old; e != NULL; e = e->next_old)
		pending |= e->recalled || fido_sender_pending(e->sender);
	return pending;
}

/* Set `sleeps` in all rings, wait until all peers see it, and return with the lock held. */
static void
lock_to_sleep(struct fido_txq *q)
{
	fido_lock_take(&q->lock);
	fido_sleeper_begin(&q->sleeper);
	if (q->sender != NULL)
		fido_sleeper_tell(&q->sleeper, &q->sender->shm->sleeps);
	for (struct fido_tx_ring *e = q->old; e != NULL; e = e->next_old)
		fido_sleeper_tell(&q->sleeper, &e->sender->shm->sleeps);
	while (fido_sleeper_must_wait(&q->sleeper)) {
		fido_lock_release(&q->lock);
		fido_sleeper_wait();
		fido_lock_take(&q->lock);
	}
}

bool
fido_txq_arm(struct fido_txq *q)
{
	bool pending;

	lock_to_sleep(q);
	set_armed(q, 1);
	/* F5: pairs with F4. Completions published without seeing `armed` are seen below. */
	fido_sleeper_fence();
	pending = is_pending(q);
	fido_lock_release(&q->lock);
	return pending;
}

void
fido_txq_set_armed(struct fido_txq *q)
{
	lock_to_sleep(q);
	set_armed(q, 1);
	fido_lock_release(&q->lock);
}

bool
fido_txq_pending(struct fido_txq *q)
{
	bool pending;

	fido_lock_take(&q->lock);
	pending = is_pending(q);
	fido_lock_release(&q->lock);
	return pending;
}

void
fido_txq_disarm(struct fido_txq *q, bool clear)
{
	fido_lock_take(&q->lock);
	set_armed(q, 0);
	fido_lock_release(&q->lock);
	if (clear)
		fido_doorbell_clear(q->bell);
}

int
fido_txq_fd(const struct fido_txq *q)
{
	return fido_doorbell_fd(q->bell);
}

void
fido_txq_share_bell(struct fido_txq *q, struct fido_rxq *rxq)
{
	if (q->own_bell)
		fido_doorbell_destroy(q->bell);
	q->own_bell = false;
	q->bell = rxq->bell;
}

/* @return number of buffers of the first message; 0: its chain does not end within n */
static unsigned int
message_length(const struct fido_buf *bufs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (!(bufs[i].flags & FIDO_DESC_CHAINED))
			return i + 1;
	return 0;
}

static int
put_message(struct fido_txq *q, struct fido_post_cursor *c, struct fido_tx_burst *b,
	const struct fido_buf *bufs, unsigned int n)
{
	uint64_t gaddr[n];
	bool foreign = false;

	for (unsigned int i = 0; i < n; i++) {
		enum fido_reach reach = fido_txq_gaddr(q, bufs[i].data, bufs[i].len, &gaddr[i]);

		if (reach == FIDO_REACH_NONE)
			return -EFAULT;
		foreign |= reach == FIDO_REACH_FOREIGN;
	}
	for (unsigned int i = 0; i < n; i++) {
		fido_post_put(c, gaddr[i], bufs[i].len, bufs[i].flags, bufs[i].cookie);
		b->bytes += bufs[i].len;
	}
	b->descriptors += n;
	b->forwarded += foreign;
	b->own += !foreign;
	return 0;
}

/* Put whole messages while there is room. @return 0, -errno: why the next message cannot be put */
static int
put_messages(struct fido_txq *q, struct fido_post_cursor *c, struct fido_tx_burst *b,
	const struct fido_buf *bufs, unsigned int n)
{
	while (b->descriptors < n) {
		const struct fido_buf *next = bufs + b->descriptors;
		unsigned int len = message_length(next, n - (unsigned int)b->descriptors);
		int ret;

		if (len == 0 || len > q->sender->mask + 1)
			return -EINVAL;
		if (len > fido_post_room(c, q->sender)) {
			fido_counter_add(&q->stats->ring_full, 1);
			return 0;
		}
		ret = put_message(q, c, b, next, len);
		if (ret != 0)
			return ret;
	}
	return 0;
}

static int
post_locked(struct fido_txq *q, const struct fido_buf *bufs, unsigned int n)
{
	struct fido_tx_burst b = {0};
	struct fido_post_cursor c;
	int ret;

	if (!q->open)
		return 0;
	c = fido_post_begin(q->sender);
	ret = put_messages(q, &c, &b, bufs, n);
	fido_post_end(q->sender, &c);
	if (b.descriptors == 0)
		return ret;
	fido_txq_publish(q, &b);
	return (int)b.descriptors;
}

int
fido_txq_post(struct fido_txq *q, const struct fido_buf *bufs, unsigned int n)
{
	int ret;

	fido_lock_take(&q->lock);
	ret = post_locked(q, bufs, n);
	fido_lock_release(&q->lock);
	return ret;
}

unsigned int
fido_txq_reap(struct fido_txq *q, void **cookies, unsigned int max)
{
	unsigned int n;
	bool broken;

	fido_lock_take(&q->lock);
	n = fido_txq_reap_locked(q, cookies, max);
	broken = q->sender != NULL && q->sender->broken;
	fido_lock_release(&q->lock);
	if (broken)
		fido_link_kick(q->link);
	return n;
}

unsigned int
fido_txq_reap_status(struct fido_txq *q, void **cookies, uint16_t *status, unsigned int max)
{
	unsigned int n = 0;
	bool broken = false;

	fido_lock_take(&q->lock);
	if (q->old != NULL)
		n = reap_old(q, cookies, status, max);
	if (q->sender != NULL) {
		uint64_t errors = q->sender->error_count;

		n += fido_sender_reap_status(q->sender, cookies + n, status + n, max - n);
		fido_counter_add(&q->stats->errors, q->sender->error_count - errors);
		broken = q->sender->broken;
	}
	fido_counter_add(&q->stats->reaped, n);
	fido_lock_release(&q->lock);
	if (broken)
		fido_link_kick(q->link);
	return n;
}
