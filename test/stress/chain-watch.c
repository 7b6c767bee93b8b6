/* SPDX-License-Identifier: BSD-3-Clause */
/* The watchdog of a member of the chain. */

#include "chain-watch.h"
#include "chain.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <fido/atomic.h>
#include <fido/link.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#define LOOK_US 20000
/* Looks at longer intervals are late: the machine is busy. */
#define LATE_NS UINT64_C(200000000)

static bool
is_rung(const struct chain_watch *w)
{
	struct pollfd fd = {.fd = w->bell_fd, .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

/* Write into the report what the thread could take now. @return false: nothing */
static bool
work_waits(const struct chain_watch *w, char *what, size_t size)
{
	struct fido_rxq_fill rx = {0};
	struct fido_txq_fill tx = {0};

	if (w->rxq != NULL)
		fido_rxq_look(w->rxq, UINT32_MAX, &rx);
	if (w->txq != NULL)
		fido_txq_look(w->txq, &tx);
	if (rx.waiting != 0 && fido_load_relaxed(&w->wants_rx))
		snprintf(what, size, "receive queue: %u descriptors wait to be read", rx.waiting);
	else if (tx.done != 0)
		snprintf(what, size, "transmit queue: %u tickets wait to be reaped", tx.done);
	else if (tx.open && tx.room != 0 && fido_load_relaxed(&w->wants_tx))
		snprintf(what, size,
			"transmit queue: there is room for %u descriptors, and packets wait to be "
			"sent",
			tx.room);
	else
		return false;
	return true;
}

static void *
watch(void *arg)
{
	struct chain_watch *w = arg;
	uint64_t last = chain_now_ns(), asleep = 0, pending = 0;
	char what[sizeof(w->report->lost_wakeup)];

	for (; !fido_load_relaxed(&w->stop); usleep(LOOK_US)) {
		uint64_t now = chain_now_ns(), since = fido_load_acquire(&w->asleep_ns);
		bool same = since == asleep && now - last < LATE_NS;

		last = now;
		asleep = since;
		/* The control thread changes it while the member's thread sleeps. */
		if (w->to != NULL)
			fido_store_relaxed(&w->report->stranded, fido_link_stranded(w->to));
		if (since == 0 || is_rung(w) || !work_waits(w, what, sizeof(what))) {
			pending = 0;
			continue;
		}
		if (!same || pending == 0)
			pending = now;
		if (now - pending < CHAIN_WATCH_LIMIT_NS ||
			fido_load_relaxed(&w->report->wakeup_lost))
			continue;
		snprintf(w->report->lost_wakeup, sizeof(w->report->lost_wakeup), "%s", what);
		fido_store_release(&w->report->wakeup_lost, 1);
	}
	return NULL;
}

int
chain_watch_start(struct chain_watch *w)
{
	return pthread_create(&w->thread, NULL, watch, w);
}

void
chain_watch_stop(struct chain_watch *w)
{
	fido_store_relaxed(&w->stop, 1);
	pthread_join(w->thread, NULL);
}
