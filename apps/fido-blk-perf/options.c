/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <fido/blk.h>
#include <fido/control_shm.h>
#include <fido/link.h>

#include "block.h"
#include "options.h"

#define BS_MAX (1u << 30)
#define SECONDS_MAX 86400

struct row;
/* Read optarg into the field. @return 0; 1: answered, nothing more to do; -EINVAL: with a message */
typedef int take_fn(const struct row *row, struct perf_options *opt);

/* An option. */
struct row {
	const char *name;
	int has_arg;
	take_fn *take;
	size_t field; /* in struct perf_options */
	uint64_t min, max; /* of a number */
	const char *words; /* "a|b": the field is the word's place */
	const char *arg, *help; /* of --help */
};

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
wrong(const struct row *row, const char *advice)
{
	char name[40];

	snprintf(name, sizeof(name), "--%s", row->name);
	return usage_error(name, optarg, advice);
}

static void *
field_of(const struct row *row, struct perf_options *opt)
{
	return (char *)opt + row->field;
}

/* strtoull() takes "-1" and " 1" as well: the first character must be a digit. */
static int
read_digits(const char *text, const char **end, uint64_t *out)
{
	char *stop;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &stop, 10);
	*end = stop;
	return errno != 0 ? -EINVAL : 0;
}

int
perf_options_bytes(const char *text, const char **end, uint64_t *out)
{
	static const char units[] = "kmgt";
	const char *stop, *unit;
	unsigned int shift = 0;

	if (read_digits(text, &stop, out) != 0)
		return -EINVAL;
	unit = *stop == '\0' ? NULL : strchr(units, tolower((unsigned char)*stop));
	if (unit != NULL) {
		shift = 10 * (unsigned int)(unit - units + 1);
		stop++;
	}
	if (*out > UINT64_MAX >> shift || (end == NULL && *stop != '\0'))
		return -EINVAL;
	*out <<= shift;
	if (end != NULL)
		*end = stop;
	return 0;
}

/* ---- one option ---- */

static int
take_flag(const struct row *row, struct perf_options *opt)
{
	*(bool *)field_of(row, opt) = row->max != 0;
	return 0;
}

static int
take_number(const struct row *row, struct perf_options *opt)
{
	uint64_t *out = field_of(row, opt);
	const char *end;
	char advice[80];

	if (read_digits(optarg, &end, out) == 0 && *end == '\0' && *out >= row->min &&
		*out <= row->max)
		return 0;
	snprintf(advice, sizeof(advice), "give a number from %" PRIu64 " to %" PRIu64, row->min,
		row->max);
	return wrong(row, advice);
}

static int
take_seconds(const struct row *row, struct perf_options *opt)
{
	double *out = field_of(row, opt);
	char *end;

	*out = strtod(optarg, &end);
	return end != optarg && *end == '\0' && *out >= 0 && *out <= SECONDS_MAX
		? 0
		: wrong(row, "give a number of seconds up to 86400");
}

static int
take_word(const struct row *row, struct perf_options *opt)
{
	uint64_t *out = field_of(row, opt);
	size_t len = strlen(optarg), have;
	char advice[80];

	*out = 0;
	for (const char *word = row->words; *word != '\0'; word += have + (word[have] == '|')) {
		have = strcspn(word, "|");
		if (have == len && memcmp(word, optarg, len) == 0)
			return 0;
		++*out;
	}
	snprintf(advice, sizeof(advice), "give one of: %s", row->words);
	return wrong(row, advice);
}

static int
take_text(const struct row *row, struct perf_options *opt)
{
	*(const char **)field_of(row, opt) = optarg;
	return 0;
}

/* "4k" or "4k-64k" */
static int
take_bs(const struct row *row, struct perf_options *opt)
{
	const char *end;

	if (perf_options_bytes(optarg, &end, &opt->bs_min) != 0)
		goto bad;
	opt->bs_max = opt->bs_min;
	if (*end == '-' && perf_options_bytes(end + 1, NULL, &opt->bs_max) != 0)
		goto bad;
	if ((*end == '-' || *end == '\0') && opt->bs_min != 0 && opt->bs_max >= opt->bs_min &&
		opt->bs_max <= BS_MAX && opt->bs_max % opt->bs_min == 0)
		return 0;
bad:
	return wrong(row,
		"give bytes, as 4k or 4k-256k; the second must be a multiple of the first, up to 1g");
}

/* "1g+64m", "+64m", "1g+" */
static int
take_range(const struct row *row, struct perf_options *opt)
{
	const char *plus = strchr(optarg, '+'), *end = optarg;

	opt->range_offset = 0;
	opt->range_length = 0;
	if (plus != NULL &&
		(plus == optarg || perf_options_bytes(optarg, &end, &opt->range_offset) == 0) &&
		end == plus &&
		(plus[1] == '\0' ||
			(perf_options_bytes(plus + 1, NULL, &opt->range_length) == 0 &&
				opt->range_length != 0)))
		return 0;
	return wrong(row,
		"give OFFSET+SIZE in bytes, as 1g+64m, +64m (from the start) or 1g+ (to the end)");
}

static int
take_bytes(const struct row *row, struct perf_options *opt)
{
	return perf_options_bytes(optarg, NULL, field_of(row, opt)) == 0
		? 0
		: wrong(row, "give bytes, as 512 or 4k");
}

static int
take_version(const struct row *row, struct perf_options *opt)
{
	printf("fido-blk-perf %s (layout version %d)\n", FIDO_VERSION, FIDO_LAYOUT_VERSION);
	return 1;
}

static take_fn take_help;

/* ---- all options ---- */

#define FLAG(field) take_flag, offsetof(struct perf_options, field), 0, 1, NULL, ""
#define NUMBER(field, min, max) take_number, offsetof(struct perf_options, field), min, max, NULL, "N"
#define SECONDS(field) take_seconds, offsetof(struct perf_options, field), 0, 0, NULL, "SEC"
#define WORD(field, words) take_word, offsetof(struct perf_options, field), 0, 0, words, words
#define TEXT(field, arg) take_text, offsetof(struct perf_options, field), 0, 0, NULL, arg
#define OTHER(take, arg) take, 0, 0, 0, NULL, arg

/* clang-format off */
static const struct row rows[] = {
	{"group", required_argument, TEXT(group, "G"), "the group: NAME or TRANSPORT:NAME"},
	{"domain", required_argument, TEXT(domain, "NAME"), "this domain's own (default blk-perf)"},
	{"backend", required_argument, TEXT(backend, "NAME"), "the domain that serves the volume"},
	{"volume", required_argument, TEXT(volume, "NAME"), "the volume"},
	{"read-only", no_argument, FLAG(read_only), "open it for reading only"},
	{"exclusive", no_argument, FLAG(exclusive), "nobody else may have it open"},
	{"connect-timeout", required_argument, SECONDS(connect_timeout_s), "(default 5)"},
	{"state", required_argument, TEXT(state, "FILE"),
		"what each block must hold; goes on where a killed run ended"},
	{"verify-only", no_argument, FLAG(verify_only), "check all that FILE says was written"},
	{"after-power-loss", no_argument, FLAG(power_lost), "only what was flushed must be there"},
	{"verify-block", required_argument, take_bytes, offsetof(struct perf_options, verify_block), 0, 0, NULL, "SIZE", "(default 4k)"},
	{"range", required_argument, OTHER(take_range, "[OFFSET]+[SIZE]"), "only this part"},
	{"read-percent", required_argument, NUMBER(read_percent, 0, 100), "reads (default 50)"},
	{"zeroes-percent", required_argument, NUMBER(zeroes_percent, 0, 100),
		"writes of zeroes, of what is not a read (default 0)"},
	{"discard-percent", required_argument, NUMBER(discard_percent, 0, 100),
		"discards, of what is not a read (default 0)"},
	{"bs", required_argument, OTHER(take_bs, "SIZE[-MAX]"),
		"bytes of a request (default 4k); MAX: random multiples of SIZE"},
	{"depth", required_argument, NUMBER(depth, 1, FIDO_BLK_DEPTH_MAX),
		"requests of a queue in flight (default 32)"},
	{"queues", required_argument, NUMBER(queues, 1, FIDO_LINK_QUEUES_MAX),
		"a thread and a part of the range each (default 1)"},
	{"time", required_argument, SECONDS(time_s), "(default 10; 0: until it is ended)"},
	{"count", required_argument, NUMBER(count, 1, UINT64_MAX), "end after N requests"},
	{"flush-every", required_argument, NUMBER(flush_every, 0, UINT32_MAX),
		"a flush after N writes of a queue (default 64; 0: none)"},
	{"fua", no_argument, FLAG(fua), "each write is durable when it completes"},
	{"seed", required_argument, NUMBER(seed, 0, UINT64_MAX), "for the same places again"},
	{"copy", no_argument, FLAG(copy), "reads are copied, not lent"},
	{"memory", required_argument, WORD(memory, "arena|malloc|both"),
		"of writes and copied reads: the backend can read an arena (default)"},
	{"segments", required_argument, NUMBER(segments, 1, FIDO_BLK_SEGMENTS_MAX),
		"pieces of a request's memory (default 1)"},
	{"no-hugepages", no_argument, FLAG(no_hugepages), "ordinary pages"},
	{"idle", required_argument, WORD(sleeps, "poll|sleep"), "(default poll)"},
	{"continue-on-error", no_argument, FLAG(continue_on_error), "or wrong data (default: stop)"},
	{"stop-timeout", required_argument, SECONDS(stop_timeout_s),
		"at the end, wait so long for answers (default 5)"},
	{"help", no_argument, OTHER(take_help, ""), "print this"},
	{"version", no_argument, OTHER(take_version, ""), "print the version"},
};
/* clang-format on */
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int
take_help(const struct row *row, struct perf_options *opt)
{
	char left[64];

	fputs("usage: fido-blk-perf --group G --backend B --volume V [options]\n"
	      "Write to a volume of fido-blkd, and check every byte that is read.\n\n",
		stdout);
	for (row = rows; row < rows + ROWS; row++) {
		snprintf(left, sizeof(left), "%s--%s %s", row == rows ? "-g, " : "", row->name,
			row->arg);
		printf("  %-25s %s\n", row->take == take_help ? "-h, --help" : left, row->help);
	}
	fputs("exit status: 0; 1: wrong data, an error, or the volume cannot be opened; 2: wrong usage\n"
	      "see doc/fido-blk-perf.md\n",
		stdout);
	return 1;
}

/* What only makes sense together. */
static int
check_together(const struct perf_options *opt)
{
	const struct {
		bool wrong;
		const char *what, *advice;
	} rules[] = {
		{opt->group == NULL, "no group", "give --group NAME, as fido-blkd has it"},
		{opt->backend == NULL, "no backend",
			"give --backend NAME: the name of fido-blkd's domain; fido-ctl list shows it"},
		{opt->volume == NULL, "no volume", "give --volume NAME, as fido-blkd has it"},
		{opt->read_only && opt->read_percent != 100, "--read-only",
			"and writing exclude each other: give --verify-only too"},
		{opt->zeroes_percent + opt->discard_percent > 100,
			"--zeroes-percent and --discard-percent", "are together more than 100"},
		{opt->segments > opt->bs_min, "--segments",
			"a piece has at least a byte: give fewer than --bs has bytes"},
		{opt->verify_block < PERF_BLOCK_MIN || opt->verify_block > 1u << 20 ||
				(opt->verify_block & (opt->verify_block - 1)) != 0,
			"--verify-block", "give a power of two from 512 to 1m"},
		{opt->verify_block != 0 && opt->bs_min % opt->verify_block != 0, "--bs",
			"must be a multiple of --verify-block"},
		{opt->verify_only && opt->state == NULL, "--verify-only",
			"give the --state FILE of the run that wrote"},
		{opt->power_lost && opt->state == NULL, "--after-power-loss",
			"give the --state FILE of the run that wrote"},
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].wrong)
			return usage_error(rules[i].what, NULL, rules[i].advice);
	return 0;
}

static int
take_all(struct perf_options *opt, int argc, char **argv)
{
	struct option options[ROWS + 1] = {{0}};
	int key, ret;

	for (size_t i = 0; i < ROWS; i++)
		options[i] = (struct option){rows[i].name, rows[i].has_arg, NULL, 256 + (int)i};
	opterr = 0;
	optind = 0;
	while ((key = getopt_long(argc, argv, ":g:h", options, NULL)) != -1) {
		const char *word = argv[optind - 1];

		if (key == ':')
			return usage_error("option", word,
				"needs a value; see fido-blk-perf --help");
		if (key == '?')
			return usage_error("option", word,
				"is unknown, or takes no value; see fido-blk-perf --help");
		if (key == 'h')
			return take_help(NULL, opt);
		ret = key == 'g' ? take_text(rows, opt)
				 : rows[key - 256].take(&rows[key - 256], opt);
		if (ret != 0)
			return ret;
	}
	return optind == argc ? 0
			      : usage_error("too much", argv[optind],
					"all values belong to options; see fido-blk-perf --help");
}

int
perf_options_parse(struct perf_options *opt, int argc, char **argv)
{
	int ret;

	*opt = (struct perf_options){
		.domain = "blk-perf",
		.connect_timeout_s = 5,
		.read_percent = 50,
		.bs_min = 4096,
		.bs_max = 4096,
		.depth = 32,
		.queues = 1,
		.time_s = -1,
		.flush_every = 64,
		.segments = 1,
		.stop_timeout_s = 5,
		.verify_block = 4096,
	};
	if (getrandom(&opt->seed, sizeof(opt->seed), 0) != sizeof(opt->seed))
		opt->seed = 1;
	/* Numbers of JSON are doubles for many readers: a seed must come back as it was. */
	opt->seed >>= 16;
	ret = take_all(opt, argc, argv);
	if (ret != 0)
		return ret;
	if (opt->verify_only)
		opt->read_percent = 100;
	if (opt->time_s < 0)
		opt->time_s = opt->count != 0 ? 0 : 10;
	return check_together(opt);
}
