/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "pieces.h"

size_t
perf_pieces_length(const struct iovec *iov, unsigned int n)
{
	size_t len = 0;

	for (unsigned int i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len;
}

/* The piece that byte *offset is in; *offset becomes its place there. n when there is none. */
static unsigned int
find(const struct iovec *iov, unsigned int n, size_t *offset)
{
	unsigned int i = 0;

	while (i < n && *offset >= iov[i].iov_len)
		*offset -= iov[i++].iov_len;
	return i;
}

void *
perf_pieces_whole(const struct iovec *iov, unsigned int n, size_t offset, size_t len)
{
	unsigned int i = find(iov, n, &offset);

	if (i == n || iov[i].iov_len - offset < len)
		return NULL;
	return (char *)iov[i].iov_base + offset;
}

const void *
perf_pieces_at(const struct iovec *iov, unsigned int n, size_t offset, size_t len, void *scratch)
{
	const void *whole = perf_pieces_whole(iov, n, offset, len);
	unsigned int i = find(iov, n, &offset);
	size_t done = 0;

	if (whole != NULL)
		return whole;
	for (; i < n && done < len; i++) {
		size_t part = iov[i].iov_len - offset;

		part = part < len - done ? part : len - done;
		memcpy((char *)scratch + done, (const char *)iov[i].iov_base + offset, part);
		done += part;
		offset = 0;
	}
	return done == len ? scratch : NULL;
}

void
perf_pieces_put(const struct iovec *iov, unsigned int n, size_t offset, const void *from,
	size_t len)
{
	unsigned int i = find(iov, n, &offset);
	size_t done = 0;

	for (; i < n && done < len; i++) {
		size_t part = iov[i].iov_len - offset;

		part = part < len - done ? part : len - done;
		memcpy((char *)iov[i].iov_base + offset, (const char *)from + done, part);
		done += part;
		offset = 0;
	}
}
