/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIO_ENGINE_H
#define FIO_ENGINE_H

/**
 * @file
 * The engine's state of one fio job. fio calls setup() in its main process, and the other functions
 * in the job's own thread or process. So setup() opens the volume only to learn its size. The job
 * opens it after fio has allocated its buffers, because the backend maps them before it answers.
 * Include this after fio's headers.
 */

#include "options.h"
#include "volume.h"

struct engine {
	struct fio_volume volume;
	bool lends;   /* reads lend memory */
	bool copies;  /* copy lent reads: fio verifies them */
	bool touches; /* access every byte */
	uint64_t sum; /* of all words read: so that the compiler keeps the reads */
	bool sleeps;  /* instead of polling */
	bool can_flush;
	uint32_t change_flags;            /* of writes and trims: FIDO_BLK_FUA or 0 */
	struct fido_blk_request *pending; /* queued, not submitted yet */
	struct iovec *iov;                /* one per pending request */
	unsigned int pending_count;
	unsigned int depth;
	struct io_u **done; /* completed requests, in order of completion */
	unsigned int done_count;
	unsigned int given;  /* of these, returned by the last getevents() */
	struct timespec end; /* when the job was over, or of the last completion after that */
	bool ends;           /* `end` is set */
	bool gave_up;        /* wait for no more completions */
};

/** set_up.c: operations before and after the requests; see fio's struct ioengine_ops. */
int fio_fido_setup(struct thread_data *td);
int fio_fido_init(struct thread_data *td);
int fio_fido_post_init(struct thread_data *td);
void fio_fido_cleanup(struct thread_data *td);
int fio_fido_iomem_alloc(struct thread_data *td, size_t size);
void fio_fido_iomem_free(struct thread_data *td);

#endif
