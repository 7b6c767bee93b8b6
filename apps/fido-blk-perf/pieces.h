/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_PIECES_H
#define PERF_PIECES_H

/**
 * @file Memory that is in pieces (struct iovec), seen as one. Offsets count from the first piece's
 * first byte.
 */

#include <stddef.h>
#include <sys/uio.h>

/** @return the bytes in all pieces. */
size_t perf_pieces_length(const struct iovec *iov, unsigned int n);
/**
 * @return len bytes from `offset` on: where they are if they are in one piece, else copied to
 * scratch; NULL: there are not so many.
 */
const void *perf_pieces_at(const struct iovec *iov, unsigned int n, size_t offset, size_t len,
	void *scratch);
/** @return where len bytes from `offset` on lie in one piece; NULL: they do not. */
void *perf_pieces_whole(const struct iovec *iov, unsigned int n, size_t offset, size_t len);
/** Copy len bytes into the pieces from `offset` on, where there is room for them. */
void perf_pieces_put(const struct iovec *iov, unsigned int n, size_t offset, const void *from,
	size_t len);

#endif
