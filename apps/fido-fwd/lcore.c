/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/epoll.h>

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
/* How long a source that cannot be told to stop is listened to while draining. */
#define CLOSE_US 100000
/* How long an lcore that quits goes on trying to send what it holds. */
#define FLUSH_US 100000
/* Empty rounds from one reaping to the next. */
#define REAP_ROUNDS 256

static uint64_t
us_to_tsc(uint64_t us)
{
	return us * rte_get_tsc_hz() / US_PER_S;
}

/*
 * A sender to an mmnet port can sleep until its buffers come back: that raises the interrupt of the
 * Rx queue with the Tx queue's number, modulo their number. Unless another lcore sleeps on it.
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
		/* Twice: an interrupt may have been on its way when its cause was seen. */
		lcore->rings_max += 2 * s->sink->txd;
	}
}

/* Return false when an interrupt cannot be waited for. */
static bool
register_bell(uint16_t port, uint16_t queue)
{
	int ret = rte_eth_dev_rx_intr_ctl_q(port, queue, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD,
		NULL);

	return ret == 0 || ret == -EEXIST;
}

/* Add what wakes this lcore to its epoll set: the interrupts of its queues, and the end. */
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
 * A driver whose interrupts cannot be switched (tap: its queues are file descriptors) answers
 * -ENOTSUP, and its interrupts are always on. Any other failure leaves a queue that wakes nobody.
 */
static bool
arm_queue(uint16_t port, uint16_t queue)
{
	int ret = rte_eth_dev_rx_intr_enable(port, queue);

	return ret == 0 || ret == -ENOTSUP;
}

/*
 * Have buffers that come back wake us. A queue that nobody reads may have packets in it, and its
 * interrupt is raised again and again: then it has been raised more often than buffers were out.
 */
static bool
arm_tx(const struct fwd_lcore *lcore, const struct fwd_stream *s)
{
	if (!s->tx_bell)
		return false;
	if (s->tx_bell_reader != NULL) /* Armed by its reader, if at all. */
		return !fwd_stream_is_pending(s->tx_bell_reader);
	return lcore->rings < lcore->rings_max && arm_queue(s->tx_port, s->tx_bell_queue);
}

/* What arm() found. */
struct armed {
	bool all;  /* whatever any stream waits for raises an interrupt */
	bool tx;   /* and so does any buffer that comes back */
	bool held; /* some stream holds packets and has nothing to wait for but time */
};

/*
 * Arm what each stream waits for: a packet; or, while it holds some, room in its Tx ring. Its Rx
 * queue stays unarmed then: there are packets in it, but no use for them.
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
			/* With nothing ready it waits for buffers of a pool, with the link down
			 * for the link. */
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
 * Let drivers take back what was sent: its buffers belong to whoever waits for them, and with no
 * further packet to send there is no further call that would look.
 */
static void
reap(struct fwd_lcore *lcore)
{
	for (unsigned int i = 0; i < lcore->nb_streams; i++)
		fwd_port_reap(lcore->streams[i]->sink, lcore->streams[i]->tx_queue);
}

/* Sleep a moment; the next one is longer. */
static void
nap(struct fwd_lcore *lcore)
{
	fwd_count(&lcore->sleeps, 1);
	rte_delay_us_sleep(lcore->nap_us);
	lcore->nap_us = RTE_MIN(lcore->nap_us * 2, (uint32_t)NAP_MAX_US);
}

/* Tell whether buffers that were sent may still come back. */
static bool
has_buffers_out(const struct fwd_lcore *lcore)
{
	for (unsigned int i = 0; i < lcore->nb_streams; i++) {
		const struct fwd_port *sink = lcore->streams[i]->sink;

		if (fwd_port_counter(sink, FWD_TX_BUFFERS_OUT) > 0)
			return true;
		/* The driver frees them when told to, and does not say how many it has. */
		if (sink->tx_cleanup && !sink->has_counter[FWD_TX_BUFFERS_OUT])
			return true;
	}
	return false;
}

/*
 * Return how many milliseconds to sleep at most; -1: until something comes. While buffers are out
 * that come back without an interrupt the sleep has an end: somebody waits for them. It begins
 * short, because that is soon after traffic. The last ones are reaped before the queues are armed
 * for the next sleep, and arming passes on what that freed: so the sleep without an end is the next
 * one after they were seen to be back.
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
	/* Rounded up: a wait that ends too early would be followed by many of 0 ms. */
	left = left / (rte_get_tsc_hz() / MS_PER_S) + 1;
	return RTE_MIN((uint64_t)(unsigned int)ms, RTE_MIN(left, (uint64_t)INT32_MAX));
}

/*
 * Sleep until an interrupt, or the end.
 *
 * Armed first, looked at afterwards: a packet that comes before the arming is seen by the look, one
 * that comes after it raises the interrupt. Something found by the look is worked on instead.
 *
 * @return
 *   Steps done by the look
 */
static unsigned int
wait_for_packet(struct fwd_lcore *lcore)
{
	struct rte_epoll_event events[16];
	uint64_t begin = rte_rdtsc();
	struct armed armed = arm(lcore);
	unsigned int steps = run_streams(lcore);

	/* Looking was in vain: look for half as long the next time, on a core that others may need. */
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
	/* Whoever is to empty the ring may need this core. */
	if (steps == 0 && armed.held)
		nap(lcore);
	/* Something came so soon that looking for it would have been as well. */
	if (rte_rdtsc() - begin < lcore->spin_tsc)
		lcore->spin_now = lcore->spin_tsc;
	return steps;
}

/* Nothing got on in this round: do what the idle mode says. Return steps done after all. */
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
		rte_pause();
		return 0;
	}
	if (lcore->can_wait)
		return wait_for_packet(lcore);
	nap(lcore);
	return 0;
}

/*
 * A peer of an mmnet port stops when told to, and what it had posted is taken in to the end. Any
 * other source may go on for ever: what it has sent until now is in its queue, and comes at once.
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
		/* Looking paid: go on so. */
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
		/* Release: who sees the phase sees what was published before. */
		atomic_store_explicit(&lcore->phase_seen, phase, memory_order_release);
	}
}

static void
flush(struct fwd_lcore *lcore)
{
	uint64_t end = rte_rdtsc() + us_to_tsc(FLUSH_US);

	for (unsigned int i = 0; i < lcore->nb_streams; i++) {
		struct fwd_stream *s = lcore->streams[i];

		/* A stream that holds packets sends them, and receives only at a later call. */
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
