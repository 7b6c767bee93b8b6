/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending: packets with sequence numbers, which each queue counts by itself. */

#include <errno.h>

#include <rte_ethdev.h>
#include <rte_errno.h>

#include "pktcheck.h"

/* Pools whose packets may still be out. */
#define POOLS_MAX 4

static uint64_t next_seq[PORTS_MAX][QUEUES_MAX];
static struct rte_mbuf *pending[BURST_MAX];
static unsigned int pending_count, pending_sent;
static uint16_t pending_port, pending_queue;
static unsigned int turn;
static uint64_t made, next_burst_us;
static struct rte_mempool *retired[POOLS_MAX];

static struct rte_mempool *
gen_pool(struct app *app)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "gen_%lu", (unsigned long)app->pools);
	app->pools++;
	return pool_create(app->opt.pool, name, app->opt.mbufs != 0 ? app->opt.mbufs : 8192,
		app->opt.room);
}

int
gen_init(struct app *app)
{
	app->tx_pool = gen_pool(app);
	return app->tx_pool != NULL ? 0 : -rte_errno;
}

static uint32_t
size_of(const struct options *opt, uint64_t seq)
{
	uint32_t range = opt->size_max - opt->size_min + 1;

	if (opt->random_size)
		return opt->size_min + (uint32_t)(packet_mix(seq) % range);
	return opt->size_min + (uint32_t)(seq % range);
}

static void
free_segments(struct rte_mbuf **segs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		rte_pktmbuf_free_seg(segs[i]);
}

/*
 * Make a packet of `len` bytes in 1 to opt->segs segments of unequal length. @return NULL: no mbufs
 */
static struct rte_mbuf *
make_packet(struct app *app, uint32_t len, uint64_t seq)
{
	struct rte_mbuf *segs[PACKET_MAX / 64 + 2];
	uint32_t want = 1 + (uint32_t)(packet_mix(seq + 77) % app->opt.segs);
	uint32_t left = len;
	unsigned int n = 0;

	while (left != 0) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(app->tx_pool);
		uint32_t part = n + 1 < want && left > want
			? 1 + (uint32_t)(packet_mix(seq + n) % (left / want))
			: left;

		if (m == NULL) {
			free_segments(segs, n);
			return NULL;
		}
		part = RTE_MIN(part, app->opt.room);
		m->data_off = m->buf_len - RTE_MIN((uint32_t)m->buf_len, app->opt.room);
		m->data_len = (uint16_t)part;
		left -= part;
		segs[n++] = m;
	}
	for (unsigned int i = 0; i + 1 < n; i++)
		segs[i]->next = segs[i + 1];
	segs[0]->nb_segs = (uint16_t)n;
	segs[0]->pkt_len = len;
	return segs[0];
}

/*
 * Go to the next pool, and so to other pages; the last pool waits until all of its packets are
 * back.
 */
static void
renew_pool(struct app *app)
{
	struct rte_mempool *next;

	for (unsigned int i = 0; i < POOLS_MAX; i++) {
		if (retired[i] != NULL)
			continue;
		next = gen_pool(app);
		if (next == NULL) {
			app->pools--;
			return;
		}
		retired[i] = app->tx_pool;
		app->tx_pool = next;
		return;
	}
}

static void
prepare(struct app *app)
{
	const struct options *opt = &app->opt;
	uint64_t left = opt->count != 0 ? opt->count - made : UINT64_MAX;
	unsigned int n = random_next() % 4 == 0 ? opt->burst : 1 + random_next() % opt->burst;
	struct packet_id id;

	pending_port = turn % app->nports;
	pending_queue = turn / app->nports % app->txq;
	turn++;
	pending_count = pending_sent = 0;
	id = (struct packet_id){.seed = opt->seed,
		.queue = (uint16_t)(pending_port * 100 + pending_queue)};
	if (opt->window != 0)
		left = RTE_MIN(left, opt->window - (made - app->rx_own));
	n = (unsigned int)RTE_MIN((uint64_t)n, left);
	while (pending_count < n) {
		uint64_t *seq = &next_seq[pending_port][pending_queue];
		struct rte_mbuf *m;

		id.seq = *seq;
		id.len = size_of(opt, *seq);
		m = make_packet(app, id.len, *seq);
		if (m == NULL) {
			reap(app);
			break;
		}
		packet_write(m, &id);
		times_sent(app, *seq);
		if (opt->csum)
			packet_leave_checksum(m);
		pending[pending_count++] = m;
		(*seq)++;
		made++;
	}
	if (opt->churn > 1 && opt->count != 0 && made >= opt->count / opt->churn * app->pools &&
		app->pools < opt->churn)
		renew_pool(app);
}

unsigned int
gen_step(struct app *app)
{
	uint16_t want, n;
	uint64_t bytes = 0;

	gen_settle(app);
	if (pending_sent == pending_count) {
		if (app->stopping || (app->opt.count != 0 && made >= app->opt.count) ||
			app->now_us < next_burst_us ||
			(app->opt.window != 0 && made - app->rx_own >= app->opt.window))
			return 0;
		prepare(app);
		if (app->opt.gap_us != 0)
			next_burst_us = app->now_us + app->opt.gap_us;
	}
	want = (uint16_t)(pending_count - pending_sent);
	if (want == 0)
		return 0;
	/* Read before sending: the driver owns accepted packets. */
	uint32_t lens[BURST_MAX];

	for (uint16_t i = 0; i < want; i++)
		lens[i] = pending[pending_sent + i]->pkt_len;
	n = rte_eth_tx_burst(pending_port, pending_queue, pending + pending_sent, want);
	for (uint16_t i = 0; i < n; i++)
		bytes += lens[i];
	app->tx_packets += n;
	app->tx_bytes += bytes;
	app->tx_refused += n < want;
	app->tx_max_burst = RTE_MAX(app->tx_max_burst, (uint64_t)n);
	pending_sent += n;
	return n;
}

bool
gen_done(const struct app *app)
{
	return app->opt.count != 0 && made >= app->opt.count && pending_sent == pending_count;
}

bool
gen_settle(struct app *app)
{
	bool all = true;

	if (app->stopping) {
		while (pending_sent < pending_count)
			rte_pktmbuf_free(pending[pending_sent++]);
	}
	for (unsigned int i = 0; i < POOLS_MAX; i++) {
		if (retired[i] == NULL)
			continue;
		if (!rte_mempool_full(retired[i])) {
			reap(app);
			all = false;
			continue;
		}
		rte_mempool_free(retired[i]);
		retired[i] = NULL;
	}
	return all;
}
