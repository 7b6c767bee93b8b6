/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include "histogram.h"

#define WIDTH (UINT64_C(1) << PERF_HISTOGRAM_BITS)

/*
 * Values below 2 * WIDTH have a bucket each. Above, the bucket is made of the value's length in
 * bits and the PERF_HISTOGRAM_BITS bits that follow its first one.
 */
static unsigned int
bucket_of(uint64_t value)
{
	unsigned int shift;

	if (value < WIDTH)
		return (unsigned int)value;
	shift = 63 - (unsigned int)__builtin_clzll(value) - PERF_HISTOGRAM_BITS;
	return (unsigned int)((shift << PERF_HISTOGRAM_BITS) + (value >> shift));
}

/* The largest value that the bucket stands for. */
static uint64_t
top_of(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < 2 * WIDTH)
		return bucket;
	shift = (bucket >> PERF_HISTOGRAM_BITS) - 1;
	/* The last bucket's is 2^64 - 1: the sum comes to it by wrapping. */
	return (((bucket & (WIDTH - 1)) + WIDTH + 1) << shift) - 1;
}

void
perf_histogram_add(struct perf_histogram *h, uint64_t value)
{
	if (h->count == 0 || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->count++;
	h->sum += value;
	h->bucket[bucket_of(value)]++;
}

void
perf_histogram_merge(struct perf_histogram *h, const struct perf_histogram *from)
{
	if (from->count == 0)
		return;
	if (h->count == 0 || from->min < h->min)
		h->min = from->min;
	if (from->max > h->max)
		h->max = from->max;
	h->count += from->count;
	h->sum += from->sum;
	for (unsigned int i = 0; i < PERF_HISTOGRAM_BUCKETS; i++)
		h->bucket[i] += from->bucket[i];
}

uint64_t
perf_histogram_percentile(const struct perf_histogram *h, double percent)
{
	double wanted = ceil(percent / 100 * (double)h->count);
	uint64_t rank = wanted < 1 ? 1 : (uint64_t)wanted;
	uint64_t seen = 0, top;

	if (h->count == 0)
		return 0;
	for (unsigned int i = 0; i < PERF_HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen < rank)
			continue;
		top = top_of(i);
		return top < h->max ? top : h->max;
	}
	return h->max;
}

double
perf_histogram_mean(const struct perf_histogram *h)
{
	return h->count == 0 ? 0 : (double)h->sum / (double)h->count;
}
