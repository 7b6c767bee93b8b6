/* SPDX-License-Identifier: BSD-3-Clause */
/* A member of the chain. */

#include "chain-watch.h"
#include "chain.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <fido/link.h>
#include <fido/queue_shm.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#define BURST 32
#define HELD_MAX 8192
#define POISON UINT64_C(0xdeaddeaddeaddead)
#define WORDS (CHAIN_BUFFER / sizeof(uint64_t))
/* Sleep after this many looks without success. */
#define LOOKS 200
#define SLEEP_MS 100

/* A packet's first words. */
enum {
	W_LIFE,
	W_SEQ,
	W_TIME,
	W_LEN,
	W_BODY
};

/* A packet received and not yet completed. */
struct held {
	struct fido_rx rx;
	uint64_t life;
	uint64_t seq;
	uint64_t until_ns; /* sink: hold it until then */
	bool used;
};

struct member {
	struct chain *chain;
	struct member_report *report;
	uint32_t index;
	struct fido_domain *domain;
	struct fido_link *from; /* NULL: first member */
	struct fido_link *to;   /* NULL: last member */
	struct fido_rxq *rxq;
	struct fido_txq *txq;
	uint64_t random;
	struct chain_watch watch;

	struct fido_region *arena; /* first member's */
	void *free[CHAIN_BUFFERS];
	uint32_t free_count;
	uint64_t seq;
	bool unmapped;       /* the next member cannot read it yet */
	uint32_t round_left; /* packets left in the round, if the chain sleeps */

	struct held held[HELD_MAX];
	uint32_t held_count;
	uint32_t queue[HELD_MAX]; /* held packets that are to be passed on, in order */
	uint32_t queue_first;
	uint32_t queue_count;
};

uint64_t
chain_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t
random_next(struct member *m)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random;
}

/* ---- packets ---- */

static uint64_t
body_word(uint64_t life, uint64_t seq, uint64_t i)
{
	return (life << 40 ^ seq << 8 ^ i) * UINT64_C(0x9e3779b97f4a7c15);
}

static void
packet_make(uint64_t *p, uint64_t life, uint64_t seq)
{
	uint64_t words = W_BODY + seq % (WORDS - W_BODY);

	p[W_LIFE] = life;
	p[W_SEQ] = seq;
	p[W_TIME] = chain_now_ns();
	p[W_LEN] = words;
	for (uint64_t i = W_BODY; i < words; i++)
		p[i] = body_word(life, seq, i);
}

static bool
packet_is(const volatile uint64_t *p, uint32_t len, uint64_t life, uint64_t seq)
{
	uint64_t words = W_BODY + seq % (WORDS - W_BODY);

	if (len != words * sizeof(uint64_t) || p[W_LIFE] != life || p[W_SEQ] != seq ||
		p[W_LEN] != words)
		return false;
	for (uint64_t i = W_BODY; i < words; i++)
		if (p[i] != body_word(life, seq, i))
			return false;
	return true;
}

static void
poison(uint64_t *p)
{
	for (uint64_t i = 0; i < WORDS; i++)
		p[i] = POISON;
}

/* ---- the first: generate packets ---- */

static unsigned int
gen_reap(struct member *m)
{
	void *cookies[64];
	unsigned int n = fido_txq_reap(m->txq, cookies, 64);

	for (unsigned int i = 0; i < n; i++) {
		poison(cookies[i]);
		m->free[m->free_count++] = cookies[i];
	}
	return n;
}

/* @return number of packets that may be made now */
static uint32_t
gen_allowed(struct member *m)
{
	static const uint32_t rounds[] = {1, 8, 64, 512, CHAIN_BUFFERS};

	if (fido_load_relaxed(&m->chain->pause) || m->seq + BURST >= CHAIN_SEQ_MAX)
		return 0;
	if (!m->chain->sleeps)
		return m->free_count;
	if (m->round_left == 0 && m->free_count == CHAIN_BUFFERS)
		m->round_left = 1 +
			(uint32_t)(random_next(m) %
				rounds[random_next(m) % (sizeof(rounds) / sizeof(rounds[0]))]);
	return m->round_left < m->free_count ? m->round_left : m->free_count;
}

static unsigned int
gen_post(struct member *m)
{
	unsigned int want = 1 + (unsigned int)(random_next(m) % BURST), n = 0;
	uint32_t allowed = gen_allowed(m);
	struct fido_buf bufs[BURST];
	int done;

	for (; n < want && n < allowed; n++) {
		uint64_t *p = m->free[m->free_count - 1 - n];

		packet_make(p, m->report->life, m->seq + n);
		bufs[n] = (struct fido_buf){p, (uint32_t)(p[W_LEN] * sizeof(uint64_t)), 0, p};
	}
	done = n != 0 ? fido_txq_post(m->txq, bufs, n) : 0;
	m->unmapped = done == -EFAULT;
	if (done <= 0)
		return 0;
	m->free_count -=
		(unsigned int)done; /* from the top, in the order in which they were posted */
	m->seq += (unsigned int)done;
	m->round_left -= m->chain->sleeps ? (uint32_t)done : 0;
	fido_counter_add(&m->report->passed, (uint64_t)done);
	return (unsigned int)done;
}

static void
gen_account(struct member *m)
{
	uint32_t out = fido_txq_out(m->txq);

	m->report->lost_buffers = m->free_count + out != CHAIN_BUFFERS;
	fido_store_relaxed(&m->report->quiet, m->free_count == CHAIN_BUFFERS);
}

/* ---- the others: receive packets ---- */

static struct held *
held_take(struct member *m, const struct fido_rx *rx)
{
	static uint32_t next;

	for (uint32_t i = 0; i < HELD_MAX; i++) {
		struct held *h = &m->held[(next + i) % HELD_MAX];

		if (h->used)
			continue;
		next = (uint32_t)(h - m->held) + 1;
		*h = (struct held){.rx = *rx, .used = true};
		m->held_count++;
		return h;
	}
	return NULL;
}

static void
check_new(struct member *m, struct held *h)
{
	const uint64_t *p = h->rx.desc.data;
	uint8_t *seen, bit;

	h->life = h->rx.desc.len >= W_BODY * sizeof(uint64_t) ? p[W_LIFE] : 0;
	h->seq = h->rx.desc.len >= W_BODY * sizeof(uint64_t) ? p[W_SEQ] : 0;
	if (h->life == 0 || h->life >= CHAIN_LIVES_MAX || h->seq >= CHAIN_SEQ_MAX ||
		!packet_is(p, h->rx.desc.len, h->life, h->seq)) {
		m->report->damaged++;
		return;
	}
	if (p[W_TIME] > m->report->newest_ns)
		fido_store_relaxed(&m->report->newest_ns, p[W_TIME]);
	if (m->to != NULL)
		return;
	seen = &m->chain->arrived[h->life][h->seq / 8];
	bit = (uint8_t)(1u << h->seq % 8);
	if (*seen & bit)
		m->report->twice++;
	*seen |= bit;
}

static void
give_back(struct member *m, struct held *h)
{
	if (h->life != 0 && !packet_is(h->rx.desc.data, h->rx.desc.len, h->life, h->seq))
		m->report->reused++;
	fido_rxq_complete(m->rxq, &h->rx, 1, FIDO_STATUS_OK);
	h->used = false;
	m->held_count--;
}

static unsigned int
take_in(struct member *m)
{
	struct fido_rx rx[BURST];
	unsigned int n = 0, room = HELD_MAX - m->held_count;
	uint64_t kept_ns = m->chain->sleeps ? 20000000 : 300000000;

	if (room != 0)
		n = fido_rxq_poll(m->rxq, rx, room < BURST ? room : BURST);
	for (unsigned int i = 0; i < n; i++) {
		struct held *h = held_take(m, &rx[i]);

		check_new(m, h);
		if (m->to != NULL) {
			m->queue[(m->queue_first + m->queue_count++) % HELD_MAX] =
				(uint32_t)(h - m->held);
			continue;
		}
		/* Most are returned soon, some are held for long. */
		h->until_ns = chain_now_ns() +
			(random_next(m) % 500 == 0 ? kept_ns : random_next(m) % 50000);
		fido_counter_add(&m->report->passed, 1);
	}
	return n;
}

/* ---- the last: hold them for a while ---- */

static unsigned int
sink_give_back(struct member *m)
{
	uint64_t now = chain_now_ns();
	unsigned int n = 0;

	for (uint32_t i = 0; i < HELD_MAX && m->held_count != 0; i++)
		if (m->held[i].used && m->held[i].until_ns <= now) {
			give_back(m, &m->held[i]);
			n++;
		}
	return n;
}

/* ---- the middle: pass them on ---- */

static unsigned int
pass_on(struct member *m)
{
	unsigned int done = 0;

	while (m->queue_count != 0) {
		struct held *h = &m->held[m->queue[m->queue_first]];
		struct fido_buf b = {h->rx.desc.data, h->rx.desc.len, 0, h};
		int ret = fido_txq_post(m->txq, &b, 1);

		if (ret == 0)
			break;
		m->queue_first = (m->queue_first + 1) % HELD_MAX;
		m->queue_count--;
		if (ret == 1) {
			done++;
			continue;
		}
		/*
		 * The next member has not mapped its owner yet, or never will: the owner is dead.
		 */
		m->report->unreachable++;
		give_back(m, h);
	}
	fido_counter_add(&m->report->passed, done);
	return done;
}

static unsigned int
fwd_reap(struct member *m)
{
	void *cookies[64];
	unsigned int n = fido_txq_reap(m->txq, cookies, 64);

	for (unsigned int i = 0; i < n; i++)
		give_back(m, cookies[i]);
	return n;
}

/* ---- main loop ---- */

static unsigned int
turn(struct member *m)
{
	if (m->from == NULL)
		return gen_reap(m) + gen_post(m);
	if (m->to == NULL)
		return take_in(m) + sink_give_back(m);
	return fwd_reap(m) + take_in(m) + pass_on(m);
}

static void
report(struct member *m)
{
	if (m->from == NULL)
		gen_account(m);
	else
		fido_store_relaxed(&m->report->quiet,
			m->held_count == 0 && (m->txq == NULL || fido_txq_out(m->txq) == 0));
	fido_store_relaxed(&m->report->stranded, m->to != NULL ? fido_link_stranded(m->to) : 0);
}

static bool
arm(struct member *m)
{
	bool pending = false;

	if (m->rxq != NULL)
		pending |= fido_rxq_arm(m->rxq);
	if (m->txq != NULL)
		pending |= fido_txq_arm(m->txq);
	return pending;
}

static void
disarm(struct member *m)
{
	if (m->rxq != NULL)
		fido_rxq_disarm(m->rxq, true);
	if (m->txq != NULL)
		fido_txq_disarm(m->txq, true);
}

/*
 * Do what waits for a time only, without looking at what a doorbell announces. @return ms until the
 * next; -1: none
 */
static int
do_timed(struct member *m)
{
	uint64_t now, next = UINT64_MAX;

	if (m->from == NULL) {
		if (m->unmapped)
			gen_post(m);
		return m->unmapped ? m->chain->idle_ms : -1;
	}
	if (m->to != NULL)
		return -1;
	sink_give_back(m);
	now = chain_now_ns();
	for (uint32_t i = 0; i < HELD_MAX && m->held_count != 0; i++)
		if (m->held[i].used && m->held[i].until_ns < next)
			next = m->held[i].until_ns;
	if (next == UINT64_MAX)
		return -1;
	return next > now ? (int)((next - now) / 1000000) + 1 : 0;
}

static bool
has_to_send(const struct member *m)
{
	if (m->from == NULL)
		return m->round_left != 0 && m->free_count != 0 && !m->unmapped &&
			!fido_load_relaxed(&m->chain->pause);
	return m->queue_count != 0;
}

/* Sleep until a doorbell rings, armed all the time. */
static void
sleep_until_rung(struct member *m)
{
	struct pollfd fds[] = {{.fd = m->watch.bell_fd, .events = POLLIN},
		{.fd = m->chain->wake_fd[m->index], .events = POLLIN}};
	bool pending = arm(m);

	fido_counter_add(&m->report->slept, 1);
	while (!pending) {
		int timeout = do_timed(m);

		report(m);
		fido_store_relaxed(&m->watch.wants_rx, m->held_count != HELD_MAX);
		fido_store_relaxed(&m->watch.wants_tx, has_to_send(m));
		if (m->watch.asleep_ns == 0)
			fido_store_release(&m->watch.asleep_ns, chain_now_ns());
		if (poll(fds, 2, timeout) > 0)
			break;
	}
	fido_store_release(&m->watch.asleep_ns, 0);
	disarm(m);
	if (fds[1].revents != 0)
		eventfd_read(fds[1].fd, &(eventfd_t){0});
}

/*
 * Sleep until a doorbell rings; then look at what waits for a time only (held packets, a link
 * coming up).
 */
static void
sleep_armed(struct member *m)
{
	struct pollfd fd = {.events = POLLIN};
	fd.fd = m->watch.bell_fd;
	if (!arm(m))
		poll(&fd, 1,
			m->held_count != 0 || m->free_count != 0 ? m->chain->idle_ms : SLEEP_MS);
	disarm(m);
}

static void
run(struct member *m)
{
	unsigned int looks = 0;

	while (!fido_load_relaxed(&m->report->stop)) {
		if (turn(m) != 0) {
			looks = 0;
			continue;
		}
		if (m->chain->sleeps) {
			sleep_until_rung(m);
			continue;
		}
		if (++looks < LOOKS)
			continue;
		looks = 0;
		report(m);
		sleep_armed(m);
	}
}

/* ---- joining ---- */

static struct fido_link *
open_link(struct member *m, uint32_t peer, bool sends)
{
	char name[FIDO_NAME_MAX];
	struct fido_link_config config = {.peer = name};
	struct fido_link *link;

	snprintf(name, sizeof(name), "m%u", peer);
	if (fido_link_create(m->domain, &config, &link) != 0 ||
		fido_link_configure(link, sends, !sends, CHAIN_RING) != 0)
		return NULL;
	return link;
}

static bool
start(struct member *m)
{
	char name[FIDO_NAME_MAX];
	struct fido_domain_config config = {.group = m->chain->group,
		.name = name,
		.no_hugepages = true};

	snprintf(name, sizeof(name), "m%u", m->index);
	if (fido_domain_join(&m->domain, &config) != 0)
		return false;
	if (m->index != 0) {
		m->from = open_link(m, m->index - 1, false);
		if (m->from == NULL)
			return false;
		m->rxq = fido_link_rxq(m->from, 0);
	} else if (fido_arena_create(m->domain, CHAIN_BUFFERS * CHAIN_BUFFER, &m->arena) != 0) {
		return false;
	}
	for (uint32_t i = 0; m->arena != NULL && i < CHAIN_BUFFERS; i++)
		m->free[m->free_count++] = (char *)m->arena->va + (size_t)i * CHAIN_BUFFER;
	if (m->index + 1 < m->chain->members) {
		m->to = open_link(m, m->index + 1, true);
		if (m->to == NULL)
			return false;
		m->txq = fido_link_txq(m->to, 0);
	}
	if (m->rxq != NULL && m->txq != NULL)
		fido_txq_share_bell(m->txq, m->rxq);
	m->watch.rxq = m->rxq;
	m->watch.txq = m->txq;
	m->watch.to = m->to;
	m->watch.report = m->report;
	m->watch.bell_fd = fido_doorbell_fd(m->rxq != NULL ? m->rxq->bell : m->txq->bell);
	return (m->from == NULL || fido_link_open(m->from) == 0) &&
		(m->to == NULL || fido_link_open(m->to) == 0);
}

int
chain_member(struct chain *chain, uint32_t i)
{
	static struct member m;

	m.chain = chain;
	m.report = &chain->member[i];
	m.index = i;
	m.random = (uint64_t)getpid() * UINT64_C(0x9e3779b97f4a7c15) | 1;
	if (!start(&m) || (chain->sleeps && chain_watch_start(&m.watch) != 0))
		return 1;
	fido_store_release(&m.report->ready_ns, chain_now_ns());
	run(&m);
	if (chain->sleeps)
		chain_watch_stop(&m.watch);
	if (m.from != NULL)
		fido_link_destroy(m.from);
	if (m.to != NULL)
		fido_link_destroy(m.to);
	fido_domain_leave(m.domain);
	return 0;
}
