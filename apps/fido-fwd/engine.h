/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * engine: the functions that move packets through a stream, one for each mode and each kind of Tx
 * port. Which one a stream uses is chosen once.
 */
#ifndef FIDO_FWD_ENGINE_H
#define FIDO_FWD_ENGINE_H

#include <stdbool.h>

#include "stream.h"

/*
 * Return the engine for a mode.
 *
 * @param linear
 *   The Tx port takes packets of one segment only
 * @param offload
 *   Packets may come that are not finished; the Tx port finishes them, and is not linear
 */
fwd_engine fwd_engine_choose(enum fwd_mode mode, bool linear, bool offload);

/* Free and count as dropped all packets that the stream holds; return how many. */
unsigned int fwd_engine_drop(struct fwd_stream *stream);

#endif
