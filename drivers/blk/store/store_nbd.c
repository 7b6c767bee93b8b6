/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Volumes on NBD servers:
 *
 *   nbd:URI      nbd:nbd://host/export, nbd:nbd+unix:///export?socket=/run/disk.sock,
 *                nbd:nbds://... (all that libnbd supports)
 *
 * Each channel has its own connection if the server allows it (multi-conn); else there is only one
 * channel.
 *
 * An error of the server is passed on as the errno that it sends. When the connection is lost:
 *   - requests in flight fail with -ENOTCONN: whether a write was done is unknown
 *   - the channel tries to reconnect about once a second; new requests fail with -ENOTCONN between
 *     tries, and wait during a try (at most CONNECT_LIMIT_MS)
 *   - if the export then has another size or fewer features, requests fail with -ESTALE until the
 *     right export is back
 *
 * The connecting thread blocks while it resolves a host name: prefer addresses, since that may be a
 * worker's thread.
 *
 * Identity: URI and size. New contents behind the same URI cannot be distinguished from a restart
 * of the server.
 */

#include "store_nbd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fido/clock.h>
#include <fido/log.h>

#include "buffers.h"

#define OPEN_LIMIT_MS 10000
/* Block size if the server names none, as in the specification; largest block size. */
#define BLOCK_DEFAULT 512
#define BLOCK_MAX 65536

int
blk_nbd_errno(void)
{
	int err = nbd_get_errno();

	return err > 0 ? -err : -EIO;
}

struct nbd_handle *
blk_nbd_handle(void)
{
	struct nbd_handle *h = nbd_create();

	if (h == NULL)
		return NULL;
	/* Buffers are lent only after success; libnbd checks that the server sent all data. */
	if (nbd_set_pread_initialize(h, false) != 0 || nbd_set_uri_allow_local_file(h, true) != 0) {
		nbd_close(h);
		return NULL;
	}
	return h;
}

static uint32_t
feature(int answer, uint32_t bit)
{
	return answer == 1 ? bit : 0;
}

void
blk_nbd_export_read(struct blk_nbd_export *e, struct nbd_handle *h)
{
	int64_t size = nbd_get_size(h), min = nbd_get_block_size(h, LIBNBD_SIZE_MINIMUM),
		max = nbd_get_block_size(h, LIBNBD_SIZE_MAXIMUM);

	*e = (struct blk_nbd_export){.block_size = BLOCK_DEFAULT, .max_transfer = BLK_BUFFER_MAX};
	if (min > BLOCK_DEFAULT)
		e->block_size = min <= BLOCK_MAX ? (uint32_t)min : BLOCK_MAX;
	if (max > 0 && max < BLK_BUFFER_MAX)
		e->max_transfer = (uint32_t)max & ~(e->block_size - 1);
	if (size > 0)
		e->size = (uint64_t)size & ~(uint64_t)(e->block_size - 1);
	if (nbd_is_read_only(h) == 0) {
		e->can_zero = nbd_can_zero(h) == 1;
		e->features = FIDO_BLK_CAN_WRITE | FIDO_BLK_CAN_WRITE_ZEROES |
			feature(nbd_can_fua(h), FIDO_BLK_CAN_FUA) |
			feature(nbd_can_trim(h), FIDO_BLK_CAN_DISCARD);
	}
	e->features |= feature(nbd_can_flush(h), FIDO_BLK_CAN_FLUSH);
	e->multi = nbd_can_multi_conn(h) == 1;
}

bool
blk_nbd_export_fits(const struct blk_nbd *n, const struct blk_nbd_export *e)
{
	const struct fido_blk_info *info = &n->base.info;

	return e->size == info->size && e->block_size <= info->block_size &&
		e->max_transfer >= info->max_transfer &&
		(e->features & info->features) == info->features &&
		(e->can_zero || !n->export.can_zero) && (e->multi || n->base.one_channel);
}

/* ---- opening ---- */

/* Like nbd_connect_uri(), but with a time limit. @return 0, -errno */
static int
connect_now(struct nbd_handle *h, const char *uri)
{
	uint64_t until = fido_now_ms() + OPEN_LIMIT_MS, now;

	if (nbd_aio_connect_uri(h, uri) != 0)
		return blk_nbd_errno();
	while (nbd_aio_is_ready(h) == 0) {
		now = fido_now_ms();
		if (now >= until)
			return -ETIMEDOUT;
		if (nbd_poll(h, (int)(until - now)) < 0)
			return blk_nbd_errno();
		if (nbd_aio_is_dead(h) != 0 || nbd_aio_is_closed(h) != 0)
			return -ECONNRESET;
	}
	return 0;
}

static int
nbd_open_failed(const struct blk_nbd *n, int ret)
{
	const char *why =
		ret == -ETIMEDOUT || nbd_get_error() == NULL ? strerror(-ret) : nbd_get_error();

	fido_log(FIDO_LOG_ERROR,
		"volume %s: cannot connect to %s: %s: start the server, or correct the URI: "
		"nbd://HOST/EXPORT, nbd+unix:///EXPORT?socket=PATH",
		n->volume, n->uri, why);
	return ret;
}

static uint64_t
identity_of(const char *uri, uint64_t size)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ size; /* FNV-1a */

	for (; *uri != '\0'; uri++)
		h = (h ^ (unsigned char)*uri) * UINT64_C(0x100000001b3);
	return h != 0 ? h : 1;
}

static int
nbd_fill(struct blk_nbd *n, const struct blk_store_config *c)
{
	const struct blk_nbd_export *e = &n->export;
	struct fido_blk_info *info = &n->base.info;

	if (e->size == 0 || e->max_transfer == 0) {
		fido_log(FIDO_LOG_ERROR,
			"volume %s: %s is too small, or does not accept blocks of %u bytes",
			c->volume, n->uri, e->block_size);
		return -EINVAL;
	}
	if (!(e->features & FIDO_BLK_CAN_WRITE) && !c->read_only) {
		fido_log(FIDO_LOG_ERROR, "volume %s: %s cannot be written to: serve it read-only",
			c->volume, n->uri);
		return -EROFS;
	}
	info->size = e->size;
	info->identity = identity_of(n->uri, e->size);
	info->block_size = e->block_size;
	info->max_transfer = e->max_transfer;
	info->max_segments = FIDO_BLK_SEGMENTS_MAX;
	info->features = c->read_only ? e->features & FIDO_BLK_CAN_FLUSH : e->features;
	n->base.one_channel = !e->multi;
	return 0;
}

static int
blk_nbd_open(struct blk_store **out, const struct blk_store_config *config)
{
	size_t len = strlen(config->arg) + 1;
	struct blk_nbd *n = calloc(1, sizeof(*n) + len);
	int ret = -ENOMEM;

	if (n == NULL)
		return -ENOMEM;
	n->base.ops = &blk_store_nbd;
	strncpy(n->volume, config->volume, sizeof(n->volume) - 1);
	memcpy(n->uri, config->arg, len);
	n->first = blk_nbd_handle();
	if (n->first != NULL)
		ret = connect_now(n->first, n->uri);
	if (ret == 0) {
		blk_nbd_export_read(&n->export, n->first);
		ret = nbd_fill(n, config);
	} else {
		nbd_open_failed(n, ret);
	}
	if (ret != 0) {
		nbd_close(n->first);
		free(n);
		return ret;
	}
	/* Keep the connection: some servers exit with their first one, others accept only one. */
	*out = &n->base;
	return 0;
}

static void
blk_nbd_close(struct blk_store *store)
{
	struct blk_nbd *n = (struct blk_nbd *)store;

	/* Notify the server without waiting for it. */
	if (n->first != NULL)
		nbd_aio_disconnect(n->first, 0);
	nbd_close(n->first);
	free(n);
}

const struct blk_store_ops blk_store_nbd = {
	.kind = "nbd",
	.open = blk_nbd_open,
	.close = blk_nbd_close,
	.channel_open = blk_nbd_channel_open,
	.channel_close = blk_nbd_channel_close,
	.submit = blk_nbd_channel_submit,
	.poll = blk_nbd_channel_poll,
	.arm = blk_nbd_channel_arm,
};
