/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIO_ENGINE_H
#define FIO_ENGINE_H

/**
 * @file
 * A job of fio's, as the engine sees it. fio calls setup() in its first process, the others in the
 * job's own thread or process: only the size of the volume is kept of the former. The volume is
 * opened when the buffers are there: the backend maps them before it answers. Include it after
 * fio's headers.
 */

#include "options.h"
#include "volume.h"

struct engine {
	struct fio_volume volume;
	bool lends;
	bool copies; /* fio looks at what it reads */
	bool touches; /* every byte is used */
	uint64_t sum; /* of what was read: so that it has to be */
	bool sleeps;
	bool can_flush;
	uint32_t change_flags; /* FIDO_BLK_FUA, of writes */
	struct fido_blk_request *pending; /* queued, and not submitted yet */
	struct iovec *iov; /* of each of these */
	unsigned int pending_count;
	unsigned int depth;
	struct io_u **done; /* complete, in the order in which they came */
	unsigned int done_count;
	unsigned int given; /* of these, what fio got from the last getevents() */
	struct timespec end; /* since when the job is over and nothing has come */
	bool ends;
	bool gave_up;
};

/** set_up.c: what fio calls before and after the requests; see its struct ioengine_ops. */
int fio_fido_setup(struct thread_data *td);
int fio_fido_init(struct thread_data *td);
int fio_fido_post_init(struct thread_data *td);
void fio_fido_cleanup(struct thread_data *td);
int fio_fido_iomem_alloc(struct thread_data *td, size_t size);
void fio_fido_iomem_free(struct thread_data *td);

#endif
