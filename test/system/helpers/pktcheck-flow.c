/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <sys/mman.h>

#include <rte_common.h>

#include "pktcheck-flow.h"

static struct flow *
find(struct flows *flows, const struct packet_id *id, uint16_t rxq)
{
	struct flow *f = flows->recent;
	void *seen;

	if (f != NULL && f->seed == id->seed && f->queue == id->queue)
		return f;
	for (f = flows->flow; f < flows->flow + flows->count; f++)
		if (f->seed == id->seed && f->queue == id->queue)
			return f;
	seen = mmap(NULL, FLOW_SEQ_MAX / 8, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (flows->count == FLOWS_MAX || seen == MAP_FAILED)
		return NULL;
	*f = (struct flow){.seed = id->seed,
		.queue = id->queue,
		.rxq = rxq,
		.first = id->seq,
		.last = id->seq,
		.seen = seen};
	flows->count++;
	return f;
}

void
flows_add(struct flows *flows, const struct packet_id *id, uint16_t rxq)
{
	struct flow *f = find(flows, id, rxq);
	uint64_t bit = UINT64_C(1) << (id->seq & 63);

	if (f == NULL || id->seq >= FLOW_SEQ_MAX) {
		flows->unknown++;
		return;
	}
	flows->recent = f;
	f->wrong_queue += rxq != f->rxq;
	if (f->seen[id->seq >> 6] & bit) {
		f->duplicate++;
		return;
	}
	f->seen[id->seq >> 6] |= bit;
	f->packets++;
	f->bytes += id->len;
	f->late += id->seq < f->last;
	f->first = RTE_MIN(f->first, id->seq);
	f->last = RTE_MAX(f->last, id->seq);
}

uint64_t
flow_lost(const struct flow *flow)
{
	return flow->last - flow->first + 1 - flow->packets;
}
