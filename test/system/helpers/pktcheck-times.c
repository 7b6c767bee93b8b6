/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive times of the port: on its own clock, within the burst that returned the packet, after its
 * sending, and never before that of the packet before.
 */

#include <errno.h>

#include <rte_ethdev.h>
#include <rte_mbuf_dyn.h>

#include "pktcheck.h"

/* More packets than can be under way (--window). */
#define SENT_MAX 65536u

static int offset = -1;
static uint64_t flag;
static uint64_t before, last[PORTS_MAX][QUEUES_MAX];
static uint64_t sent[SENT_MAX];

static uint64_t
clock_of(uint16_t port)
{
	uint64_t now = 0;

	rte_eth_read_clock(port, &now);
	return now;
}

static uint64_t
time_of(const struct rte_mbuf *m)
{
	return *RTE_MBUF_DYNFIELD(m, offset, const rte_mbuf_timestamp_t *);
}

int
times_init(struct app *app)
{
	int bit = -1;

	if (!app->opt.times)
		return 0;
	offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);
	bit = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, NULL);
	if (offset < 0 || bit < 0 || clock_of(0) == 0) {
		fprintf(stderr, "pktcheck: the ports have no clock, or no field for it\n");
		return -ENOTSUP;
	}
	flag = UINT64_C(1) << bit;
	return 0;
}

void
times_sent(const struct app *app, uint64_t seq)
{
	if (app->opt.times)
		sent[seq % SENT_MAX] = clock_of(0);
}

void
times_before(const struct app *app, uint16_t port)
{
	if (app->opt.times)
		before = clock_of(port);
}

void
times_after(struct app *app, uint16_t port, uint16_t queue, struct rte_mbuf *const *m, uint16_t n)
{
	uint64_t now, t;

	if (!app->opt.times || n == 0)
		return;
	now = clock_of(port);
	for (uint16_t i = 0; i < n; i++) {
		bool has = (m[i]->ol_flags & flag) != 0;

		t = has ? time_of(m[i]) : 0;
		if (!has || t < before || t > now || t < last[port][queue]) {
			app->times_wrong++;
			continue;
		}
		last[port][queue] = t;
		app->times_right++;
	}
}

void
times_came_back(struct app *app, const struct rte_mbuf *m, uint64_t seq)
{
	if (!app->opt.times)
		return;
	if (time_of(m) >= sent[seq % SENT_MAX])
		app->times_own++;
	else
		app->times_wrong++;
}
