/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <fido/blk.h>
#include <fido/control_shm.h>
#include <fido/link.h>

#include "block.h"
#include "number.h"
#include "options.h"
#include "usage.h"

#define BS_MAX (1u << 30)
/*
 * Between flushes of a verified run, unless said otherwise: often enough that what is flushed is a
 * good part of all.
 */
#define VERIFY_FLUSH_EVERY 64

enum {
	OPT_FIRST = 256,
	OPT_AFTER_POWER_LOSS,
	OPT_BACKEND,
	OPT_BS,
	OPT_CONNECT_TIMEOUT,
	OPT_CONTINUE,
	OPT_COPY,
	OPT_COUNT,
	OPT_CPU,
	OPT_DEPTH,
	OPT_DISCARD,
	OPT_DOMAIN,
	OPT_EXCLUSIVE,
	OPT_FLUSH,
	OPT_FUA,
	OPT_IDLE,
	OPT_JSON,
	OPT_LEND,
	OPT_MEMORY,
	OPT_NO_HUGEPAGES,
	OPT_PATTERN,
	OPT_QUEUES,
	OPT_QUIET,
	OPT_RANGE,
	OPT_READ_ONLY,
	OPT_READ_PERCENT,
	OPT_RW,
	OPT_SEED,
	OPT_SEGMENTS,
	OPT_STATE,
	OPT_STOP_TIMEOUT,
	OPT_TIME,
	OPT_TOUCH,
	OPT_VERIFY,
	OPT_VERIFY_BLOCK,
	OPT_VERIFY_ONLY,
	OPT_VERSION,
	OPT_VOLUME,
	OPT_ZEROES,
};

static const struct option long_options[] = {
	{"after-power-loss", no_argument, NULL, OPT_AFTER_POWER_LOSS},
	{"backend", required_argument, NULL, OPT_BACKEND},
	{"bs", required_argument, NULL, OPT_BS},
	{"connect-timeout", required_argument, NULL, OPT_CONNECT_TIMEOUT},
	{"continue-on-error", no_argument, NULL, OPT_CONTINUE},
	{"copy", no_argument, NULL, OPT_COPY},
	{"count", required_argument, NULL, OPT_COUNT},
	{"cpu", required_argument, NULL, OPT_CPU},
	{"depth", required_argument, NULL, OPT_DEPTH},
	{"discard-percent", required_argument, NULL, OPT_DISCARD},
	{"domain", required_argument, NULL, OPT_DOMAIN},
	{"exclusive", no_argument, NULL, OPT_EXCLUSIVE},
	{"flush-every", required_argument, NULL, OPT_FLUSH},
	{"fua", no_argument, NULL, OPT_FUA},
	{"group", required_argument, NULL, 'g'},
	{"help", no_argument, NULL, 'h'},
	{"idle", required_argument, NULL, OPT_IDLE},
	{"json", no_argument, NULL, OPT_JSON},
	{"lend", no_argument, NULL, OPT_LEND},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"no-hugepages", no_argument, NULL, OPT_NO_HUGEPAGES},
	{"pattern", required_argument, NULL, OPT_PATTERN},
	{"queues", required_argument, NULL, OPT_QUEUES},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"range", required_argument, NULL, OPT_RANGE},
	{"read-only", no_argument, NULL, OPT_READ_ONLY},
	{"read-percent", required_argument, NULL, OPT_READ_PERCENT},
	{"rw", required_argument, NULL, OPT_RW},
	{"seed", required_argument, NULL, OPT_SEED},
	{"segments", required_argument, NULL, OPT_SEGMENTS},
	{"state", required_argument, NULL, OPT_STATE},
	{"stop-timeout", required_argument, NULL, OPT_STOP_TIMEOUT},
	{"time", required_argument, NULL, OPT_TIME},
	{"touch", no_argument, NULL, OPT_TOUCH},
	{"verify", no_argument, NULL, OPT_VERIFY},
	{"verify-block", required_argument, NULL, OPT_VERIFY_BLOCK},
	{"verify-only", no_argument, NULL, OPT_VERIFY_ONLY},
	{"version", no_argument, NULL, OPT_VERSION},
	{"volume", required_argument, NULL, OPT_VOLUME},
	{"zeroes-percent", required_argument, NULL, OPT_ZEROES},
	{NULL, 0, NULL, 0},
};

static const char *const pattern_names[] = {"rand", "seq", NULL};
static const char *const rw_names[] = {"read", "write", "mix", NULL};
static const char *const memory_names[] = {"arena", "malloc", "both", NULL};
static const char *const idle_names[] = {"poll", "sleep", NULL};

/* What was given, beside the values: some options depend on others, wherever they stand. */
struct given {
	bool rw, percent, time, flush, seed;
};

const char *
perf_options_pattern_name(const struct perf_options *opt)
{
	return pattern_names[opt->pattern];
}

const char *
perf_options_rw_name(const struct perf_options *opt)
{
	return rw_names[opt->rw];
}

const char *
perf_options_memory_name(const struct perf_options *opt)
{
	return memory_names[opt->memory];
}

static int
usage_error(const char *what, const char *text, const char *advice)
{
	fprintf(stderr, "fido-blk-perf: %s", what);
	if (text != NULL) {
		fputs(" '", stderr);
		/* It may be anything; it goes to a terminal. */
		for (; *text != '\0'; text++)
			fputc(*text >= ' ' && *text <= '~' ? *text : '?', stderr);
		fputc('\'', stderr);
	}
	fprintf(stderr, ": %s\n", advice);
	return -EINVAL;
}

static int
take_whole(const char *option, uint64_t min, uint64_t max, uint64_t *out)
{
	char advice[80];

	if (perf_number_whole(optarg, min, max, out) == 0)
		return 0;
	snprintf(advice, sizeof(advice), "give a number from %llu to %llu", (unsigned long long)min,
		(unsigned long long)max);
	return usage_error(option, optarg, advice);
}

static int
take_u32(const char *option, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t value;
	int ret = take_whole(option, min, max, &value);

	if (ret == 0)
		*out = (uint32_t)value;
	return ret;
}

static int
take_seconds(const char *option, double *out)
{
	return perf_number_seconds(optarg, out) == 0
		? 0
		: usage_error(option, optarg, "give a number of seconds");
}

static int
take_choice(const char *option, const char *const *names, bool *given, unsigned int *out)
{
	char advice[80] = "give one of:";

	for (unsigned int i = 0; names[i] != NULL; i++)
		if (strcmp(optarg, names[i]) == 0) {
			*out = i;
			if (given != NULL)
				*given = true;
			return 0;
		}
	for (unsigned int i = 0; names[i] != NULL; i++) {
		strncat(advice, " ", sizeof(advice) - strlen(advice) - 1);
		strncat(advice, names[i], sizeof(advice) - strlen(advice) - 1);
	}
	return usage_error(option, optarg, advice);
}

/* "4k" or "4k-64k" */
static int
take_bs(struct perf_options *opt)
{
	const char *end;
	uint64_t min, max;

	if (perf_number_bytes(optarg, &end, &min) != 0)
		goto bad;
	max = min;
	if (*end == '-' && perf_number_bytes(end + 1, NULL, &max) != 0)
		goto bad;
	if ((*end != '-' && *end != '\0') || min == 0 || max < min || max > BS_MAX ||
		max % min != 0)
		goto bad;
	opt->bs_min = (uint32_t)min;
	opt->bs_max = (uint32_t)max;
	return 0;
bad:
	return usage_error("--bs", optarg,
		"give bytes, as 4k or 4k-256k; the second must be a multiple of the first, up to 1g");
}

/* "1g+64m", "+64m", "1g+" */
static int
take_range(struct perf_options *opt)
{
	const char *plus = strchr(optarg, '+'), *end = optarg;

	opt->range_offset = 0;
	opt->range_length = 0;
	if (plus == NULL ||
		(plus != optarg && perf_number_bytes(optarg, &end, &opt->range_offset) != 0) ||
		end != plus ||
		(plus[1] != '\0' &&
			(perf_number_bytes(plus + 1, NULL, &opt->range_length) != 0 ||
				opt->range_length == 0)))
		return usage_error("--range", optarg,
			"give OFFSET+SIZE in bytes, as 1g+64m, +64m (from the start) or 1g+ (to the end)");
	return 0;
}

/* "1" or "0,2,3" */
static int
take_cpus(struct perf_options *opt)
{
	char *text = strdup(optarg), *next = text, *one;
	uint64_t cpu;
	int ret = text == NULL ? -ENOMEM : 0;

	opt->cpu_count = 0;
	while (ret == 0 && (one = strsep(&next, ",")) != NULL) {
		ret = opt->cpu_count == PERF_CPUS_MAX ? -EINVAL
						      : perf_number_whole(one, 0, 1023, &cpu);
		if (ret == 0)
			opt->cpus[opt->cpu_count++] = (unsigned int)cpu;
	}
	free(text);
	return ret == 0
		? 0
		: usage_error("--cpu", optarg, "give the numbers of processors, as 1 or 0,1");
}

static int
take_name(const char *option, bool valid, const char **out)
{
	*out = optarg;
	return valid
		? 0
		: usage_error(option, optarg,
			  "a name is 1 to 31 of A-Z a-z 0-9 _ . - and does not start with a dot");
}

/* "demo" or "host:demo"; which transports there are is libfido's business. */
static bool
group_valid(const char *group)
{
	const char *colon = strchr(group, ':');
	char transport[FIDO_NAME_MAX] = "";

	if (colon == NULL)
		return fido_name_valid(group);
	if ((size_t)(colon - group) >= sizeof(transport))
		return false;
	memcpy(transport, group, (size_t)(colon - group));
	return fido_name_valid(transport) && fido_name_valid(colon + 1);
}

static int
take_connect_timeout(struct perf_options *opt)
{
	if (strcmp(optarg, "forever") == 0) {
		opt->connect_timeout_s = -1;
		return 0;
	}
	if (perf_number_seconds(optarg, &opt->connect_timeout_s) == 0 &&
		opt->connect_timeout_s <= 86400)
		return 0;
	return usage_error("--connect-timeout", optarg,
		"give a number of seconds up to 86400, or 'forever'");
}

static int
take_who(struct perf_options *opt, int key)
{
	size_t len;

	switch (key) {
	case 'g':
		return take_name("--group", group_valid(optarg), &opt->group);
	case OPT_DOMAIN:
		return take_name("--domain", fido_name_valid(optarg), &opt->domain);
	case OPT_BACKEND:
		return take_name("--backend", fido_name_valid(optarg), &opt->backend);
	case OPT_VOLUME:
		len = strlen(optarg);
		opt->volume = optarg;
		return len > 0 && len < FIDO_BLK_VOLUME_MAX
			? 0
			: usage_error("--volume", optarg, "a volume's name has 1 to 63 bytes");
	case OPT_CONNECT_TIMEOUT:
		return take_connect_timeout(opt);
	default:
		return 1;
	}
}

static int
take_load(struct perf_options *opt, int key, struct given *given)
{
	unsigned int choice = 0;
	uint32_t value;
	int ret;

	switch (key) {
	case OPT_RW:
		ret = take_choice("--rw", rw_names, &given->rw, &choice);
		opt->rw = (enum perf_rw)choice;
		return ret;
	case OPT_READ_PERCENT:
		given->percent = true;
		return take_u32("--read-percent", 0, 100, &opt->read_percent);
	case OPT_PATTERN:
		ret = take_choice("--pattern", pattern_names, NULL, &choice);
		opt->pattern = (enum perf_pattern)choice;
		return ret;
	case OPT_BS:
		return take_bs(opt);
	case OPT_DEPTH:
		return take_u32("--depth", 1, FIDO_BLK_DEPTH_MAX, &opt->depth);
	case OPT_QUEUES:
		ret = take_u32("--queues", 1, FIDO_LINK_QUEUES_MAX, &value);
		opt->queues = ret == 0 ? (uint16_t)value : 0;
		return ret;
	case OPT_TIME:
		given->time = true;
		return take_seconds("--time", &opt->time_s);
	case OPT_COUNT:
		return take_whole("--count", 1, UINT64_MAX, &opt->count);
	case OPT_RANGE:
		return take_range(opt);
	case OPT_FLUSH:
		given->flush = true;
		return take_whole("--flush-every", 0, UINT32_MAX, &opt->flush_every);
	case OPT_ZEROES:
		return take_u32("--zeroes-percent", 0, 100, &opt->zeroes_percent);
	case OPT_DISCARD:
		return take_u32("--discard-percent", 0, 100, &opt->discard_percent);
	case OPT_SEED:
		given->seed = true;
		return take_whole("--seed", 0, UINT64_MAX, &opt->seed);
	default:
		return 1;
	}
}

static int
take_memory_and_threads(struct perf_options *opt, int key)
{
	unsigned int choice = 0;
	uint64_t bytes;
	int ret;

	switch (key) {
	case OPT_MEMORY:
		ret = take_choice("--memory", memory_names, NULL, &choice);
		opt->memory = (enum perf_memory)choice;
		return ret;
	case OPT_SEGMENTS:
		return take_u32("--segments", 1, FIDO_BLK_SEGMENTS_MAX, &opt->segments);
	case OPT_IDLE:
		ret = take_choice("--idle", idle_names, NULL, &choice);
		opt->sleeps = choice == 1;
		return ret;
	case OPT_CPU:
		return take_cpus(opt);
	case OPT_STOP_TIMEOUT:
		return take_seconds("--stop-timeout", &opt->stop_timeout_s);
	case OPT_STATE:
		opt->state = optarg;
		return 0;
	case OPT_VERIFY_BLOCK:
		if (perf_number_bytes(optarg, NULL, &bytes) != 0 || bytes < PERF_BLOCK_MIN ||
			bytes > (1u << 20) || (bytes & (bytes - 1)) != 0)
			return usage_error("--verify-block", optarg,
				"give a power of two from 512 to 1m");
		opt->verify_block = (uint32_t)bytes;
		return 0;
	default:
		return 1;
	}
}

static int
take_flag(struct perf_options *opt, int key)
{
	switch (key) {
	case OPT_AFTER_POWER_LOSS:
		opt->power_lost = true;
		return 0;
	case OPT_CONTINUE:
		opt->continue_on_error = true;
		return 0;
	case OPT_COPY:
	case OPT_LEND:
		opt->copy = key == OPT_COPY;
		return 0;
	case OPT_EXCLUSIVE:
		opt->exclusive = true;
		return 0;
	case OPT_FUA:
		opt->fua = true;
		return 0;
	case OPT_JSON:
		opt->json = true;
		return 0;
	case OPT_NO_HUGEPAGES:
		opt->no_hugepages = true;
		return 0;
	case OPT_QUIET:
		opt->quiet = true;
		return 0;
	case OPT_READ_ONLY:
		opt->read_only = true;
		return 0;
	case OPT_TOUCH:
		opt->touch = true;
		return 0;
	case OPT_VERIFY_ONLY:
		opt->verify_only = true;
		opt->verify = true;
		return 0;
	case OPT_VERIFY:
		opt->verify = true;
		return 0;
	default:
		return 1;
	}
}

static int
take_option(struct perf_options *opt, int key, struct given *given)
{
	int ret;

	switch (key) {
	case 'h':
		perf_usage_print();
		return 1;
	case OPT_VERSION:
		printf("fido-blk-perf %s (layout version %d)\n", FIDO_VERSION, FIDO_LAYOUT_VERSION);
		return 1;
	default:
		break;
	}
	ret = take_who(opt, key);
	if (ret > 0)
		ret = take_load(opt, key, given);
	if (ret > 0)
		ret = take_memory_and_threads(opt, key);
	if (ret > 0)
		ret = take_flag(opt, key);
	return ret;
}

/* What depends on other options: defaults. */
static void
settle(struct perf_options *opt, const struct given *given)
{
	if (opt->verify_only)
		opt->rw = PERF_READ;
	else if (!given->rw && opt->verify)
		opt->rw = opt->read_only ? PERF_READ : PERF_MIX;
	else if (!given->rw && given->percent)
		opt->rw = PERF_MIX;
	if (opt->rw == PERF_READ)
		opt->read_percent = 100;
	else if (opt->rw == PERF_WRITE)
		opt->read_percent = 0;
	else if (!given->percent)
		opt->read_percent = opt->verify ? 50 : 70;
	if (opt->count != 0 && !given->time)
		opt->time_s = 0;
	if (!given->flush && opt->verify)
		opt->flush_every = VERIFY_FLUSH_EVERY;
	if (!given->seed && getrandom(&opt->seed, sizeof(opt->seed), 0) != sizeof(opt->seed))
		opt->seed = 1;
	/* Numbers of JSON are doubles for many readers: a seed must come back as it was. */
	if (!given->seed)
		opt->seed >>= 16;
}

static int
check_verify(const struct perf_options *opt)
{
	if (!opt->verify) {
		if (opt->state != NULL || opt->power_lost)
			return usage_error(opt->state != NULL ? "--state" : "--after-power-loss",
				NULL, "is for --verify: give that too");
		return 0;
	}
	if (opt->bs_min % opt->verify_block != 0)
		return usage_error("--bs", NULL,
			"with --verify it must be a multiple of --verify-block");
	if (opt->verify_only && opt->state == NULL)
		return usage_error("--verify-only", NULL,
			"give the --state FILE of the run that wrote");
	if (opt->power_lost && opt->state == NULL)
		return usage_error("--after-power-loss", NULL,
			"give the --state FILE of the run that wrote");
	return 0;
}

/* What only makes sense together. */
static int
check_together(const struct perf_options *opt)
{
	if (opt->group == NULL)
		return usage_error("no group", NULL, "give --group NAME, as fido-blkd has it");
	if (opt->backend == NULL)
		return usage_error("no backend", NULL,
			"give --backend NAME: the name of fido-blkd's domain; fido-ctl list shows it");
	if (opt->volume == NULL)
		return usage_error("no volume", NULL, "give --volume NAME, as fido-blkd has it");
	if (opt->read_only && opt->read_percent != 100)
		return usage_error("--read-only", NULL,
			"and writing exclude each other: give --rw read, or leave --read-only out");
	if (opt->zeroes_percent + opt->discard_percent > 100)
		return usage_error("--zeroes-percent and --discard-percent", NULL,
			"are together more than 100");
	if (opt->segments > opt->bs_min)
		return usage_error("--segments", NULL,
			"a piece has at least a byte: give fewer than --bs has bytes");
	return check_verify(opt);
}

int
perf_options_parse(struct perf_options *opt, int argc, char **argv)
{
	struct given given = {0};
	int key, ret;

	*opt = (struct perf_options){
		.domain = "blk-perf",
		.connect_timeout_s = 5,
		.read_percent = 70,
		.bs_min = 4096,
		.bs_max = 4096,
		.depth = 32,
		.queues = 1,
		.time_s = 10,
		.segments = 1,
		.stop_timeout_s = 5,
		.verify_block = 4096,
	};
	opterr = 0;
	optind = 0;
	while ((key = getopt_long(argc, argv, ":g:h", long_options, NULL)) != -1) {
		if (key == ':')
			return usage_error("option", argv[optind - 1],
				"needs a value; see fido-blk-perf --help");
		if (key == '?')
			return usage_error("option", argv[optind - 1],
				"is unknown, or takes no value; see fido-blk-perf --help");
		ret = take_option(opt, key, &given);
		if (ret != 0)
			return ret;
	}
	if (optind < argc)
		return usage_error("too much", argv[optind],
			"all values belong to options; see fido-blk-perf --help");
	settle(opt, &given);
	return check_together(opt);
}
