/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_OPTIONS_H
#define PERF_OPTIONS_H

/** @file The command line. */

#include <stdbool.h>
#include <stdint.h>

#define PERF_CPUS_MAX 64

enum perf_pattern {
	PERF_RAND,
	PERF_SEQ
};
enum perf_rw {
	PERF_READ,
	PERF_WRITE,
	PERF_MIX
};
enum perf_memory {
	PERF_ARENA,
	PERF_MALLOC,
	PERF_BOTH
};

struct perf_options {
	/* who, and which volume */
	const char *group;
	const char *domain;
	const char *backend;
	const char *volume;
	bool read_only;
	bool exclusive;
	bool no_hugepages;
	double connect_timeout_s; /**< negative: for ever */
	/* the load */
	enum perf_pattern pattern;
	enum perf_rw rw;
	unsigned int read_percent; /**< of all requests; 100: reads only, 0: none */
	unsigned int zeroes_percent; /**< of what is not a read */
	unsigned int discard_percent; /**< of what is not a read */
	uint32_t bs_min; /**< bytes; lengths and offsets are multiples of it */
	uint32_t bs_max;
	uint32_t depth;
	uint16_t queues;
	double time_s; /**< 0: until count, or until it is ended */
	uint64_t count; /**< requests in all; 0: no limit */
	uint64_t range_offset;
	uint64_t range_length; /**< 0: to the end of the volume */
	uint64_t flush_every; /**< writes of a queue between flushes; 0: none */
	bool fua;
	uint64_t seed;
	/* memory */
	bool copy; /**< reads are copied, not lent */
	enum perf_memory memory;
	uint32_t segments; /**< pieces of a request's memory */
	bool touch;
	/* threads */
	bool sleeps;
	unsigned int cpus[PERF_CPUS_MAX]; /**< queue i runs on cpus[i % cpu_count] */
	unsigned int cpu_count; /**< 0: anywhere */
	double stop_timeout_s;
	bool continue_on_error;
	/* checking */
	bool verify;
	bool verify_only;
	bool power_lost;
	const char *state;
	uint32_t verify_block;
	/* output */
	bool json;
	bool quiet;
};

/**
 * Read the command line.
 * @return
 *   - 0: opt is filled in
 *   - 1: --help or --version was asked for and has been answered
 *   - -EINVAL: wrong usage; the message is written
 */
int perf_options_parse(struct perf_options *opt, int argc, char **argv);

/** @return what the value is called on the command line. */
const char *perf_options_pattern_name(const struct perf_options *opt);
const char *perf_options_rw_name(const struct perf_options *opt);
const char *perf_options_memory_name(const struct perf_options *opt);

#endif
