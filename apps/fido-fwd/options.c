/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "options.h"

enum {
	OPT_PAIRS = 256,
	OPT_CHAIN,
	OPT_MAP,
	OPT_MODE,
	OPT_BURST,
	OPT_RXQ,
	OPT_TXQ,
	OPT_RXD,
	OPT_TXD,
	OPT_MBUFS,
	OPT_DATA_ROOM,
	OPT_MTU,
	OPT_SCATTER,
	OPT_OFFLOAD,
	OPT_IDLE,
	OPT_SPIN_US,
	OPT_ON_DOWN,
	OPT_STATS_PERIOD,
	OPT_DURATION,
	OPT_JSON,
	OPT_QUIET,
	OPT_HELP,
};

static const struct option long_options[] = {
	{"pairs", no_argument, NULL, OPT_PAIRS},
	{"chain", no_argument, NULL, OPT_CHAIN},
	{"map", required_argument, NULL, OPT_MAP},
	{"mode", required_argument, NULL, OPT_MODE},
	{"burst", required_argument, NULL, OPT_BURST},
	{"rxq", required_argument, NULL, OPT_RXQ},
	{"txq", required_argument, NULL, OPT_TXQ},
	{"rxd", required_argument, NULL, OPT_RXD},
	{"txd", required_argument, NULL, OPT_TXD},
	{"mbufs", required_argument, NULL, OPT_MBUFS},
	{"data-room", required_argument, NULL, OPT_DATA_ROOM},
	{"mtu", required_argument, NULL, OPT_MTU},
	{"scatter", no_argument, NULL, OPT_SCATTER},
	{"offload", no_argument, NULL, OPT_OFFLOAD},
	{"idle", required_argument, NULL, OPT_IDLE},
	{"spin-us", required_argument, NULL, OPT_SPIN_US},
	{"on-down", required_argument, NULL, OPT_ON_DOWN},
	{"stats-period", required_argument, NULL, OPT_STATS_PERIOD},
	{"duration", required_argument, NULL, OPT_DURATION},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static const char *const topology_names[] = {"pairs", "chain", "map", NULL};
static const char *const mode_names[] = {"io", "mac", "touch", NULL};
static const char *const idle_names[] = {"poll", "adaptive", "interrupt", NULL};
static const char *const on_down_names[] = {"drop", "hold", NULL};

const char *
fwd_mode_name(enum fwd_mode mode)
{
	return mode_names[mode];
}

const char *
fwd_idle_name(enum fwd_idle idle)
{
	return idle_names[idle];
}

void
fwd_options_usage(FILE *out)
{
	fputs("\n"
	      "usage: fido-fwd [EAL options] -- [options]\n"
	      "Forward packets between DPDK ports.\n"
	      "\n"
	      "Routes (EAL numbers the ports in the order of its devices):\n"
	      "  --pairs             forward 0 <-> 1, 2 <-> 3, ... in both directions (default)\n"
	      "  --chain             forward port i to port i+1, the last port to port 0\n"
	      "  --map A:B[,C:D...]  forward A to B, one way; ports by number or by name\n"
	      "Modes:\n"
	      "  --mode io           forward packets unchanged (default)\n"
	      "  --mode mac          swap source and destination MAC addresses\n"
	      "  --mode touch        read every byte and add it to a sum\n"
	      "Ports:\n"
	      "  --rxq N, --txq N    set up N queues per port, spread over lcores (default 1)\n"
	      "  --rxd N, --txd N    set up N descriptors per queue (default 1024)\n"
	      "  --burst N           move up to N packets at a time, 1 to 512 (default 32)\n"
	      "  --mbufs N           allocate N receive buffers (default: enough for all rings)\n"
	      "  --data-room BYTES   allocate receive buffers of BYTES (default: for one frame)\n"
	      "  --mtu BYTES         set the MTU (default 1500, or the driver's lower maximum)\n"
	      "  --scatter           receive a long frame into several buffers\n"
	      "  --offload           leave checksums and TCP segmentation to the Tx port\n"
	      "  --on-down drop|hold drop or hold packets while the link is down (default drop)\n"
	      "Idle lcores:\n"
	      "  --idle poll         poll without a pause (default)\n"
	      "  --idle adaptive     poll for --spin-us, then sleep until an Rx interrupt\n"
	      "  --idle interrupt    sleep at once\n"
	      "  --spin-us USEC      poll up to USEC microseconds before a sleep (default 50)\n"
	      "Output:\n"
	      "  --stats-period SEC  print a status line every SEC seconds (default 1, 0: none)\n"
	      "  --duration SEC      stop after SEC seconds (default 0: at SIGINT or SIGTERM)\n"
	      "  --json              print the summary as one line of JSON\n"
	      "  --quiet             print errors and the summary only\n"
	      "  --help              print this help\n"
	      "\n"
	      "example: fido-fwd -l 0-1 --vdev=net_mmnet0,group=demo,domain=fwd,peer=gen \\\n"
	      "                  --vdev=net_mmnet1,group=demo,domain=fwd,peer=sink -- --mode mac\n",
		out);
}

/* Parse the value of option `name`, an integer from min to max. */
static int
parse_uint(const char *name, const char *text, unsigned long min, unsigned long max,
	unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || *out < min ||
		*out > max) {
		fprintf(stderr, "fido-fwd: --%s '%s': give a number from %lu to %lu\n", name, text,
			min, max);
		return -EINVAL;
	}
	return 0;
}

static int
parse_u16(const char *name, const char *text, uint16_t min, uint16_t max, uint16_t *out)
{
	unsigned long value;
	int ret = parse_uint(name, text, min, max, &value);

	if (ret == 0)
		*out = value;
	return ret;
}

static int
parse_u32(const char *name, const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	unsigned long value;
	int ret = parse_uint(name, text, min, max, &value);

	if (ret == 0)
		*out = value;
	return ret;
}

static int
parse_seconds(const char *name, const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	if (end == text || *end != '\0' || !isfinite(*out) || *out < 0 || *out > 1e9) {
		fprintf(stderr, "fido-fwd: --%s '%s': give a number of seconds, 0 or more\n", name,
			text);
		return -EINVAL;
	}
	return 0;
}

/* Return the index of text in names; -EINVAL: not there, a message that lists them is printed. */
static int
parse_choice(const char *name, const char *text, const char *const *names)
{
	for (int i = 0; names[i] != NULL; i++) {
		if (strcmp(text, names[i]) == 0)
			return i;
	}
	fprintf(stderr, "fido-fwd: --%s '%s': give one of:", name, text);
	for (int i = 0; names[i] != NULL; i++)
		fprintf(stderr, " %s", names[i]);
	fputc('\n', stderr);
	return -EINVAL;
}

/* Reject a second topology. *chosen is the one given before, or -1. */
static int
take_topology(struct fwd_options *opt, enum fwd_topology topology, int *chosen)
{
	if (*chosen >= 0 && *chosen != (int)topology) {
		fprintf(stderr, "fido-fwd: --%s and --%s exclude each other: give one of them\n",
			topology_names[*chosen], topology_names[topology]);
		return -EINVAL;
	}
	if (topology == FWD_MAP) {
		if (*chosen >= 0) {
			fprintf(stderr,
				"fido-fwd: --map is given twice: "
				"give all routes in one: --map A:B,C:D\n");
			return -EINVAL;
		}
		opt->map = optarg;
	}
	*chosen = topology;
	opt->topology = topology;
	return 0;
}

/* Take an option whose value is one of a few words, or that has no value. */
static int
take_word(struct fwd_options *opt, int key)
{
	int choice = 0;

	switch (key) {
	case OPT_MODE:
		choice = parse_choice("mode", optarg, mode_names);
		opt->mode = RTE_MAX(choice, 0);
		break;
	case OPT_IDLE:
		choice = parse_choice("idle", optarg, idle_names);
		opt->idle = RTE_MAX(choice, 0);
		break;
	case OPT_ON_DOWN:
		choice = parse_choice("on-down", optarg, on_down_names);
		opt->hold = choice == 1;
		break;
	case OPT_SCATTER:
		opt->scatter = true;
		break;
	case OPT_OFFLOAD:
		opt->offload = true;
		break;
	case OPT_JSON:
		opt->json = true;
		break;
	case OPT_QUIET:
		opt->quiet = true;
		break;
	case OPT_HELP:
		opt->help = true;
		break;
	}
	return RTE_MIN(choice, 0);
}

static int
take_option(struct fwd_options *opt, int key, int *chosen)
{
	switch (key) {
	case OPT_PAIRS:
		return take_topology(opt, FWD_PAIRS, chosen);
	case OPT_CHAIN:
		return take_topology(opt, FWD_CHAIN, chosen);
	case OPT_MAP:
		return take_topology(opt, FWD_MAP, chosen);
	case OPT_BURST:
		return parse_u16("burst", optarg, 1, FWD_BURST_MAX, &opt->burst);
	case OPT_RXQ:
		return parse_u16("rxq", optarg, 1, 1024, &opt->rxq);
	case OPT_TXQ:
		return parse_u16("txq", optarg, 1, 1024, &opt->txq);
	case OPT_RXD:
		return parse_u16("rxd", optarg, 1, 32768, &opt->rxd);
	case OPT_TXD:
		return parse_u16("txd", optarg, 1, 32768, &opt->txd);
	case OPT_MBUFS:
		return parse_u32("mbufs", optarg, 64, 1u << 26, &opt->mbufs);
	case OPT_DATA_ROOM:
		return parse_u16("data-room", optarg, 64, UINT16_MAX - RTE_PKTMBUF_HEADROOM,
			&opt->data_room);
	case OPT_MTU:
		return parse_u16("mtu", optarg, 68, 65535, &opt->mtu);
	case OPT_SPIN_US:
		return parse_u32("spin-us", optarg, 0, 10 * 1000 * 1000, &opt->spin_us);
	case OPT_STATS_PERIOD:
		return parse_seconds("stats-period", optarg, &opt->stats_period);
	case OPT_DURATION:
		return parse_seconds("duration", optarg, &opt->duration);
	default:
		return take_word(opt, key);
	}
}

int
fwd_options_parse(struct fwd_options *opt, int argc, char **argv)
{
	int start = 1;
	int chosen = -1;
	int key, ret;

	*opt = (struct fwd_options){
		.burst = 32,
		.rxq = 1,
		.txq = 1,
		.rxd = 1024,
		.txd = 1024,
		.spin_us = 50,
		.stats_period = 1,
	};
	while (start < argc && strcmp(argv[start], "--") != 0)
		start++;
	if (start == argc)
		return 0;
	argc -= start;
	argv += start;
	optind = 1;
	opterr = 0;
	while ((key = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (key == 'h')
			key = OPT_HELP;
		if (key == '?' || key == ':') {
			fprintf(stderr, "fido-fwd: option '%s' %s: see fido-fwd -- --help\n",
				argv[optind - 1],
				key == ':' ? "needs a value"
					   : "is not known here, or takes no value");
			return -EINVAL;
		}
		ret = take_option(opt, key, &chosen);
		if (ret < 0)
			return ret;
	}
	if (optind < argc) {
		fprintf(stderr, "fido-fwd: '%s' is not an option: see fido-fwd -- --help\n",
			argv[optind]);
		return -EINVAL;
	}
	if (opt->idle == FWD_IDLE_INTERRUPT)
		opt->spin_us = 0;
	return 0;
}
