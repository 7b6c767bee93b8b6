/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_branch_prediction.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include "counter.h"
#include "engine.h"
#include "packet.h"
#include "sum.h"

/*
 * How many packets ahead to prefetch data that will be read: it is usually in another core's cache.
 * Prefetch into the second-level cache: the first level has few fill buffers, and the reads of the
 * current packet would wait for them.
 */
#define PREFETCH_AHEAD 4

static __rte_always_inline void
prefetch(const struct fwd_stream *s, uint16_t i)
{
	if (i + PREFETCH_AHEAD < s->count)
		rte_prefetch1(rte_pktmbuf_mtod(s->packet[i + PREFETCH_AHEAD], const void *));
}

/*
 * Prefetch the rest of the next packet if it lies in a peer's memory. A packet that was copied is
 * already in our cache.
 */
static __rte_always_inline void
prefetch_rest(const struct fwd_stream *s, uint16_t i)
{
	const struct rte_mbuf *m;

	if (i + 1 >= s->count)
		return;
	m = s->packet[i + 1];
	if (!RTE_MBUF_HAS_EXTBUF(m))
		return;
	for (uint32_t at = RTE_CACHE_LINE_SIZE; at < m->data_len; at += RTE_CACHE_LINE_SIZE)
		rte_prefetch1(rte_pktmbuf_mtod_offset(m, const void *, at));
}

/*
 * Receive the next burst and return its size. Its packets are ready to send at once, unless the
 * mode writes to them, or some need to be linearised or to get headers of their own.
 */
static __rte_always_inline uint16_t
receive(struct fwd_stream *s, const enum fwd_mode mode, const bool linear, const bool offload)
{
	uint16_t n = rte_eth_rx_burst(s->rx_port, s->rx_queue, s->packet, s->burst);
	uint64_t bytes = 0;
	uint64_t sum = 0;
	uint16_t segs = 0;

	if (n == 0)
		return 0;
	s->count = n;
	s->next = 0;
	s->ready = 0;
	s->sent = 0;
	for (uint16_t i = 0; i < n; i++) {
		bytes += s->packet[i]->pkt_len;
		if (linear)
			segs |= s->packet[i]->nb_segs;
		if (offload) {
			fwd_packet_ask(s->packet[i], s->udp_lro);
			if (!s->sink->unfinished && fwd_packet_needs_headers(s->packet[i]))
				segs |= 2;
		}
		if (mode == FWD_TOUCH) {
			prefetch(s, i);
			prefetch_rest(s, i);
			sum += fwd_sum_packet(s->packet[i]);
		}
	}
	fwd_count(&s->counters.rx_packets, n);
	fwd_count(&s->counters.rx_bytes, bytes);
	if (mode == FWD_TOUCH)
		fwd_count(&s->counters.sum, sum);
	s->pending_bytes = bytes;
	if (mode != FWD_MAC && likely(segs <= 1)) {
		s->next = n;
		s->ready = n;
	}
	return n;
}

static __rte_noinline void
drop_too_long(struct fwd_stream *s, struct rte_mbuf *m)
{
	s->pending_bytes -= m->pkt_len;
	rte_pktmbuf_free(m);
	fwd_count(&s->counters.dropped_packets, 1);
	fwd_count(&s->counters.too_long_packets, 1);
}

/* Make packets ready to send until all are or a pool is empty. Return how many were processed. */
static __rte_always_inline unsigned int
prepare(struct fwd_stream *s, const enum fwd_mode mode, const bool linear, const bool offload)
{
	struct fwd_packet_work work = {0};
	uint16_t start = s->next;
	struct rte_mbuf *m;

	for (; s->next < s->count; s->next++) {
		m = s->packet[s->next];
		if (mode == FWD_MAC)
			prefetch(s, s->next);
		if (linear && unlikely(!fwd_packet_fits(m, s->pools, mode == FWD_MAC))) {
			drop_too_long(s, m);
			continue;
		}
		if (mode == FWD_MAC)
			m = fwd_packet_swap(m, s->pools, linear, &work);
		else if (offload)
			m = fwd_packet_own_headers(m, s->pools, &work);
		else
			m = fwd_packet_linearise(m, s->pools, &work);
		if (unlikely(m == NULL))
			break;
		s->packet[s->ready++] = m;
	}
	if (work.header_copies > 0)
		fwd_count(&s->counters.header_copies, work.header_copies);
	if (work.full_copies > 0)
		fwd_count(&s->counters.full_copies, work.full_copies);
	return s->next - start;
}

/*
 * Handle a call that sent nothing: drop the packets if the link is down, else wait for the
 * receiver. If no packet is prepared, because a pool is empty, the driver was not called: let it
 * free sent buffers.
 */
static __rte_noinline unsigned int
stall(struct fwd_stream *s)
{
	fwd_count(&s->counters.tx_stalls, 1);
	if (s->sent == s->ready)
		fwd_port_reap(s->sink, s->tx_queue);
	if (!s->hold && fwd_port_is_down(s->sink))
		return fwd_engine_drop(s);
	return 0;
}

static __rte_always_inline unsigned int
transmit(struct fwd_stream *s)
{
	uint16_t n = 0;

	if (s->sent < s->ready)
		n = rte_eth_tx_burst(s->tx_port, s->tx_queue, &s->packet[s->sent],
			s->ready - s->sent);
	s->sent += n;
	if (n > 0)
		fwd_count(&s->counters.tx_packets, n);
	if (likely(!fwd_stream_is_pending(s)))
		fwd_count(&s->counters.tx_bytes, s->pending_bytes);
	else if (n == 0)
		return stall(s);
	return n;
}

static __rte_always_inline unsigned int
run(struct fwd_stream *s, const enum fwd_mode mode, const bool linear, const bool offload)
{
	unsigned int steps = 0;

	if (likely(!fwd_stream_is_pending(s))) {
		if (unlikely(s->closed))
			return 0;
		steps = receive(s, mode, linear, offload);
		if (steps == 0)
			return 0;
	}
	if ((mode == FWD_MAC || linear || offload) && s->next < s->count)
		steps += prepare(s, mode, linear, offload);
	return steps + transmit(s);
}

static unsigned int
run_io(struct fwd_stream *s)
{
	return run(s, FWD_IO, false, false);
}

static unsigned int
run_io_linear(struct fwd_stream *s)
{
	return run(s, FWD_IO, true, false);
}

static unsigned int
run_io_offload(struct fwd_stream *s)
{
	return run(s, FWD_IO, false, true);
}

static unsigned int
run_mac(struct fwd_stream *s)
{
	return run(s, FWD_MAC, false, false);
}

static unsigned int
run_mac_linear(struct fwd_stream *s)
{
	return run(s, FWD_MAC, true, false);
}

static unsigned int
run_mac_offload(struct fwd_stream *s)
{
	return run(s, FWD_MAC, false, true);
}

static unsigned int
run_touch(struct fwd_stream *s)
{
	return run(s, FWD_TOUCH, false, false);
}

static unsigned int
run_touch_linear(struct fwd_stream *s)
{
	return run(s, FWD_TOUCH, true, false);
}

static unsigned int
run_touch_offload(struct fwd_stream *s)
{
	return run(s, FWD_TOUCH, false, true);
}

fwd_engine
fwd_engine_choose(enum fwd_mode mode, bool linear, bool offload)
{
	static const fwd_engine engines[][3] = {
		[FWD_IO] = {run_io, run_io_linear, run_io_offload},
		[FWD_MAC] = {run_mac, run_mac_linear, run_mac_offload},
		[FWD_TOUCH] = {run_touch, run_touch_linear, run_touch_offload},
	};

	return engines[mode][offload ? 2 : linear];
}

unsigned int
fwd_engine_drop(struct fwd_stream *s)
{
	unsigned int to_send = s->ready - s->sent;
	unsigned int to_prepare = s->count - s->next;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < to_send; i++)
		bytes += s->packet[s->sent + i]->pkt_len;
	for (unsigned int i = 0; i < to_prepare; i++)
		bytes += s->packet[s->next + i]->pkt_len;
	rte_pktmbuf_free_bulk(&s->packet[s->sent], to_send);
	rte_pktmbuf_free_bulk(&s->packet[s->next], to_prepare);
	s->sent = s->ready;
	s->next = s->count;
	fwd_count(&s->counters.tx_bytes, s->pending_bytes - bytes);
	fwd_count(&s->counters.dropped_packets, to_send + to_prepare);
	return to_send + to_prepare;
}
