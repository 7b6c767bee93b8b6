/* SPDX-License-Identifier: BSD-3-Clause */
/* A volume with byte granularity, as NBD clients see it. */

#include "export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The part of a block that a request changes. */
struct edge {
	uint64_t block; /* offset of the block */
	uint32_t from;
	uint32_t to;
};

/* ---- whole blocks ---- */

/* Each thread uses one lane; threads are spread over all lanes. */
static struct lane *
lane_of_thread(struct export *export)
{
	static unsigned int threads;
	static _Thread_local unsigned int number;

	if (number == 0)
		number = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
	return &export->lanes[number % export->lane_count];
}

static int
run_one(struct export *export, enum fido_blk_op op, uint32_t flags, uint64_t offset, uint64_t len)
{
	struct lane_part part = {.offset = offset, .length = len};

	return lane_run(lane_of_thread(export), op, flags, &part, 1);
}

static int
write_blocks(struct export *export, const char *data, uint64_t offset, uint64_t len, uint32_t flags)
{
	struct lane_part parts[LANE_PARTS_MAX];
	struct lane *lane = lane_of_thread(export);
	uint64_t done = 0;
	int ret = 0;

	while (done < len && ret == 0) {
		unsigned int n = 0;

		for (; n < LANE_PARTS_MAX && done < len; n++) {
			uint64_t length = len - done;

			if (length > export->max_transfer)
				length = export->max_transfer;
			parts[n] = (struct lane_part){.offset = offset + done,
				.length = length,
				.data = (void *)(uintptr_t)(data + done)};
			done += length;
		}
		ret = lane_run(lane, FIDO_BLK_WRITE, flags, parts, n);
	}
	return ret;
}

/* ---- parts of blocks ---- */

static uint64_t
block_begin(const struct export *export, uint64_t offset)
{
	return offset & ~(uint64_t)(export->info->block_size - 1);
}

static uint64_t
block_end(const struct export *export, uint64_t offset)
{
	return block_begin(export, offset + export->info->block_size - 1);
}

static unsigned int
find_edges(const struct export *export, uint64_t offset, uint64_t end, struct edge *edges)
{
	uint32_t size = export->info->block_size;
	uint64_t first = block_begin(export, offset), last = block_begin(export, end);
	unsigned int n = 0;

	if (offset != first || end < first + size)
		edges[n++] = (struct edge){.block = first,
			.from = (uint32_t)(offset - first),
			.to = end - first < size ? (uint32_t)(end - first) : size};
	if (end != last && (n == 0 || last != first))
		edges[n++] = (struct edge){.block = last, .from = 0, .to = (uint32_t)(end - last)};
	return n;
}

/* Read, change and write the blocks of the edges. The caller holds their range exclusively. */
static int
change_edges(struct export *export, const struct edge *edges, unsigned int n, const char *data,
	uint64_t offset, uint32_t flags)
{
	uint32_t size = export->info->block_size;
	char *blocks = malloc((size_t)n * size);
	int ret = blocks != NULL ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < n && ret == 0; i++)
		ret = export_read(export, blocks + (size_t)i * size, size, edges[i].block);
	for (unsigned int i = 0; i < n && ret == 0; i++) {
		char *block = blocks + (size_t)i * size;
		uint32_t len = edges[i].to - edges[i].from;

		if (data != NULL)
			memcpy(block + edges[i].from,
				data + (edges[i].block + edges[i].from - offset), len);
		else
			memset(block + edges[i].from, 0, len);
		ret = write_blocks(export, block, edges[i].block, size, flags);
	}
	free(blocks);
	return ret;
}

/* Write data; NULL: zeros. */
static int
change(struct export *export, const char *data, uint32_t len, uint64_t offset, uint32_t flags)
{
	struct edge edges[2];
	uint64_t end = offset + len;
	unsigned int n = find_edges(export, offset, end, edges);
	struct range range = {.begin = block_begin(export, offset),
		.end = block_end(export, end),
		.exclusive = n != 0};
	uint64_t first = block_end(export, offset), last = block_begin(export, end);
	int ret = 0;

	range_take(&export->ranges, &range);
	if (n != 0)
		ret = change_edges(export, edges, n, data, offset, flags);
	if (ret == 0 && first < last)
		ret = data != NULL
			? write_blocks(export, data + (first - offset), first, last - first, flags)
			: run_one(export, FIDO_BLK_WRITE_ZEROES, flags, first, last - first);
	range_give(&export->ranges, &range);
	return ret;
}

/* ---- requests ---- */

static uint32_t
fua_flag(bool fua)
{
	return fua ? FIDO_BLK_FUA : 0;
}

int
export_read(struct export *export, void *data, uint32_t len, uint64_t offset)
{
	struct lane_part parts[LANE_PARTS_MAX];
	struct lane *lane = lane_of_thread(export);
	uint64_t at = block_begin(export, offset), end = offset + len;
	int ret = 0;

	while (at < end && ret == 0) {
		unsigned int n = 0;

		for (; n < LANE_PARTS_MAX && at < end; n++) {
			uint64_t length = block_end(export, end) - at;
			uint64_t from = at < offset ? offset : at;

			if (length > export->max_transfer)
				length = export->max_transfer;
			parts[n] = (struct lane_part){.offset = at,
				.length = length,
				.data = (char *)data + (from - offset),
				.skip = (uint32_t)(from - at)};
			at += length;
			parts[n].wanted = (uint32_t)((at < end ? at : end) - from);
		}
		ret = lane_run(lane, FIDO_BLK_READ, 0, parts, n);
	}
	return ret;
}

int
export_write(struct export *export, const void *data, uint32_t len, uint64_t offset, bool fua)
{
	return change(export, data, len, offset, fua_flag(fua));
}

int
export_zero(struct export *export, uint32_t len, uint64_t offset, bool fua)
{
	return change(export, NULL, len, offset, fua_flag(fua));
}

int
export_flush(struct export *export)
{
	return run_one(export, FIDO_BLK_FLUSH, 0, 0, 0);
}

int
export_trim(struct export *export, uint32_t len, uint64_t offset, bool fua)
{
	struct range range = {.begin = block_end(export, offset),
		.end = block_begin(export, offset + len)};
	int ret;

	if (range.begin >= range.end)
		return 0;
	range_take(&export->ranges, &range);
	ret = run_one(export, FIDO_BLK_DISCARD, fua_flag(fua), range.begin,
		range.end - range.begin);
	range_give(&export->ranges, &range);
	return ret;
}

/* ---- opening ---- */

static int
open_volume(struct export *export, struct fido_domain *domain, const struct export_config *config)
{
	struct fido_blk_config blk = {.backend = config->backend,
		.volume = config->volume,
		.queues = config->queues,
		.depth = config->depth,
		.read_only = config->read_only,
		.exclusive = config->exclusive,
		.timeout_ms = config->timeout_ms,
		.bounce_size = EXPORT_BOUNCE_SIZE};
	int ret = fido_blk_open(domain, &blk, &export->blk);

	if (ret == -EROFS && !blk.read_only) {
		blk.read_only = true;
		ret = fido_blk_open(domain, &blk, &export->blk);
	}
	export->read_only = blk.read_only;
	return ret;
}

static int
create_lanes(struct export *export, const struct export_config *config)
{
	unsigned int count = config->queues;
	int ret = 0;

	export->lanes = calloc(count, sizeof(*export->lanes));
	if (export->lanes == NULL)
		return -ENOMEM;
	while (export->lane_count < count && ret == 0) {
		struct lane_config lane = {.blk = export->blk,
			.queue = fido_blk_queue(export->blk, (uint16_t) export->lane_count),
			.spin_us = config->spin_us,
			.on_absent = config->on_absent,
			.arg = config->arg};

		ret = lane_create(&export->lanes[export->lane_count], &lane);
		export->lane_count += ret == 0;
	}
	return ret;
}

int
export_open(struct export *export, struct fido_domain *domain, const struct export_config *config)
{
	int ret;

	*export = (struct export){.volume = config->volume};
	ret = range_lock_create(&export->ranges);
	if (ret != 0)
		return ret;
	ret = open_volume(export, domain, config);
	if (ret != 0) {
		range_lock_destroy(&export->ranges);
		return ret;
	}
	export->info = fido_blk_info(export->blk);
	export->max_transfer = (uint32_t)block_begin(export, export->info->max_transfer);
	ret = create_lanes(export, config);
	if (ret != 0)
		export_close(export);
	return ret;
}

void
export_close(struct export *export)
{
	if (export->blk == NULL)
		return;
	fido_blk_close(export->blk);
	while (export->lane_count != 0)
		lane_destroy(&export->lanes[--export->lane_count]);
	free(export->lanes);
	range_lock_destroy(&export->ranges);
	*export = (struct export){0};
}

void
export_abandon(struct export *export)
{
	for (unsigned int i = 0; i < export->lane_count; i++)
		lane_abandon(&export->lanes[i]);
}
