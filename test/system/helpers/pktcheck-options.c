/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pktcheck.h"

enum kind {
	FLAG,
	WORD,
	SIZES,
	U16,
	U32,
	U64,
	SECONDS,
	TEXT
};

struct option {
	const char *name;
	size_t offset;
	enum kind kind;
	uint64_t min;
	uint64_t max;
	const char *const *words;
};

static const char *const modes[] = {"gen", "sink", "echo", "clone", NULL};
static const char *const ipv4s[] = {"no", "to-0", "to-1", NULL};
static const char *const pools[] = {"default", "arena", "extbuf", NULL};
static const char *const backs[] = {"no", "yes", "any", NULL};

#define AT(field) offsetof(struct options, field)

static const struct option options[] = {
	{"--mode", AT(mode), WORD, 0, 0, modes},
	{"--pool", AT(pool), WORD, 0, 0, pools},
	{"--return", AT(back), WORD, 0, 0, backs},
	{"--size", AT(size_min), SIZES, PACKET_MIN, PACKET_MAX, NULL},
	{"--random", AT(random_size), FLAG, 0, 0, NULL},
	{"--count", AT(count), U64, 0, UINT64_MAX, NULL},
	{"--expect", AT(expect), U64, 0, UINT64_MAX, NULL},
	{"--segs", AT(segs), U32, 1, PACKET_MAX, NULL},
	{"--room", AT(room), U32, 64, PACKET_MAX, NULL},
	{"--burst", AT(burst), U32, 1, BURST_MAX, NULL},
	{"--seed", AT(seed), U32, 0, UINT32_MAX, NULL},
	{"--gap-us", AT(gap_us), U32, 0, UINT32_MAX, NULL},
	{"--window", AT(window), U32, 0, UINT32_MAX, NULL},
	{"--hold", AT(hold), U32, 0, 65536, NULL},
	{"--churn", AT(churn), U32, 0, UINT32_MAX, NULL},
	{"--halt", AT(halt), U32, 0, UINT32_MAX, NULL},
	{"--reset", AT(reset), U32, 0, UINT32_MAX, NULL},
	{"--mbufs", AT(mbufs), U32, 64, UINT32_MAX, NULL},
	{"--rxq", AT(rxq), U16, 1, QUEUES_MAX, NULL},
	{"--txq", AT(txq), U16, 1, QUEUES_MAX, NULL},
	{"--rxd", AT(rxd), U16, 0, UINT16_MAX, NULL},
	{"--txd", AT(txd), U16, 0, UINT16_MAX, NULL},
	{"--go", AT(go), TEXT, 0, 0, NULL},
	{"--timeout", AT(timeout), SECONDS, 0, 0, NULL},
	{"--duration", AT(duration), SECONDS, 0, 0, NULL},
	{"--ipv4", AT(ipv4), WORD, 0, 0, ipv4s},
	{"--net-100", AT(net_100), FLAG, 0, 0, NULL},
	{"--ether", AT(ether), TEXT, 0, 0, NULL},
	{"--csum", AT(csum), FLAG, 0, 0, NULL},
	{"--keep", AT(keep), FLAG, 0, 0, NULL},
	{"--scatter", AT(scatter), FLAG, 0, 0, NULL},
	{"--spin", AT(spin), FLAG, 0, 0, NULL},
	{"--times", AT(times), FLAG, 0, 0, NULL},
	{"--pdump", AT(pdump), FLAG, 0, 0, NULL},
	{"--monitor", AT(monitor), FLAG, 0, 0, NULL},
	{"--no-link-wait", AT(no_link_wait), FLAG, 0, 0, NULL},
	{NULL, 0, FLAG, 0, 0, NULL},
};

static const char usage[] =
	"usage: pktcheck [EAL options] -- --mode MODE [options], on all ports\n"
	"  gen    send --count packets of --size A-B, in bursts of 1 to --burst, of 1 to --segs\n"
	"         segments with --room bytes each; --return yes: they come back in order, any: in\n"
	"         any order, with at most --window of them under way; out of --churn pools;\n"
	"         begin when the file --go exists\n"
	"  sink   receive and check --expect packets; keep --hold of them and check these again,\n"
	"         soon unless --keep\n"
	"  echo   as sink, and send each back on the same port\n"
	"  clone  as sink; clone each, then free, check or send (--return any) original and "
	"clones\n"
	"         in any order, on a second lcore too\n"
	"  --ether DST-SRC: packets arrive with these Ethernet addresses\n"
	"  --csum: the ports must insert and verify IPv4 header checksums (--ipv4)\n"
	"  --pool arena: mbufs in an mmnet arena; extbuf: mbufs with external buffers\n"
	"  --halt N: every N packets stop the queue, check that it is stopped, restart it\n"
	"  --reset N: gen resets its ports every N packets; its peer keeps --hold packets\n"
	"  --times: the ports record receive times; check that they are plausible\n"
	"  --pdump: let dpdk-dumpcap capture\n"
	"  --monitor: while nothing arrives, watch the address of rte_eth_get_monitor_addr()\n"
	"options:";

static void
print_usage(void)
{
	fputs(usage, stderr);
	for (const struct option *o = options; o->name != NULL; o++)
		fprintf(stderr, " %s", o->name);
	fputc('\n', stderr);
}

static bool
parse_number(const struct option *o, const char *text, uint64_t *out, char **end)
{
	*out = strtoull(text, end, 0);
	return *end != text && *out >= o->min && *out <= o->max;
}

static bool
parse_sizes(const struct option *o, struct options *opt, const char *text)
{
	uint64_t from, to;
	char *end;

	if (!parse_number(o, text, &from, &end))
		return false;
	to = from;
	if (*end == '-' && !parse_number(o, end + 1, &to, &end))
		return false;
	opt->size_min = (uint32_t)from;
	opt->size_max = (uint32_t)to;
	return *end == '\0' && from <= to;
}

static bool
parse_word(const struct option *o, void *field, const char *text)
{
	for (unsigned int i = 0; o->words[i] != NULL; i++)
		if (strcmp(text, o->words[i]) == 0) {
			memcpy(field, &i, sizeof(i));
			return true;
		}
	return false;
}

static bool
parse_value(const struct option *o, struct options *opt, const char *text)
{
	char *field = (char *)opt + o->offset;
	uint64_t number;
	char *end;

	if (o->kind == SIZES)
		return parse_sizes(o, opt, text);
	if (o->kind == WORD)
		return parse_word(o, field, text);
	if (o->kind == TEXT) {
		*(const char **)(void *)field = text;
		return true;
	}
	if (o->kind == SECONDS) {
		*(double *)(void *)field = strtod(text, &end);
		return end != text && *end == '\0';
	}
	if (!parse_number(o, text, &number, &end) || *end != '\0')
		return false;
	if (o->kind == U16)
		*(uint16_t *)(void *)field = (uint16_t)number;
	else if (o->kind == U32)
		*(uint32_t *)(void *)field = (uint32_t)number;
	else
		*(uint64_t *)(void *)field = number;
	return true;
}

static const struct option *
find(const char *name)
{
	for (const struct option *o = options; o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

static const struct options defaults = {
	.mode = MODE_SINK,
	.size_min = 64,
	.size_max = 64,
	.segs = 1,
	.room = 2048,
	.burst = 32,
	.rxq = 1,
	.txq = 1,
	.rxd = 1024,
	.txd = 1024,
	.timeout = 30,
};

static bool
use_ether(const char *text)
{
	struct rte_ether_addr dst, src;
	char copy[64];
	char *dash;

	snprintf(copy, sizeof(copy), "%s", text);
	dash = strchr(copy, '-');
	if (dash == NULL)
		return false;
	*dash = '\0';
	if (rte_ether_unformat_addr(copy, &dst) != 0 ||
		rte_ether_unformat_addr(dash + 1, &src) != 0)
		return false;
	packet_use_ether(&dst, &src);
	return true;
}

int
options_parse(struct options *opt, int argc, char **argv)
{
	*opt = defaults;
	opt->seed = (uint32_t)getpid();
	for (int i = 1; i < argc; i++) {
		const struct option *o = find(argv[i]);

		if (o != NULL && o->kind == FLAG) {
			*((bool *)opt + o->offset) = true;
		} else if (o == NULL || ++i == argc || !parse_value(o, opt, argv[i])) {
			fprintf(stderr, "pktcheck: %s: no such option, or a wrong value\n",
				argv[i < argc ? i : argc - 1]);
			print_usage();
			return -1;
		}
	}
	if (opt->ipv4 != IPV4_NO)
		packet_use_ipv4(opt->ipv4 == IPV4_TO_1);
	if (opt->net_100)
		packet_use_net_100();
	if (opt->ether != NULL && !use_ether(opt->ether)) {
		fprintf(stderr, "pktcheck: --ether takes two addresses, DST-SRC\n");
		return -1;
	}
	if (opt->ipv4 != IPV4_NO && opt->size_min < PACKET_MIN_IPV4) {
		fprintf(stderr, "pktcheck: --ipv4 needs a --size of %u or more\n", PACKET_MIN_IPV4);
		return -1;
	}
	return 0;
}
