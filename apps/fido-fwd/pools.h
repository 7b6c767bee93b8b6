/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pools: the buffers that fido-fwd owns. What comes out of them may be written to; any other mbuf
 * may lie in memory that is read-only here, because it belongs to another domain.
 */
#ifndef FIDO_FWD_POOLS_H
#define FIDO_FWD_POOLS_H

#include <stdint.h>

#include <rte_mempool.h>

#include "options.h"
#include "port.h"

/* Bytes of a packet that a buffer of the header pool holds. */
#define FWD_HEADER_BYTES 128

struct fwd_pools {
	struct rte_mempool *rx;     /* filled by the drivers */
	struct rte_mempool *header; /* first segments of packets whose payload stays in place */
	struct rte_mempool *copy;   /* whole packets; the same as rx where that is large enough */
	uint32_t copy_room;         /* bytes of a packet that fit in one buffer of copy */
};

/*
 * Create the pools that the ports and the mode need, large enough for all rings to be full.
 *
 * @param ports
 *   Probed ports, indexed by port number
 * @param nb_streams
 *   Each holds up to a burst
 * @return
 *   - 0: done; undone by fwd_pools_destroy()
 *   - -ENOMEM, -EINVAL: nothing is kept; a message has been printed
 */
int fwd_pools_create(struct fwd_pools *pools, const struct fwd_options *opt,
	const struct fwd_port *ports, uint32_t nb_streams);

/* Free the pools. No mbuf of theirs may be in use: ports are closed first. */
void fwd_pools_destroy(struct fwd_pools *pools);

#endif
