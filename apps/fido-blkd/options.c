/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <fido/queue_shm.h>

#include "options.h"

enum {
	OPT_GROUP = 256,
	OPT_DOMAIN,
	OPT_VOLUME,
	OPT_READ_ONLY,
	OPT_THREADS,
	OPT_CPUS,
	OPT_BUFFERS,
	OPT_RING,
	OPT_IDLE,
	OPT_SPIN_US,
	OPT_HUGEPAGES,
	OPT_CONTROL_SIZE,
	OPT_ALLOW,
	OPT_QUIET,
	OPT_HELP,
};

static const struct option long_options[] = {
	{"group", required_argument, NULL, OPT_GROUP},
	{"domain", required_argument, NULL, OPT_DOMAIN},
	{"volume", required_argument, NULL, OPT_VOLUME},
	{"read-only", required_argument, NULL, OPT_READ_ONLY},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"cpus", required_argument, NULL, OPT_CPUS},
	{"buffers", required_argument, NULL, OPT_BUFFERS},
	{"ring", required_argument, NULL, OPT_RING},
	{"idle", required_argument, NULL, OPT_IDLE},
	{"spin-us", required_argument, NULL, OPT_SPIN_US},
	{"hugepages", required_argument, NULL, OPT_HUGEPAGES},
	{"control-size", required_argument, NULL, OPT_CONTROL_SIZE},
	{"allow", required_argument, NULL, OPT_ALLOW},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

void
blkd_options_usage(FILE *out)
{
	fputs("usage: fido-blkd --group GROUP --domain NAME --volume NAME=STORE... [options]\n"
	      "Serve block volumes to the domains of a group.\n"
	      "\n"
	      "  --group GROUP           the group: NAME or TRANSPORT:NAME (host:demo)\n"
	      "  --domain NAME           name of this process in the group\n"
	      "  --volume NAME=STORE     serve STORE as NAME; can be repeated\n"
	      "  --read-only NAME=STORE  the same, read-only\n"
	      "      mem:SIZE                memory of this process; lost when it exits\n"
	      "      file:PATH[,direct=on]   a regular file or block device\n"
	      "      nbd:URI                 an export of an NBD server\n"
	      "  --threads N             worker threads (default 1)\n"
	      "  --cpus A,B,...          pin the threads to these CPUs\n"
	      "  --buffers MIB           read buffers per thread (default 64)\n"
	      "  --ring N                descriptors that can be lent per queue (default 4096)\n"
	      "  --idle poll|adaptive    when idle, poll, or sleep after --spin-us (default)\n"
	      "  --spin-us N             microseconds to poll before sleeping (default 50)\n"
	      "  --hugepages on|off      off: use ordinary pages, without a warning\n"
	      "  --control-size MIB      memory for rings and counters (default 64)\n"
	      "  --allow USER[:USER...]  users whose processes may be clients (default: those "
	      "with\n"
	      "                          access to the group's directory)\n"
	      "  --quiet                 print errors only\n"
	      "  --help                  print this help\n"
	      "\n"
	      "example: fido-blkd --group demo --domain disk --volume "
	      "root=file:/var/lib/root.img\n",
		out);
}

static int
parse_uint(const char *name, unsigned long min, unsigned long max, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(optarg, &end, 0);
	if (errno != 0 || end == optarg || *end != '\0' || optarg[0] == '-' || *out < min ||
		*out > max) {
		fprintf(stderr, "fido-blkd: --%s '%s': give a number from %lu to %lu\n", name,
			optarg, min, max);
		return -EINVAL;
	}
	return 0;
}

static int
take_volume(struct blkd_options *opt, bool read_only)
{
	char *equals = strchr(optarg, '=');

	if (equals == NULL || equals == optarg || equals[1] == '\0') {
		fprintf(stderr,
			"fido-blkd: --%s '%s': give NAME=STORE, as in "
			"root=file:/var/lib/root.img\n",
			read_only ? "read-only" : "volume", optarg);
		return -EINVAL;
	}
	if (opt->server.volume_count == BLK_VOLUMES_MAX) {
		fprintf(stderr,
			"fido-blkd: more than %d volumes: serve some from another fido-blkd\n",
			BLK_VOLUMES_MAX);
		return -EINVAL;
	}
	*equals = '\0';
	opt->volumes[opt->server.volume_count++] = (struct blk_volume_config){.name = optarg,
		.store = equals + 1,
		.read_only = read_only};
	return 0;
}

static int
take_cpus(struct blkd_options *opt)
{
	const char *at = optarg;

	for (;;) {
		char *end;
		long cpu = strtol(at, &end, 10);

		if (end == at || cpu < 0 || cpu > INT_MAX || (*end != ',' && *end != '\0') ||
			opt->cpu_count == BLK_WORKERS_MAX) {
			fprintf(stderr, "fido-blkd: --cpus '%s': give CPU numbers, as in 2,3\n",
				optarg);
			return -EINVAL;
		}
		opt->cpus[opt->cpu_count++] = (int)cpu;
		if (*end == '\0')
			return 0;
		at = end + 1;
	}
}

static int
take_choice(const char *name, const char *first, const char *second, bool *is_second)
{
	*is_second = strcmp(optarg, second) == 0;
	if (*is_second || strcmp(optarg, first) == 0)
		return 0;
	fprintf(stderr, "fido-blkd: --%s '%s': give %s or %s\n", name, optarg, first, second);
	return -EINVAL;
}

static int
take_number(struct blkd_options *opt, int key)
{
	unsigned long n;
	int ret;

	switch (key) {
	case OPT_THREADS:
		ret = parse_uint("threads", 1, BLK_WORKERS_MAX, &n);
		opt->server.workers = (unsigned int)n;
		return ret;
	case OPT_BUFFERS:
		ret = parse_uint("buffers", 2, 1u << 20, &n);
		opt->server.buffer_size = (size_t)n << 20;
		return ret;
	case OPT_RING:
		ret = parse_uint("ring", 2ul * FIDO_BLK_SEGMENTS_MAX, FIDO_RING_MAX, &n);
		opt->server.ring_size = (uint32_t)n;
		return ret;
	case OPT_SPIN_US:
		ret = parse_uint("spin-us", 0, 10000000, &n);
		opt->server.spin_us = (unsigned int)n;
		return ret;
	default:
		ret = parse_uint("control-size", 1, 4096, &n);
		opt->domain.control_size = (size_t)n << 20;
		return ret;
	}
}

static int
take_option(struct blkd_options *opt, int key)
{
	bool second;
	int ret;

	switch (key) {
	case OPT_GROUP:
		opt->domain.group = optarg;
		return 0;
	case OPT_DOMAIN:
		opt->domain.name = optarg;
		return 0;
	case OPT_VOLUME:
	case OPT_READ_ONLY:
		return take_volume(opt, key == OPT_READ_ONLY);
	case OPT_CPUS:
		return take_cpus(opt);
	case OPT_IDLE:
		ret = take_choice("idle", "adaptive", "poll", &second);
		if (second)
			opt->server.spin_us = UINT_MAX;
		return ret;
	case OPT_HUGEPAGES:
		return take_choice("hugepages", "on", "off", &opt->domain.no_hugepages);
	case OPT_ALLOW:
		opt->domain.allow = optarg;
		return 0;
	case OPT_QUIET:
		opt->quiet = true;
		return 0;
	case OPT_HELP:
		opt->help = true;
		return 0;
	default:
		return take_number(opt, key);
	}
}

static int
check(struct blkd_options *opt)
{
	if (opt->help)
		return 0;
	if (opt->domain.group == NULL || opt->domain.name == NULL ||
		opt->server.volume_count == 0) {
		fprintf(stderr,
			"fido-blkd: give --group, --domain and at least one --volume: see "
			"fido-blkd --help\n");
		return -EINVAL;
	}
	if (opt->server.workers == 0)
		opt->server.workers = opt->cpu_count != 0 ? opt->cpu_count : 1;
	if (opt->cpu_count != 0 && opt->cpu_count != opt->server.workers) {
		fprintf(stderr, "fido-blkd: %u CPUs for %u threads: give one per thread\n",
			opt->cpu_count, opt->server.workers);
		return -EINVAL;
	}
	opt->server.cpus = opt->cpu_count != 0 ? opt->cpus : NULL;
	opt->server.volumes = opt->volumes;
	return 0;
}

int
blkd_options_parse(struct blkd_options *opt, int argc, char **argv)
{
	int key, ret;

	*opt = (struct blkd_options){.domain = {.control_size = (size_t)64 << 20},
		.server = {.spin_us = 50}};
	opterr = 0;
	while ((key = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (key == 'h')
			key = OPT_HELP;
		if (key == '?' || key == ':') {
			fprintf(stderr, "fido-blkd: option '%s' %s: see fido-blkd --help\n",
				argv[optind - 1],
				key == ':' ? "needs a value" : "is unknown or takes no value");
			return -EINVAL;
		}
		ret = take_option(opt, key);
		if (ret != 0)
			return ret;
	}
	if (optind < argc) {
		fprintf(stderr, "fido-blkd: '%s' is not an option: see fido-blkd --help\n",
			argv[optind]);
		return -EINVAL;
	}
	return check(opt);
}
