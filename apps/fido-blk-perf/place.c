/* SPDX-License-Identifier: BSD-3-Clause */
#include "place.h"

enum fido_blk_op
perf_place_op(struct perf_worker *w)
{
	const struct perf_options *opt = w->opt;
	uint64_t kind;

	if (perf_random_percent(&w->random, opt->read_percent))
		return FIDO_BLK_READ;
	if (opt->zeroes_percent + opt->discard_percent == 0)
		return FIDO_BLK_WRITE;
	kind = perf_random_below(&w->random, 100);
	if (kind < opt->zeroes_percent)
		return FIDO_BLK_WRITE_ZEROES;
	return kind < opt->zeroes_percent + opt->discard_percent ? FIDO_BLK_DISCARD
								 : FIDO_BLK_WRITE;
}

bool
perf_place_flush_due(struct perf_worker *w, struct perf_place *place)
{
	if (w->opt->flush_every == 0 || place->writes < w->opt->flush_every)
		return false;
	place->writes = 0;
	return true;
}

static uint64_t
pick_length(struct perf_worker *w)
{
	uint64_t min = w->opt->bs_min;

	return w->opt->bs_max == min
		? min
		: min * (1 + perf_random_below(&w->random, w->opt->bs_max / min));
}

void
perf_place_next(struct perf_worker *w, struct perf_place *place, struct fido_blk_request *r)
{
	uint64_t length = pick_length(w), start;

	if (w->opt->pattern == PERF_SEQ) {
		if (place->position + length > w->stripe_length)
			place->position = 0;
		start = place->position;
		place->position += length;
	} else {
		start = w->opt->bs_min *
			perf_random_below(&w->random,
				(w->stripe_length - length) / w->opt->bs_min + 1);
	}
	r->offset = w->stripe_offset + start;
	r->length = length;
}
