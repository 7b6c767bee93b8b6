/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_OPTIONS_H
#define PERF_OPTIONS_H

/** @file The command line. */

#include <stdbool.h>
#include <stdint.h>

enum perf_memory {
	PERF_ARENA,
	PERF_MALLOC,
	PERF_BOTH
};

/** Numbers are 64 bits wide: one function reads them all. */
struct perf_options {
	/* who, and which volume */
	const char *group;
	const char *domain;
	const char *backend;
	const char *volume;
	bool read_only;
	bool exclusive;
	bool no_hugepages;
	double connect_timeout_s;
	/* the requests */
	uint64_t read_percent; /**< of all requests; 100: reads only, 0: none */
	uint64_t zeroes_percent; /**< of what is not a read */
	uint64_t discard_percent; /**< of what is not a read */
	uint64_t bs_min; /**< bytes; lengths and offsets are multiples of it */
	uint64_t bs_max;
	uint64_t depth;
	uint64_t queues;
	double time_s; /**< 0: until count, or until it is ended */
	uint64_t count; /**< requests in all; 0: no limit */
	uint64_t range_offset;
	uint64_t range_length; /**< 0: to the end of the volume */
	uint64_t flush_every; /**< writes of a queue between flushes; 0: none */
	bool fua;
	uint64_t seed;
	/* memory */
	bool copy; /**< reads are copied, not lent */
	uint64_t memory; /**< enum perf_memory */
	uint64_t segments; /**< pieces of a request's memory */
	/* threads */
	uint64_t sleeps; /**< 0, 1 */
	double stop_timeout_s;
	bool continue_on_error;
	/* checking */
	bool verify_only;
	bool power_lost;
	const char *state;
	uint64_t verify_block;
};

/**
 * Read the command line.
 * @return
 *   - 0: opt is filled in
 *   - 1: --help or --version was asked for and has been answered
 *   - -EINVAL: wrong usage; the message is written
 */
int perf_options_parse(struct perf_options *opt, int argc, char **argv);
/** Read bytes, as 512 or 4k. @param end what follows; NULL: nothing may @return 0, -EINVAL */
int perf_options_bytes(const char *text, const char **end, uint64_t *out);

#endif
