/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NBDKIT_EXPORT_H
#define FIDO_NBDKIT_EXPORT_H

/**
 * @file
 * An export: one volume, as NBD clients see it. They may name any bytes; the volume takes whole
 * blocks. What changes a part of a block is done here, by reading, changing and writing the block
 * while no other request of any client changes it (range.h). So clients never have to do that
 * themselves, each with a lock that the others do not know of.
 *
 * All requests block. Any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/blk.h>
#include <fido/domain.h>

#include "lane.h"
#include "range.h"

/**
 * Bytes for copies of what is written (nbdkit's buffers are memory that the backend cannot read),
 * for each queue: 8 requests of the largest size.
 */
#define EXPORT_BOUNCE_SIZE (8u << 20)

struct export_config {
	const char *backend;
	const char *volume;
	uint16_t queues;
	uint32_t depth;
	bool read_only;
	bool exclusive;
	int timeout_ms;
	unsigned int spin_us;
	void (*on_absent)(void *arg); /**< as lane_config.on_absent */
	void *arg;
};

struct export
{
	const char *volume;
	struct fido_blk *blk;
	const struct fido_blk_info *info;
	uint32_t max_transfer; /**< the volume's, in whole blocks */
	bool read_only;        /**< because it was asked for, or because the volume is */
	struct range_lock ranges;
	unsigned int lane_count;
	struct lane *lanes;
};

/**
 * Open the volume. A volume that can only be read is opened so.
 * @return 0, what fido_blk_open() returns, -ENOMEM. @see export_close
 */
int export_open(struct export *export, struct fido_domain *domain,
	const struct export_config *config);
/** No request is in it. Nothing happens if it is not open. */
void export_close(struct export *export);
/** Let all requests go, with -ESHUTDOWN; there can be no others. */
void export_abandon(struct export *export);

/** @return 0 or -errno */
int export_read(struct export *export, void *data, uint32_t len, uint64_t offset);
int export_write(struct export *export, const void *data, uint32_t len, uint64_t offset, bool fua);
int export_flush(struct export *export);
int export_zero(struct export *export, uint32_t len, uint64_t offset, bool fua);
/** What is no whole block is left as it is. */
int export_trim(struct export *export, uint32_t len, uint64_t offset, bool fua);

#endif
