/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_RX_READER_H
#define MMNET_RX_READER_H

/** @file A receive burst under way: where it stands, and what it will have counted. For mmnet_rx.c. */

#include "mmnet_rxq.h"

/** What a burst adds to the counters. */
struct tally {
	uint64_t bytes;
	uint32_t packets;
	uint32_t zero;
	uint32_t header;
	uint32_t copied;
	uint32_t polled;
	uint32_t completed;
	uint32_t bad;
	uint32_t too_long;
};

/** A ring that is being read. */
struct reader {
	struct mmnet_rxq *rxq;
	struct fido_receiver *r;
	struct rte_mbuf **pkts;
	uint16_t n;
	uint16_t max;
	struct tally t;
};

/** Add a burst to a queue's counters. The queue's lock is held. */
static inline void
tally_count(const struct tally *t, struct fido_rx_stats_shm *s)
{
	fido_counter_add(&s->polled, t->polled);
	fido_counter_add(&s->packets, t->packets);
	fido_counter_add(&s->bytes, t->bytes);
	if (t->completed != 0)
		fido_counter_add(&s->completed, t->completed);
	if (t->zero != 0)
		fido_counter_add(&s->zero_copy, t->zero);
	if (t->header != 0)
		fido_counter_add(&s->header, t->header);
	if (t->copied != 0)
		fido_counter_add(&s->copied, t->copied);
	if (unlikely(t->bad != 0))
		fido_counter_add(&s->bad, t->bad);
	if (unlikely(t->too_long != 0))
		fido_counter_add(&s->too_long, t->too_long);
}

#endif
