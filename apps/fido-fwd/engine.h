/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * engine: the functions that move packets through a stream, one for each mode and each kind of Tx
 * port. The lcore chooses a stream's engine once, before it runs.
 */
#ifndef FIDO_FWD_ENGINE_H
#define FIDO_FWD_ENGINE_H

#include <stdbool.h>

#include "stream.h"

/*
 * Return the engine for a mode.
 *
 * @param linear
 *   The Tx port sends packets of one segment only
 * @param offload
 *   The Rx port delivers packets without checksums, or to be segmented; the Tx port completes them,
 *   and is not linear
 */
fwd_engine fwd_engine_choose(enum fwd_mode mode, bool linear, bool offload);

/* Free all packets that the stream holds and count them as dropped. Return how many. */
unsigned int fwd_engine_drop(struct fwd_stream *stream);

#endif
