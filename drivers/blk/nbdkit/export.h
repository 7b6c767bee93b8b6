/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NBDKIT_EXPORT_H
#define FIDO_NBDKIT_EXPORT_H

/**
 * @file
 * An export: a volume as NBD clients see it. Clients may access any bytes; the volume accepts whole
 * blocks. The export itself changes a part of a block: it reads, changes and writes the block while
 * no other request of any client changes it (range.h). So clients need not do that themselves, each
 * under a lock that the others do not know.
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
 * Bytes per queue for copies of written data, as the backend cannot read nbdkit's buffers: 8
 * requests of the largest size.
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
	void (*on_absent)(void *arg); /**< see lane_config.on_absent */
	void *arg;
};

struct export
{
	const char *volume;
	struct fido_blk *blk;
	const struct fido_blk_info *info;
	uint32_t max_transfer; /**< of the volume, rounded down to whole blocks */
	bool read_only;        /**< requested, or the volume is read-only */
	struct range_lock ranges;
	unsigned int lane_count;
	struct lane *lanes;
};

/**
 * Open the volume; a read-only one is opened read-only.
 * @return 0, -ENOMEM, or what fido_blk_open() returns. @see export_close
 */
int export_open(struct export *export, struct fido_domain *domain,
	const struct export_config *config);
/** Close the export, if it is open. No request is in progress. */
void export_close(struct export *export);
/** Fail all requests with -ESHUTDOWN, now and later. */
void export_abandon(struct export *export);

/** @return 0 or -errno */
int export_read(struct export *export, void *data, uint32_t len, uint64_t offset);
int export_write(struct export *export, const void *data, uint32_t len, uint64_t offset, bool fua);
int export_flush(struct export *export);
int export_zero(struct export *export, uint32_t len, uint64_t offset, bool fua);
/** Discard the whole blocks in the range. */
int export_trim(struct export *export, uint32_t len, uint64_t offset, bool fua);

#endif
