/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pools: the buffers that fido-fwd owns, and may write to. Any other mbuf may be another domain's
 * memory, mapped read-only.
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
	struct rte_mempool *rx;   /* for the drivers to receive into */
	struct rte_mempool *rest; /* for what does not fit into a buffer of rx; NULL: not needed */
	struct rte_mempool *header; /* copied headers; the payload stays in place */
	struct rte_mempool *copy;   /* copied packets; rx if its buffers are large enough */
	uint32_t copy_room;         /* packet bytes that a buffer of copy holds */
};

/*
 * Create the pools that the ports and the mode need, large enough to fill all rings.
 *
 * @param ports
 *   Probed ports, indexed by port number
 * @param nb_streams
 *   Number of streams; each holds up to a burst
 * @return
 *   - 0: done; undone by fwd_pools_destroy()
 *   - -ENOMEM, -EINVAL: no pool is left; a message has been printed
 */
int fwd_pools_create(struct fwd_pools *pools, const struct fwd_options *opt,
	const struct fwd_port *ports, uint32_t nb_streams);

/* Free the pools. None of their mbufs may be in use: close the ports first. */
void fwd_pools_destroy(struct fwd_pools *pools);

#endif
