/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fido/control_shm.h>

#include "options.h"

#define INTERVAL_MIN 0.01
#define INTERVAL_MAX 86400.0

enum {
	OPT_COUNT = 256,
	OPT_DOMAIN,
	OPT_GID,
	OPT_INTERVAL,
	OPT_JSON,
	OPT_MODE,
	OPT_RATES,
	OPT_SORT,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"group", required_argument, NULL, 'g'},
	{"domain", required_argument, NULL, OPT_DOMAIN},
	{"interval", required_argument, NULL, OPT_INTERVAL},
	{"count", required_argument, NULL, OPT_COUNT},
	{"rates", no_argument, NULL, OPT_RATES},
	{"sort", required_argument, NULL, OPT_SORT},
	{"json", no_argument, NULL, OPT_JSON},
	{"gid", required_argument, NULL, OPT_GID},
	{"mode", required_argument, NULL, OPT_MODE},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static const char *const command_names[] = {"list", "links", "stats", "top", "blk", "record",
	"create", "destroy", "doctor"};

const char *
ctl_command_name(enum ctl_command command)
{
	return command_names[command];
}

static void
print_usage(void)
{
	fputs("usage: fido-ctl COMMAND --group G [options]\n"
	      "       fido-ctl create G [--gid NAME] [--mode OCTAL]\n"
	      "       fido-ctl destroy G\n"
	      "       fido-ctl doctor [--group G] [--json]\n"
	      "Show a group of Fido domains. Reads only what they publish: slows no data path.\n"
	      "\n"
	      "commands:\n"
	      "  list                show the domains, and the memory they export and map\n"
	      "  links               show both ends of each link: state, queues, buffers\n"
	      "  stats               show the counters of each queue\n"
	      "  top                 show the busiest queues, once a second; q or Ctrl-C quits\n"
	      "  blk                 show block volumes, their I/O and their clients' queues\n"
	      "  record              write CSV, one line per queue and interval; Ctrl-C quits\n"
	      "  create              create the group's folder, for the users of a Unix group\n"
	      "  destroy             remove the group's folder; no domain may be in the group\n"
	      "  doctor              say what this machine lacks for Fido, or for a group, and "
	      "the\n"
	      "                      command that mends it; exit status 1 if it is needed\n"
	      "options:\n"
	      "  -g, --group G       select the group: NAME or TRANSPORT:NAME (host:demo)\n"
	      "  --domain NAME       show only this domain (links: its peers' ends too)\n"
	      "  --rates             stats, blk: show rates (implied by --interval, --count)\n"
	      "  --interval SEC      stats, top, blk, record: measure for SEC seconds (default 1)\n"
	      "  --count N           measure N times (default 1; top, record: until stopped)\n"
	      "  --sort packets|bits|copied|kept|doorbells|total|name\n"
	      "                      top: sort by this, the greatest first (default packets)\n"
	      "  --gid NAME          create: let the users of this Unix group join\n"
	      "  --mode OCTAL        create: set the mode (default 0770 with --gid, else 0750)\n"
	      "  --json              print JSON; with several rounds, one object per line\n"
	      "  -h, --help          print this help\n"
	      "  --version           print the version\n"
	      "exit status: 0 on success, 1 on an error, 2 on wrong usage\n"
	      "environment: FIDO_RUNDIR is the folder of all groups, the same as for the domains\n"
	      "(default /run/fido for root, else $XDG_RUNTIME_DIR/fido, else /tmp/fido-UID)\n",
		stdout);
}

static int
usage_error(const char *what, const char *text, const char *advice)
{
	fprintf(stderr, "fido-ctl: %s", what);
	if (text != NULL) {
		fputs(" '", stderr);
		/* The text is arbitrary and goes to a terminal: print no control characters. */
		for (; *text != '\0'; text++)
			fputc(*text >= ' ' && *text <= '~' ? *text : '?', stderr);
		fputc('\'', stderr);
	}
	fprintf(stderr, ": %s\n", advice);
	return -EINVAL;
}

static int
parse_interval(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	if (end != text && *end == '\0' && isfinite(*out) && *out >= INTERVAL_MIN &&
		*out <= INTERVAL_MAX)
		return 0;
	return usage_error("--interval", text, "give a number of seconds, 0.01 to 86400");
}

static int
parse_count(const char *text, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out != 0)
		return 0;
	return usage_error("--count", text, "give a number of rounds, 1 or more");
}

static int
parse_sort(const char *text, enum ctl_sort *out)
{
	for (unsigned int i = 0; i < CTL_SORTS; i++)
		if (strcmp(text, ctl_sort_name((enum ctl_sort)i)) == 0) {
			*out = (enum ctl_sort)i;
			return 0;
		}
	return usage_error("--sort", text,
		"give one of packets, bits, copied, kept, doorbells, total, name");
}

static int
parse_mode(const char *text, unsigned int *out)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	*out = (unsigned int)mode;
	if (text[0] >= '0' && text[0] <= '7' && *end == '\0' && mode != 0 && mode <= 0777)
		return 0;
	return usage_error("--mode", text, "give an octal number up to 0777, e.g. 0770");
}

/* Accept "demo" and "host:demo". libfido checks the transport. */
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
take_name(const char *option, const char *text, bool valid, const char **out)
{
	*out = text;
	return valid
		? 0
		: usage_error(option, text,
			  "a name is 1 to 31 of A-Z a-z 0-9 _ . - and does not start with a dot");
}

static int
take_option(struct ctl_options *opt, int key)
{
	switch (key) {
	case 'g':
		return take_name("--group", optarg, group_valid(optarg), &opt->group);
	case OPT_DOMAIN:
		return take_name("--domain", optarg, fido_name_valid(optarg), &opt->domain);
	case OPT_INTERVAL:
		opt->rates = true;
		return parse_interval(optarg, &opt->interval);
	case OPT_COUNT:
		return parse_count(optarg, &opt->count);
	case OPT_RATES:
		opt->rates = true;
		return 0;
	case OPT_SORT:
		opt->sorted = true;
		return parse_sort(optarg, &opt->sort);
	case OPT_JSON:
		opt->json = true;
		return 0;
	case OPT_GID:
		opt->unix_group = optarg;
		return 0;
	case OPT_MODE:
		return parse_mode(optarg, &opt->mode);
	case 'h':
		print_usage();
		return 1;
	case OPT_VERSION:
		printf("fido-ctl %s (layout version %d)\n", FIDO_VERSION, FIDO_LAYOUT_VERSION);
		return 1;
	default:
		return usage_error("option", opt->group, "see fido-ctl --help");
	}
}

/* Return whether the command creates or removes a group. */
static bool
makes(const struct ctl_options *opt)
{
	return opt->command == CTL_CREATE || opt->command == CTL_DESTROY;
}

/* Take the operand of create and destroy: the group, instead of --group. */
static int
take_group(struct ctl_options *opt, int argc, char **argv)
{
	int next = optind + 1;

	if (next < argc && makes(opt) && opt->group == NULL) {
		int ret = take_name("group", argv[next], group_valid(argv[next]), &opt->group);

		if (ret != 0)
			return ret;
		next++;
	}
	if (next < argc)
		return usage_error("extra argument", argv[next],
			"give one command; see fido-ctl --help");
	return 0;
}

static int
take_command(struct ctl_options *opt, int argc, char **argv)
{
	size_t n = sizeof(command_names) / sizeof(command_names[0]);

	if (optind == argc)
		return usage_error("no command", NULL,
			"give one of list, links, stats, top, blk, record, create, destroy, "
			"doctor; see fido-ctl --help");
	for (size_t i = 0; i < n; i++)
		if (strcmp(argv[optind], command_names[i]) == 0) {
			opt->command = (enum ctl_command)i;
			return take_group(opt, argc, argv);
		}
	return usage_error("unknown command", argv[optind],
		"give one of list, links, stats, top, blk, record, create, destroy, doctor");
}

/* Check that the options fit the command, and set defaults. */
static int
check_together(struct ctl_options *opt)
{
	bool once = opt->command == CTL_LIST || opt->command == CTL_LINKS;
	bool endless = opt->command == CTL_TOP || opt->command == CTL_RECORD;

	if (opt->command == CTL_DOCTOR && (opt->rates || opt->count != 0 || opt->domain != NULL))
		return usage_error("doctor", NULL, "it takes --group and --json");
	if (opt->group == NULL && opt->command != CTL_DOCTOR)
		return usage_error("no group", NULL,
			"give --group NAME, the same as for the domains");
	if (once && (opt->rates || opt->count != 0))
		return usage_error(ctl_command_name(opt->command), NULL,
			"--rates, --interval and --count are for stats, top, blk and record");
	if (makes(opt) && (opt->rates || opt->count != 0 || opt->json || opt->domain != NULL))
		return usage_error(ctl_command_name(opt->command), NULL,
			"it takes --group, and for create --gid and --mode");
	if (opt->command != CTL_CREATE && (opt->unix_group != NULL || opt->mode != 0))
		return usage_error(ctl_command_name(opt->command), NULL,
			"--gid and --mode are for create");
	if (opt->command == CTL_RECORD && opt->json)
		return usage_error("record", NULL,
			"writes CSV: for JSON, use stats --json --count N");
	if (opt->sorted && opt->command != CTL_TOP)
		return usage_error("--sort", ctl_command_name(opt->command), "use it with top");
	if (endless || opt->count != 0)
		opt->rates = true;
	if (!endless && opt->count == 0)
		opt->count = 1;
	return 0;
}

int
ctl_options_parse(struct ctl_options *opt, int argc, char **argv)
{
	int key, ret;

	*opt = (struct ctl_options){.interval = 1.0};
	opterr = 0;
	while ((key = getopt_long(argc, argv, ":g:h", long_options, NULL)) != -1) {
		if (key == ':')
			return usage_error("option", argv[optind - 1],
				"needs a value; see fido-ctl --help");
		if (key == '?')
			return usage_error("option", argv[optind - 1],
				"is unknown, or takes no value; see fido-ctl --help");
		ret = take_option(opt, key);
		if (ret != 0)
			return ret;
	}
	ret = take_command(opt, argc, argv);
	return ret != 0 ? ret : check_together(opt);
}
