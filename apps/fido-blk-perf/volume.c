/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "volume.h"

__attribute__((format(printf, 2, 3))) static int
refuse(const struct perf_options *opt, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "fido-blk-perf: volume %s of %s: ", opt->volume, opt->backend);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -EINVAL;
}

static int
settle_sizes(const struct perf_options *opt, const struct fido_blk_info *info)
{
	uint32_t unit = opt->verify ? opt->verify_block : opt->bs_min;

	if (opt->bs_min % info->block_size != 0)
		return refuse(opt, "its blocks have %" PRIu32 " bytes: --bs must be a multiple",
			info->block_size);
	if (unit % info->block_size != 0)
		return refuse(opt,
			"its blocks have %" PRIu32 " bytes: --verify-block must be a multiple",
			info->block_size);
	if (opt->bs_max > info->max_transfer)
		return refuse(opt, "a request has at most %" PRIu32 " bytes: --bs must not be more",
			info->max_transfer);
	if (opt->segments > info->max_segments && opt->read_percent != 100)
		return refuse(opt,
			"a write has at most %" PRIu32 " pieces: --segments must not be more",
			info->max_segments);
	return 0;
}

static int
settle_features(struct perf_options *opt, const struct fido_blk_info *info)
{
	bool writes = opt->read_percent != 100;

	if (!writes || (opt->verify && (info->features & FIDO_BLK_CAN_FLUSH) == 0))
		opt->flush_every = 0;
	if (opt->flush_every != 0 && (info->features & FIDO_BLK_CAN_FLUSH) == 0)
		return refuse(opt, "it has no flush: leave --flush-every out");
	if (opt->fua && writes && (info->features & FIDO_BLK_CAN_FUA) == 0)
		return refuse(opt, "it has no FUA: leave --fua out");
	if (opt->zeroes_percent != 0 && writes && (info->features & FIDO_BLK_CAN_WRITE_ZEROES) == 0)
		return refuse(opt, "it has no write of zeroes: leave --zeroes-percent out");
	if (opt->discard_percent != 0 && writes && (info->features & FIDO_BLK_CAN_DISCARD) == 0)
		return refuse(opt, "it has no discard: leave --discard-percent out");
	return 0;
}

static int
settle_range(const struct perf_options *opt, const struct fido_blk_info *info,
	struct perf_volume_range *range)
{
	uint32_t unit = opt->verify ? opt->verify_block : info->block_size;

	range->offset = opt->range_offset;
	if (range->offset > info->size || opt->range_length > info->size - range->offset)
		return refuse(opt, "it has %" PRIu64 " bytes: --range goes beyond that",
			info->size);
	range->length = opt->range_length != 0 ? opt->range_length : info->size - range->offset;
	if (range->offset % unit != 0 || (opt->range_length % unit) != 0)
		return refuse(opt, "--range must be made of multiples of %" PRIu32 " bytes", unit);
	range->length -= range->length % unit;
	if (range->length / opt->queues / opt->bs_min * opt->bs_min < opt->bs_max)
		return refuse(opt,
			"each of %u queues has a part of its own of %" PRIu64
			" bytes: that is too little for --bs: give fewer --queues, or a larger --range",
			opt->queues, range->length);
	return 0;
}

int
perf_volume_settle(struct perf_options *opt, const struct fido_blk_info *info,
	struct perf_volume_range *range)
{
	int ret = settle_sizes(opt, info);

	if (ret == 0)
		ret = settle_features(opt, info);
	return ret != 0 ? ret : settle_range(opt, info, range);
}

struct perf_volume_range
perf_volume_stripe(const struct perf_options *opt, const struct perf_volume_range *range,
	uint16_t queue)
{
	uint64_t each = range->length / opt->queues / opt->bs_min * opt->bs_min;
	struct perf_volume_range stripe = {.offset = range->offset + queue * each, .length = each};

	if (queue + 1 == opt->queues)
		stripe.length = range->length - queue * each;
	return stripe;
}
