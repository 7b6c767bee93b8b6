/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PKTCHECK_FLOW_H
#define PKTCHECK_FLOW_H

/**
 * @file
 * What has arrived of each flow, that is, of the packets that one queue of one program sent: counts
 * lost, duplicate and late packets, and records the receive queue.
 */

#include <stdint.h>

#include "pktcheck-packet.h"

#define FLOWS_MAX 256
/* Packets of a flow beyond this number are not told apart. */
#define FLOW_SEQ_MAX (UINT64_C(1) << 27)

struct flow {
	uint32_t seed;
	uint16_t queue;
	uint16_t rxq;     /**< queue that it arrived on first */
	uint64_t packets; /**< without duplicates */
	uint64_t bytes;
	uint64_t first; /**< smallest and largest number seen */
	uint64_t last;
	uint64_t duplicate;
	uint64_t late;        /**< came after one with a larger number */
	uint64_t wrong_queue; /**< came on another queue than the first */
	uint64_t *seen;       /**< a bit for each */
};

struct flows {
	struct flow flow[FLOWS_MAX];
	unsigned int count;
	struct flow *recent;
	uint64_t unknown; /**< flows beyond the table's size */
};

/** Count one packet. */
void flows_add(struct flows *flows, const struct packet_id *id, uint16_t rxq);
/** @return number of packets missing between the first and the last that arrived */
uint64_t flow_lost(const struct flow *flow);

#endif
