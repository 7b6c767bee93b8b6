/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_PIECES_H
#define PERF_PIECES_H

/** @file Memory that is in pieces (struct iovec), seen as one. */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>

/** Copy len bytes from `offset` on out of the pieces, or into them. @return how many there are */
static inline size_t
perf_pieces_copy(const struct iovec *iov, unsigned int n, size_t offset, void *flat, size_t len,
	bool into)
{
	size_t done = 0;

	for (unsigned int i = 0; i < n && done < len; i++) {
		size_t part = offset < iov[i].iov_len ? iov[i].iov_len - offset : 0;
		char *piece = (char *)iov[i].iov_base + offset, *at = (char *)flat + done;

		part = part < len - done ? part : len - done;
		if (part != 0)
			memcpy(into ? piece : at, into ? at : piece, part);
		done += part;
		offset -= part != 0 ? offset : iov[i].iov_len;
	}
	return done;
}

/** @return len bytes from `offset` on: where they are if they are in one piece, else in scratch. */
static inline const void *
perf_pieces_at(const struct iovec *iov, unsigned int n, size_t offset, size_t len, void *scratch)
{
	size_t at = offset;

	for (unsigned int i = 0; i < n && at < iov[i].iov_len + len; at -= iov[i++].iov_len) {
		if (at + len <= iov[i].iov_len)
			return (const char *)iov[i].iov_base + at;
		if (at < iov[i].iov_len)
			break;
	}
	perf_pieces_copy(iov, n, offset, scratch, len, false);
	return scratch;
}

#endif
