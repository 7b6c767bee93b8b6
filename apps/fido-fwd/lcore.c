/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/epoll.h>

#include <sched.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_epoll.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_pause.h>

#include "counter.h"
#include "engine.h"
#include "lcore.h"
#include "wake.h"

#define NAP_MIN_US 50
#define NAP_MAX_US 1000
#define WAIT_MIN_MS 1
#define WAIT_MAX_MS 100
#define SERVICE_US 1000
/* How long a draining lcore polls a source that cannot be told to stop. */
#define CLOSE_US 100000
/* How long an lcore that quits tries to send the packets it holds. */
#define FLUSH_US 100000
/* Empty rounds between two calls of reap(). */
#define REAP_ROUNDS 256

static uint64_t
us_to_tsc(uint64_t us)
{
	return us * rte_get_tsc_hz() / US_PER_S;
}

/*
 * A sender to an mmnet port can sleep until its buffers return: a return raises the interrupt of Rx
 * queue (Tx queue number modulo number of Rx queues). It cannot if another lcore sleeps on that
 * interrupt.
 */
static void
find_tx_bell(const struct fwd_lcore *lcore, struct fwd_stream *s)
{
	s->tx_bell = s->sink->mmnet && s->sink->rx_intr && !s->sink->source;
	s->tx_bell_queue = s->sink->nb_rxq > 0 ? s->tx_queue % s->sink->nb_rxq : 0;
	for (unsigned int i = 0; i < lcore->nb_streams; i++) {
		const struct fwd_stream *r = lcore->streams[i];

		if (r->rx_port != s->tx_port || r->rx_queue != s->tx_bell_queue)
			continue;
		s->tx_bell = s->sink->mmnet && s->sink->rx_intr;
		s->tx_bell_reader = r;
	}
}

void
fwd_lcore_prepare(struct fwd_lcore *lcore, const struct fwd_options *opt)
{
	lcore->idle = opt->idle;
	lcore->spin_tsc = us_to_tsc(opt->spin_us);
	lcore->spin_now = lcore->spin_tsc;
	lcore->nap_us = NAP_MIN_US;
	lcore->wait_ms = WAIT_MIN_MS;
	for (unsigned int i = 0; i < lcore->nb_streams; i++) {
		struct fwd_stream *s = lcore->streams[i];
		const struct fwd_port *source = &lcore->ports[s->rx_port];

		s->run = fwd_engine_choose(opt->mode, !s->sink->multi_segs, source->rx_unfinished);
		s->rx_bell = source->rx_intr;
		find_tx_bell(lcore, s);
		lcore->can_wait = lcore->can_wait || s->rx_bell || s->tx_bell;
		/* Twice: an interrupt can arrive after its cause was already seen. */
		lcore->rings_max += 2 * s->sink->txd;
	}
}

/* Add the queue's interrupt to the epoll set. Return false if that is impossible. */
static bool
register_bell(uint16_t port, uint16_t queue)
{
	int ret = rte_eth_dev_rx_intr_ctl_q(port, queue, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD,
		NULL);

	return ret == 0 || ret == -EEXIST;
}

/* Add to the lcore's epoll set what wakes it: the interrupts of its queues, and the stop event. */
static void
register_events(struct fwd_lcore *lcore)
{
	for (unsigned int i = 0; i < lcore->nb_streams; i++) {
		struct fwd_stream *s = lcore->streams[i];

		s->rx_bell = s->rx_bell && register_bell(s->rx_port, s->rx_queue);
		s->tx_bell = s->tx_bell && register_bell(s->tx_port, s->tx_bell_queue);
	}
	lcore->wake = (struct rte_epoll_event){.epdata.event = EPOLLIN};
	if (rte_epoll_ctl(RTE_EPOLL_PER_THREAD, EPOLL_CTL_ADD, fwd_wake_fd(), &lcore->wake) != 0)
		lcore->can_wait = false;
}

static void
unregister_events(struct fwd_lcore *lcore)
{
	for (unsigned int i = 0; i < lcore->nb_streams; i++) {
		const struct fwd_stream *s = lcore->streams[i];

		if (s->rx_bell)
			rte_eth_dev_rx_intr_ctl_q(s->rx_port, s->rx_queue, RTE_EPOLL_PER_THREAD,
				RTE_INTR_EVENT_DEL, NULL);
		if (s->tx_bell && s->tx_bell_reader == NULL)
			rte_eth_dev_rx_intr_ctl_q(s->tx_port, s->tx_bell_queue,
				RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_DEL, NULL);
	}
	rte_epoll_ctl(RTE_EPOLL_PER_THREAD, EPOLL_CTL_DEL, fwd_wake_fd(), &lcore->wake);
}

/*
 * Arm the queue's interrupt. Return false if the queue cannot wake the lcore. A driver that cannot
 * switch interrupts returns -ENOTSUP and has them always on (tap: its queues are file descriptors).
 */
static bool
arm_queue(uint16_t port, uint16_t queue)
{
	int ret = rte_eth_dev_rx_intr_enable(port, queue);

	return ret == 0 || ret == -ENOTSUP;
}

/*
 * Arm the interrupt that returned buffers raise. Return false if they do not wake the lcore. An Rx
 * queue that no lcore reads can hold packets, which raise its interrupt for ever: stop arming it
 * after more interrupts than buffers can return.
 */
static bool
arm_tx(const struct fwd_lcore *lcore, const struct fwd_stream *s)
{
	if (!s->tx_bell)
		return false;
	if (s->tx_bell_reader != NULL) /* Its reader arms it, unless that holds packets. */
		return !fwd_stream_is_pending(s->tx_bell_reader);
	return lcore->rings < lcore->rings_max && arm_queue(s->tx_port, s->tx_bell_queue);
}

/* Result of arm(). */
struct armed {
	bool all;  /* each stream waits for something that raises an interrupt */
	bool tx;   /* each returned buffer raises an interrupt */
	bool held; /* some stream holds packets, and no interrupt tells when to retry */
};

/*
 * Arm what each stream waits for: a packet or, if it holds packets, room in its Tx ring. The Rx
 * queue of a stream that holds packets stays unarmed: the stream cannot receive more.
 */
static struct armed
arm(struct fwd_lcore *lcore)
{
	struct armed armed = {.all = true, .tx = true};

	for (unsigned int i = 0; i < lcore->nb_streams; i++) {
		const struct fwd_stream *s = lcore->streams[i];
		bool tx = arm_tx(lcore, s);
		bool ok;

		if (!fwd_stream_is_pending(s)) {
			ok = s->rx_bell && arm_queue(s->rx_port, s->rx_queue);
		} else {
			/* If no packet is ready, it waits for a pool; if the link is down, for the
			 * link. Neither raises an interrupt. */
			ok = tx && s->sent < s->ready && !fwd_port_is_down(s->sink);
			armed.held = armed.held || !ok;
		}
		armed.all = armed.all && ok;
		armed.tx = armed.tx && tx;
	}
	return armed;
}

static void
disarm(struct fwd_lcore *lcore)
{
	for (unsigned int i = 0; i < lcore->nb_streams; i++) {
		const struct fwd_stream *s = lcore->streams[i];

		if (s->rx_bell)
			rte_eth_dev_rx_intr_disable(s->rx_port, s->rx_queue);
		if (s->tx_bell && s->tx_bell_reader == NULL)
			rte_eth_dev_rx_intr_disable(s->tx_port, s->tx_bell_queue);
	}
}

static bool
is_pending(const struct fwd_lcore *lcore)
{
	for (unsigned int i = 0; i < lcore->nb_streams; i++) {
		if (fwd_stream_is_pending(lcore->streams[i]))
			return true;
	}
	return false;
}

static unsigned int
run_streams(struct fwd_lcore *lcore)
{
	unsigned int steps = 0;

	for (unsigned int i = 0; i < lcore->nb_streams; i++)
		steps += lcore->streams[i]->run(lcore->streams[i]);
	return steps;
}

/*
 * Let drivers free sent buffers: their owners wait for them, and an idle stream makes no Tx call
 * that would free them.
 */
static void
reap(struct fwd_lcore *lcore)
{
	for (unsigned int i = 0; i < lcore->nb_streams; i++)
		fwd_port_reap(lcore->streams[i]->sink, lcore->streams[i]->tx_queue);
}

/* Sleep for nap_us, and double it for the next nap. */
static void
nap(struct fwd_lcore *lcore)
{
	fwd_count(&lcore->sleeps, 1);
	rte_delay_us_sleep(lcore->nap_us);
	lcore->nap_us = RTE_MIN(lcore->nap_us * 2, (uint32_t)NAP_MAX_US);
}

/* Return whether sent buffers can still return. */
static bool
has_buffers_out(const struct fwd_lcore *lcore)
{
	for (unsigned int i = 0; i < lcore->nb_streams; i++) {
		const struct fwd_port *sink = lcore->streams[i]->sink;

		if (fwd_port_counter(sink, FWD_TX_BUFFERS_OUT) > 0)
			return true;
		/* The driver frees buffers on request, but does not count those it holds. */
		if (sink->tx_cleanup && !sink->has_counter[FWD_TX_BUFFERS_OUT])
			return true;
	}
	return false;
}

/*
 * Return the longest time to sleep, in milliseconds; -1: until an interrupt.
 *
 * While buffers are out that return without an interrupt, limit the sleep: their owners wait for
 * them. The limit starts short, as traffic has just ended. idle() reaps the last buffers before it
 * arms the queues for the next sleep, and arming passes them on: so sleep without a limit only one
 * sleep after all have returned.
 */
static int
wait_limit(struct fwd_lcore *lcore, const struct armed *armed)
{
	uint64_t left;
	int ms = -1;

	if (!armed->all)
		return WAIT_MIN_MS;
	if (!armed->tx && !lcore->settled) {
		ms = lcore->wait_ms;
		if (lcore->wait_ms == WAIT_MAX_MS)
			lcore->settled = !has_buffers_out(lcore);
		lcore->wait_ms = RTE_MIN(lcore->wait_ms * 2, (uint32_t)WAIT_MAX_MS);
	}
	if (lcore->service == NULL || lcore->service_due == UINT64_MAX)
		return ms;
	left = lcore->service_due - RTE_MIN(lcore->service_due, rte_rdtsc());
	/* Round up: a wait that ends too early would be followed by many waits of 0 ms. */
	left = left / (rte_get_tsc_hz() / MS_PER_S) + 1;
	return RTE_MIN((uint64_t)(unsigned int)ms, RTE_MIN(left, (uint64_t)INT32_MAX));
}

/*
 * Sleep until an interrupt or the stop event.
 *
 * Arm first, then poll once more: the poll finds a packet that arrived before the arming, and a
 * later one raises the interrupt. If the poll makes progress, do not sleep.
 *
 * @return
 *   Steps done by the poll
 */
static unsigned int
wait_for_packet(struct fwd_lcore *lcore)
{
	struct rte_epoll_event events[16];
	uint64_t begin = rte_rdtsc();
	struct armed armed = arm(lcore);
	unsigned int steps = run_streams(lcore);

	/*
	 * Polling found nothing: poll half as long next time, as other domains may need the core.
	 */
	if (lcore->looked)
		lcore->spin_now /= 2;
	lcore->looked = false;

	if (steps == 0 && !armed.held) {
		fwd_count(&lcore->sleeps, 1);
		if (rte_epoll_wait_interruptible(RTE_EPOLL_PER_THREAD, events, RTE_DIM(events),
			    wait_limit(lcore, &armed)) > 0)
			lcore->rings++;
	}
	disarm(lcore);
	/* The domain that empties the ring may need this core. */
	if (steps == 0 && armed.held)
		nap(lcore);
	/* The sleep was so short that polling would have done as well. */
	if (rte_rdtsc() - begin < lcore->spin_tsc)
		lcore->spin_now = lcore->spin_tsc;
	return steps;
}

/* Act on a round without progress, as the idle mode says. Return steps done after all. */
static unsigned int
idle(struct fwd_lcore *lcore, int phase)
{
	bool patient = lcore->idle == FWD_IDLE_POLL || phase != FWD_RUN ||
		lcore->now - lcore->last_step < lcore->spin_now;

	if (!patient || lcore->empty_rounds % REAP_ROUNDS == REAP_ROUNDS - 1)
		reap(lcore);
	lcore->empty_rounds++;
	if (patient) {
		lcore->looked = true;
		/* The domain that has the next packet may wait for this CPU. */
		if (lcore->idle == FWD_IDLE_ADAPTIVE)
			sched_yield();
		else
			rte_pause();
		return 0;
	}
	if (lcore->can_wait)
		return wait_for_packet(lcore);
	nap(lcore);
	return 0;
}

/*
 * Stop receiving from ports other than mmnet. The peer of an mmnet port stops when told to, and all
 * that it posted is received. Any other source may send for ever.
 */
static void
close_others(struct fwd_lcore *lcore)
{
	for (unsigned int i = 0; i < lcore->nb_streams; i++) {
		struct fwd_stream *s = lcore->streams[i];

		if (!lcore->ports[s->rx_port].mmnet)
			s->closed = true;
	}
}

static void
publish(struct fwd_lcore *lcore, unsigned int steps, int phase)
{
	if (steps > 0) {
		/* Polling found something: poll for the full time again. */
		if (lcore->looked)
			lcore->spin_now = lcore->spin_tsc;
		lcore->looked = false;
		lcore->last_step = lcore->now;
		lcore->empty_rounds = 0;
		lcore->nap_us = NAP_MIN_US;
		lcore->wait_ms = WAIT_MIN_MS;
		lcore->settled = false;
		lcore->rings = 0;
		atomic_store_explicit(&lcore->published_step, lcore->now, memory_order_relaxed);
	}
	if (phase != FWD_RUN) {
		if (lcore->drain_tsc == 0)
			lcore->drain_tsc = lcore->now;
		else if (lcore->now - lcore->drain_tsc >= us_to_tsc(CLOSE_US))
			close_others(lcore);
		atomic_store_explicit(&lcore->pending, is_pending(lcore), memory_order_relaxed);
		/* Release: pairs with is_quiet(), which then sees what was published before. */
		atomic_store_explicit(&lcore->phase_seen, phase, memory_order_release);
	}
}

static void
flush(struct fwd_lcore *lcore)
{
	uint64_t end = rte_rdtsc() + us_to_tsc(FLUSH_US);

	for (unsigned int i = 0; i < lcore->nb_streams; i++) {
		struct fwd_stream *s = lcore->streams[i];

		/* While a stream holds packets, run() sends and does not receive. */
		while (fwd_stream_is_pending(s) && rte_rdtsc() < end) {
			s->run(s);
			fwd_port_reap(s->sink, s->tx_queue);
		}
		if (fwd_stream_is_pending(s))
			fwd_engine_drop(s);
	}
}

int
fwd_lcore_run(void *arg)
{
	struct fwd_lcore *lcore = arg;
	uint64_t service_every = us_to_tsc(SERVICE_US);
	uint64_t before;
	unsigned int steps;
	int phase;

	if (lcore->idle != FWD_IDLE_POLL)
		register_events(lcore);
	lcore->now = rte_rdtsc();
	lcore->last_step = lcore->now;
	while ((phase = atomic_load_explicit(lcore->phase, memory_order_acquire)) != FWD_QUIT) {
		steps = run_streams(lcore);
		if (steps == 0)
			steps = idle(lcore, phase);
		before = lcore->now;
		lcore->now = rte_rdtsc();
		if (steps == 0)
			fwd_count(&lcore->idle_tsc, lcore->now - before);
		publish(lcore, steps, phase);
		if (lcore->service != NULL && lcore->now >= lcore->service_tsc) {
			lcore->service_due = lcore->service(lcore->service_arg);
			lcore->service_tsc = lcore->now + service_every;
		}
	}
	flush(lcore);
	if (lcore->idle != FWD_IDLE_POLL)
		unregister_events(lcore);
	return 0;
}
