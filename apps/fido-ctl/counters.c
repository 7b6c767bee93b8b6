/* SPDX-License-Identifier: BSD-3-Clause */
#include "counters.h"

#define TX(field) (offsetof(struct fido_tx_stats_shm, field) / sizeof(uint64_t))
#define RX(field) (offsetof(struct fido_rx_stats_shm, field) / sizeof(uint64_t))

const struct ctl_counter ctl_tx_counters[] = {
	{"packets", "PACKETS", TX(packets)},
	{"bytes", "BYTES", TX(bytes)},
	{"zero_copy", "ZERO-COPY", TX(zero_copy)},
	{"forwarded", "FORWARDED", TX(forwarded)},
	{"copied", "COPIED", TX(copied)},
	{"posted", NULL, TX(posted)},
	{"reaped", NULL, TX(reaped)},
	{"errors", "ERRORS", TX(errors)},
	{"ring_full", "RING-FULL", TX(ring_full)},
	{"doorbells", "DOORBELLS", TX(doorbells)},
	{"dropped", "DROPPED", TX(dropped)},
	{NULL, NULL, 0},
};

const struct ctl_counter ctl_rx_counters[] = {
	{"packets", "PACKETS", RX(packets)},
	{"bytes", "BYTES", RX(bytes)},
	{"zero_copy", "ZERO-COPY", RX(zero_copy)},
	{"header", "HEADER", RX(header)},
	{"copied", "COPIED", RX(copied)},
	{"polled", NULL, RX(polled)},
	{"completed", NULL, RX(completed)},
	{"bad", "BAD", RX(bad)},
	{"too_long", "TOO-LONG", RX(too_long)},
	{"no_buffer", "NO-BUFFER", RX(no_buffer)},
	{"doorbells", "DOORBELLS", RX(doorbells)},
	{"wakeups", "WAKEUPS", RX(wakeups)},
	{NULL, NULL, 0},
};

/* In the order of the columns. */
const struct ctl_counter ctl_blk_counters[] = {
	{"reads", "READS", CTL_BLK_COUNTER(requests[FIDO_BLK_READ])},
	{"read_bytes", "READ", CTL_BLK_COUNTER(read_bytes)},
	{"writes", "WRITES", CTL_BLK_COUNTER(requests[FIDO_BLK_WRITE])},
	{"write_bytes", "WRITTEN", CTL_BLK_COUNTER(write_bytes)},
	{"flushes", "FLUSHES", CTL_BLK_COUNTER(requests[FIDO_BLK_FLUSH])},
	{"discards", "DISCARDS", CTL_BLK_COUNTER(requests[FIDO_BLK_DISCARD])},
	{"write_zeroes", "ZEROES", CTL_BLK_COUNTER(requests[FIDO_BLK_WRITE_ZEROES])},
	{"errors", "ERRORS", CTL_BLK_COUNTER(errors)},
	{"bad", NULL, CTL_BLK_COUNTER(bad)},
	{"lent", NULL, CTL_BLK_COUNTER(lent)},
	{"returned", NULL, CTL_BLK_COUNTER(returned)},
	{"waits", "WAITS", CTL_BLK_COUNTER(waits)},
	{NULL, NULL, 0},
};
