/* SPDX-License-Identifier: BSD-3-Clause */
/* Receiving: check each packet, then keep, free, return or clone it. */

#include <errno.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "pktcheck.h"

/* Kept packets are freed this long after the last packet. */
#define QUIET_US 50000

static struct rte_mbuf **held;
static uint64_t held_get, held_put; /* in order: free-running; clone: held_put is their number */
static struct rte_mbuf *back[BURST_MAX];
static unsigned int back_count, back_sent;
static uint16_t back_port, back_queue;

int
receive_init(struct app *app)
{
	const struct options *opt = &app->opt;

	held = calloc(opt->hold + 2 * BURST_MAX * 3, sizeof(*held));
	if (held == NULL)
		return -ENOMEM;
	if (opt->mode != MODE_CLONE)
		return 0;
	app->clone_pool = pool_create(POOL_DEFAULT, "clones", 32768, 64);
	app->to_worker =
		rte_ring_create("to_worker", 16384, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	return app->clone_pool != NULL && app->to_worker != NULL ? 0 : -rte_errno;
}

/* @return true when the packet is right */
static bool
check(struct app *app, const struct rte_mbuf *m, struct packet_id *id)
{
	bool swapped;
	int at = packet_check(m, id, &swapped);

	if (at >= 0) {
		if (__atomic_fetch_add(&app->corrupt, 1, __ATOMIC_RELAXED) < 10)
			fprintf(stderr,
				"pktcheck: byte %d of packet %lu of flow %x:%u (%u bytes, %u "
				"segments) is wrong\n",
				at, (unsigned long)id->seq, id->seed, id->queue, m->pkt_len,
				m->nb_segs);
		return false;
	}
	app->swapped += swapped;
	return true;
}

static void
check_and_free(struct app *app, struct rte_mbuf *m)
{
	struct packet_id id;

	check(app, m, &id);
	rte_pktmbuf_free(m);
}

static void
take(struct app *app, struct rte_mbuf *m, uint16_t rxq)
{
	struct packet_id id;

	app->rx_packets++;
	app->rx_bytes += m->pkt_len;
	app->rx_max_segs = RTE_MAX(app->rx_max_segs, (uint64_t)m->nb_segs);
	if (!check(app, m, &id))
		return;
	flows_add(&app->flows, &id, rxq);
	app->checked += (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	if (id.seed == app->opt.seed) {
		app->rx_own++;
		times_came_back(app, m, id.seq);
	}
}

/* Keep opt->hold packets: checking them again detects an owner that did not wait for them. */
static void
keep(struct app *app, struct rte_mbuf *m)
{
	if (app->opt.hold == 0) {
		rte_pktmbuf_free(m);
		return;
	}
	if (held_put - held_get == app->opt.hold)
		check_and_free(app, held[held_get++ % app->opt.hold]);
	held[held_put++ % app->opt.hold] = m;
}

/* ---- clone ---- */

static void
send_or_free(struct app *app, uint16_t queue, struct rte_mbuf *m)
{
	if (rte_eth_tx_burst(0, queue, &m, 1) != 1)
		check_and_free(app, m);
}

static void
dispose(struct app *app, struct rte_mbuf *m)
{
	switch (random_next() % (app->opt.back != BACK_NO ? 4 : 3)) {
	case 0:
		rte_pktmbuf_free(m);
		break;
	case 1:
		check_and_free(app, m);
		break;
	case 2:
		if (rte_lcore_count() < 2 || rte_ring_enqueue(app->to_worker, m) != 0)
			check_and_free(app, m);
		break;
	default:
		send_or_free(app, 0, m);
		break;
	}
}

static void
keep_clones(struct app *app, struct rte_mbuf *m)
{
	unsigned int n = 1 + random_next() % 2;

	held[held_put++] = m;
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *c = rte_pktmbuf_clone(m, app->clone_pool);

		if (c != NULL)
			held[held_put++] = c;
	}
	while (held_put > app->opt.hold) {
		uint64_t i = random_next() % held_put;
		struct rte_mbuf *out = held[i];

		held[i] = held[--held_put];
		dispose(app, out);
	}
}

int
receive_worker(void *arg)
{
	struct app *app = arg;
	uint64_t x = 1;

	for (;;) {
		bool stop = app->worker_stop;
		void *m;

		if (rte_ring_dequeue(app->to_worker, &m) != 0) {
			if (stop)
				return 0;
			rte_delay_us_sleep(20);
			continue;
		}
		x = packet_mix(x + 1);
		if (x % 3 == 0)
			rte_pktmbuf_free(m);
		else if (x % 3 == 1 || app->opt.back == BACK_NO || app->txq < 2)
			check_and_free(app, m);
		else
			send_or_free(app, 1, m);
	}
}

/* ---- sending back ---- */

static unsigned int
send_back(struct app *app)
{
	uint16_t n = rte_eth_tx_burst(back_port, back_queue, back + back_sent,
		(uint16_t)(back_count - back_sent));

	app->tx_packets += n;
	back_sent += n;
	return n;
}

/* A bridge takes a packet back on the same port as it is, a router only by its IP address. */
static struct rte_mbuf *
turn(const struct app *app, struct rte_mbuf *m)
{
	if (app->opt.ipv4 != IPV4_NO)
		packet_turn(m);
	return m;
}

static unsigned int
receive_queue(struct app *app, uint16_t port, uint16_t queue)
{
	struct rte_mbuf *m[BURST_MAX];
	uint16_t n;

	times_before(app, port);
	n = rte_eth_rx_burst(port, queue, m, (uint16_t)app->opt.burst);
	times_after(app, port, queue, m, n);
	app->rx_max_burst = RTE_MAX(app->rx_max_burst, (uint64_t)n);
	for (uint16_t i = 0; i < n; i++) {
		take(app, m[i], (uint16_t)(port * 100 + queue));
		if (app->opt.mode == MODE_CLONE)
			keep_clones(app, m[i]);
		else if (app->opt.mode == MODE_ECHO)
			back[i] = turn(app, m[i]);
		else
			keep(app, m[i]);
	}
	if (app->opt.mode == MODE_ECHO && n != 0) {
		back_count = n;
		back_sent = 0;
		back_port = port;
		back_queue = queue % app->txq;
		send_back(app);
	}
	return n;
}

/* Kept packets delay reuse, but not forever. */
static void
release_when_quiet(struct app *app, unsigned int received)
{
	static uint64_t last_us;

	if (received != 0)
		last_us = app->now_us;
	else if (app->opt.mode == MODE_SINK && !app->opt.keep && held_get != held_put &&
		app->now_us - last_us > QUIET_US)
		check_and_free(app, held[held_get++ % app->opt.hold]);
}

unsigned int
receive_step(struct app *app)
{
	unsigned int n = 0;

	for (uint16_t port = 0; port < app->nports; port++)
		for (uint16_t q = 0; q < app->rxq; q++) {
			if (back_sent < back_count)
				return n + send_back(app);
			n += receive_queue(app, port, q);
		}
	release_when_quiet(app, n);
	return n;
}

bool
receive_pending(void)
{
	return back_sent < back_count;
}

void
receive_settle(struct app *app)
{
	while (back_sent < back_count)
		rte_pktmbuf_free(back[back_sent++]);
	if (app->opt.mode == MODE_CLONE)
		while (held_put != 0)
			check_and_free(app, held[--held_put]);
	else
		while (held_get != held_put)
			check_and_free(app, held[held_get++ % app->opt.hold]);
}
