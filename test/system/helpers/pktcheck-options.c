/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pktcheck.h"

enum {
	OPT_MODE = 256, OPT_RETURN, OPT_SIZE, OPT_RANDOM, OPT_COUNT, OPT_EXPECT, OPT_SEGS, OPT_ROOM, OPT_BURST,
	OPT_SEED, OPT_GAP, OPT_HOLD, OPT_CHURN, OPT_MBUFS, OPT_RXQ, OPT_TXQ, OPT_RXD, OPT_TXD, OPT_TIMEOUT,
	OPT_DURATION, OPT_SCATTER, OPT_SPIN, OPT_NO_LINK_WAIT, OPT_WINDOW,
};

static const struct option long_options[] = {
	{"mode", required_argument, NULL, OPT_MODE},
	{"return", required_argument, NULL, OPT_RETURN},
	{"size", required_argument, NULL, OPT_SIZE},
	{"random", no_argument, NULL, OPT_RANDOM},
	{"count", required_argument, NULL, OPT_COUNT},
	{"expect", required_argument, NULL, OPT_EXPECT},
	{"segs", required_argument, NULL, OPT_SEGS},
	{"room", required_argument, NULL, OPT_ROOM},
	{"burst", required_argument, NULL, OPT_BURST},
	{"seed", required_argument, NULL, OPT_SEED},
	{"gap-us", required_argument, NULL, OPT_GAP},
	{"hold", required_argument, NULL, OPT_HOLD},
	{"churn", required_argument, NULL, OPT_CHURN},
	{"mbufs", required_argument, NULL, OPT_MBUFS},
	{"rxq", required_argument, NULL, OPT_RXQ},
	{"txq", required_argument, NULL, OPT_TXQ},
	{"rxd", required_argument, NULL, OPT_RXD},
	{"txd", required_argument, NULL, OPT_TXD},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"duration", required_argument, NULL, OPT_DURATION},
	{"scatter", no_argument, NULL, OPT_SCATTER},
	{"spin", no_argument, NULL, OPT_SPIN},
	{"no-link-wait", no_argument, NULL, OPT_NO_LINK_WAIT},
	{"window", required_argument, NULL, OPT_WINDOW},
	{0},
};

static const char usage[] =
	"usage: pktcheck [EAL options] -- --mode gen|sink|echo|clone [options], on all ports\n"
	"  gen    send --count packets of --size A-B, in bursts of 1 to --burst, of 1 to --segs segments\n"
	"         with --room bytes each; --return yes: they come back in order, any: in any order,\n"
	"         --window of them at most are on their way\n"
	"  sink   receive and check --expect packets; keep --hold of them and check these again\n"
	"  echo   as sink, and send each back by the same port\n"
	"  clone  as sink; clone each, then free, check or send (--return any) original and clones in any\n"
	"         order, on a second lcore too\n"
	"  --rxq --txq --rxd --txd --scatter --mbufs --seed --gap-us --random --churn POOLS --spin\n"
	"  --timeout SEC --duration SEC --no-link-wait\n";

/* @return the index of the word, or -1 */
static int
word(const char *text, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return -1;
}

static int
parse_size(struct options *opt, const char *text)
{
	char *end;

	opt->size_min = opt->size_max = (uint32_t)strtoul(text, &end, 0);
	if (*end == '-')
		opt->size_max = (uint32_t)strtoul(end + 1, &end, 0);
	return *end == '\0' && opt->size_min >= PACKET_MIN && opt->size_min <= opt->size_max &&
			opt->size_max <= PACKET_MAX ? 0 : -1;
}

static uint16_t
number16(const char *text)
{
	return (uint16_t)strtoul(text, NULL, 0);
}

static uint32_t
number32(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 0);
}

static int
parse_one(struct options *opt, int c, const char *arg)
{
	static const char *const modes[] = {"gen", "sink", "echo", "clone", NULL};
	static const char *const backs[] = {"no", "yes", "any", NULL};

	switch (c) {
	case OPT_MODE: opt->mode = (enum mode)word(arg, modes); return word(arg, modes) < 0 ? -1 : 0;
	case OPT_RETURN: opt->back = (enum back)word(arg, backs); return word(arg, backs) < 0 ? -1 : 0;
	case OPT_SIZE: return parse_size(opt, arg);
	case OPT_RANDOM: opt->random_size = true; return 0;
	case OPT_COUNT: opt->count = strtoull(arg, NULL, 0); return 0;
	case OPT_EXPECT: opt->expect = strtoull(arg, NULL, 0); return 0;
	case OPT_SEGS: opt->segs = number32(arg); return opt->segs != 0 ? 0 : -1;
	case OPT_ROOM: opt->room = number32(arg); return opt->room >= 64 && opt->room <= PACKET_MAX ? 0 : -1;
	case OPT_BURST: opt->burst = number32(arg); return opt->burst - 1 < BURST_MAX ? 0 : -1;
	case OPT_SEED: opt->seed = number32(arg); return 0;
	case OPT_GAP: opt->gap_us = number32(arg); return 0;
	case OPT_HOLD: opt->hold = number32(arg); return 0;
	case OPT_WINDOW: opt->window = number32(arg); return 0;
	case OPT_CHURN: opt->churn = number32(arg); return 0;
	case OPT_MBUFS: opt->mbufs = number32(arg); return 0;
	case OPT_RXQ: opt->rxq = number16(arg); return opt->rxq <= QUEUES_MAX ? 0 : -1;
	case OPT_TXQ: opt->txq = number16(arg); return opt->txq <= QUEUES_MAX ? 0 : -1;
	case OPT_RXD: opt->rxd = number16(arg); return 0;
	case OPT_TXD: opt->txd = number16(arg); return 0;
	case OPT_TIMEOUT: opt->timeout = atof(arg); return 0;
	case OPT_DURATION: opt->duration = atof(arg); return 0;
	case OPT_SCATTER: opt->scatter = true; return 0;
	case OPT_SPIN: opt->spin = true; return 0;
	case OPT_NO_LINK_WAIT: opt->no_link_wait = true; return 0;
	default: return -1;
	}
}

int
options_parse(struct options *opt, int argc, char **argv)
{
	int c;

	*opt = (struct options){.mode = MODE_SINK, .size_min = 64, .size_max = 64, .segs = 1, .room = 2048,
		.burst = 32, .seed = (uint32_t)getpid(), .rxq = 1, .txq = 1, .rxd = 1024, .txd = 1024,
		.timeout = 30};
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (parse_one(opt, c, optarg) != 0) {
			fprintf(stderr, "pktcheck: option %s%s%s is not right\n%s",
					argv[optind - 1], optarg != NULL ? " or " : "", optarg != NULL ? optarg : "", usage);
			return -1;
		}
	return 0;
}
