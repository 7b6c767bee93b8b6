/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fido/blk.h>
#include <fido/link.h>

#include "options.h"

enum {
	OPT_GROUP = 256,
	OPT_VOLUME,
	OPT_BACKEND,
	OPT_DOMAIN,
	OPT_QUEUES,
	OPT_DEPTH,
	OPT_BUFFERS,
	OPT_SPIN_US,
	OPT_READ_ONLY,
	OPT_EXCLUSIVE,
	OPT_TIMEOUT,
	OPT_HUGEPAGES,
	OPT_OWNER,
	OPT_MODE,
	OPT_LOOP,
	OPT_SECTOR_SIZE,
	OPT_COUNTERS,
	OPT_HELP,
};

static const struct option long_options[] = {
	{"group", required_argument, NULL, OPT_GROUP},
	{"volume", required_argument, NULL, OPT_VOLUME},
	{"backend", required_argument, NULL, OPT_BACKEND},
	{"domain", required_argument, NULL, OPT_DOMAIN},
	{"queues", required_argument, NULL, OPT_QUEUES},
	{"depth", required_argument, NULL, OPT_DEPTH},
	{"buffers", required_argument, NULL, OPT_BUFFERS},
	{"spin-us", required_argument, NULL, OPT_SPIN_US},
	{"read-only", no_argument, NULL, OPT_READ_ONLY},
	{"exclusive", no_argument, NULL, OPT_EXCLUSIVE},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"hugepages", required_argument, NULL, OPT_HUGEPAGES},
	{"owner", required_argument, NULL, OPT_OWNER},
	{"mode", required_argument, NULL, OPT_MODE},
	{"loop", no_argument, NULL, OPT_LOOP},
	{"sector-size", required_argument, NULL, OPT_SECTOR_SIZE},
	{"counters", no_argument, NULL, OPT_COUNTERS},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

void
mount_options_usage(FILE *out)
{
	fputs("usage: fido-blk-mount --group GROUP --volume NAME [options] MOUNTPOINT\n"
	      "Mount a block volume: MOUNTPOINT/NAME is a file with its contents. Unmounts it and\n"
	      "exits at SIGTERM or SIGINT, as soon as nobody uses it; at the second one, lazily.\n"
	      "\n"
	      "  --group GROUP           the group: NAME or TRANSPORT:NAME (host:demo)\n"
	      "  --volume NAME           the volume\n"
	      "  --backend DOMAIN        the domain that serves it (default disk)\n"
	      "  --domain NAME           name of this process in the group (default mount-PID)\n"
	      "  --queues N              queues, each with a thread (default 1)\n"
	      "  --depth N               requests in progress per queue (default 128)\n"
	      "  --buffers MIB           memory for data to write, per queue (default 64)\n"
	      "  --spin-us N             microseconds to poll before sleeping (default 0)\n"
	      "  --read-only             refuse writes\n"
	      "  --exclusive             refuse other clients of the volume\n"
	      "  --timeout SECONDS       time to wait for the backend at start (default 5;\n"
	      "                          -1: forever)\n"
	      "  --hugepages on|off      off: use ordinary pages, without a warning\n"
	      "  --owner USER[:GROUP]    owner of the file (default: the user who mounts)\n"
	      "  --mode OCTAL            its permissions (default 600)\n"
	      "  --loop                  attach a loop device with direct I/O, and print its name\n"
	      "  --sector-size N         bytes of its sectors (default: the volume's block size)\n"
	      "  --counters              at exit, print each queue's counters on stderr\n"
	      "  --help                  print this help\n"
	      "\n"
	      "example: fido-blk-mount --group demo --volume root --loop /mnt/root\n",
		out);
}

static int
parse_int(const char *name, int base, long min, long max, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(optarg, &end, base);
	if (errno != 0 || end == optarg || *end != '\0' || *out < min || *out > max) {
		fprintf(stderr,
			base == 8 ? "fido-blk-mount: --%s '%s': give an octal number from %lo to "
				    "%lo\n"
				  : "fido-blk-mount: --%s '%s': give a number from %ld to %ld\n",
			name, optarg, min, max);
		return -EINVAL;
	}
	return 0;
}

static int
take_volume(struct mount_options *opt)
{
	size_t len = strlen(optarg);

	/* It is the name of a file, too. */
	if (len == 0 || len >= FIDO_BLK_VOLUME_MAX || strchr(optarg, '/') != NULL ||
		strcmp(optarg, ".") == 0 || strcmp(optarg, "..") == 0) {
		fprintf(stderr,
			"fido-blk-mount: --volume '%s': give a name of 1 to %d characters, "
			"without a slash\n",
			optarg, FIDO_BLK_VOLUME_MAX - 1);
		return -EINVAL;
	}
	opt->image.volume = optarg;
	return 0;
}

/* @return false: there is no such user or group */
static bool
find_id(const char *name, bool is_group, unsigned long *out)
{
	struct passwd *user = is_group ? NULL : getpwnam(name);
	struct group *group = is_group ? getgrnam(name) : NULL;
	char *end;

	if (user != NULL)
		*out = user->pw_uid;
	else if (group != NULL)
		*out = group->gr_gid;
	if (user != NULL || group != NULL)
		return true;
	errno = 0;
	*out = strtoul(name, &end, 10);
	return errno == 0 && name[0] >= '0' && name[0] <= '9' && *end == '\0' && *out < UINT_MAX;
}

static int
take_owner(struct mount_options *opt)
{
	char *colon = strchr(optarg, ':');
	struct passwd *user;
	unsigned long id;

	if (colon != NULL)
		*colon = '\0';
	if (!find_id(optarg, false, &id)) {
		fprintf(stderr,
			"fido-blk-mount: --owner: there is no user '%s': give a name or a number\n",
			optarg);
		return -EINVAL;
	}
	opt->image.uid = (uid_t)id;
	user = getpwuid((uid_t)id);
	opt->image.gid = user != NULL ? user->pw_gid : (gid_t)id;
	if (colon == NULL)
		return 0;
	if (!find_id(colon + 1, true, &id)) {
		fprintf(stderr,
			"fido-blk-mount: --owner: there is no group '%s': give a name or a "
			"number\n",
			colon + 1);
		return -EINVAL;
	}
	opt->image.gid = (gid_t)id;
	return 0;
}

static int
take_sector_size(struct mount_options *opt)
{
	long n;
	int ret = parse_int("sector-size", 10, 512, 65536, &n);

	if (ret == 0 && (n & (n - 1)) != 0) {
		fprintf(stderr,
			"fido-blk-mount: --sector-size '%s': give a power of two, such as 512 or "
			"4096\n",
			optarg);
		return -EINVAL;
	}
	opt->sector_size = (uint32_t)n;
	return ret;
}

static int
take_number(struct mount_options *opt, int key)
{
	long n;
	int ret;

	switch (key) {
	case OPT_QUEUES:
		ret = parse_int("queues", 10, 1, FIDO_LINK_QUEUES_MAX, &n);
		opt->image.queues = (uint16_t)n;
		return ret;
	case OPT_DEPTH:
		ret = parse_int("depth", 10, 4, FIDO_BLK_DEPTH_MAX, &n);
		opt->image.depth = (uint32_t)n;
		return ret;
	case OPT_BUFFERS:
		ret = parse_int("buffers", 10, 2, 1024, &n);
		opt->buffers = (uint32_t)n;
		return ret;
	case OPT_SPIN_US:
		ret = parse_int("spin-us", 10, 0, 10000000, &n);
		opt->spin_us = (unsigned int)n;
		return ret;
	case OPT_TIMEOUT:
		ret = parse_int("timeout", 10, -1, INT_MAX / 1000, &n);
		if (ret == 0 && n == 0) {
			fprintf(stderr,
				"fido-blk-mount: --timeout 0: give seconds, or -1 to wait "
				"forever\n");
			return -EINVAL;
		}
		opt->image.timeout_ms = n < 0 ? -1 : (int)n * 1000;
		return ret;
	default:
		ret = parse_int("mode", 8, 0, 0777, &n);
		opt->image.mode = (mode_t)n;
		return ret;
	}
}

static int
take_hugepages(struct mount_options *opt)
{
	opt->domain.no_hugepages = strcmp(optarg, "off") == 0;
	if (opt->domain.no_hugepages || strcmp(optarg, "on") == 0)
		return 0;
	fprintf(stderr, "fido-blk-mount: --hugepages '%s': give on or off\n", optarg);
	return -EINVAL;
}

static void
take_flag(struct mount_options *opt, int key)
{
	switch (key) {
	case OPT_READ_ONLY:
		opt->image.read_only = true;
		break;
	case OPT_EXCLUSIVE:
		opt->image.exclusive = true;
		break;
	case OPT_LOOP:
		opt->loop = true;
		break;
	case OPT_COUNTERS:
		opt->counters = true;
		break;
	default:
		opt->help = true;
		break;
	}
}

static int
take_option(struct mount_options *opt, int key)
{
	switch (key) {
	case OPT_GROUP:
		opt->domain.group = optarg;
		return 0;
	case OPT_VOLUME:
		return take_volume(opt);
	case OPT_BACKEND:
		opt->image.backend = optarg;
		return 0;
	case OPT_DOMAIN:
		opt->domain.name = optarg;
		return 0;
	case OPT_HUGEPAGES:
		return take_hugepages(opt);
	case OPT_OWNER:
		return take_owner(opt);
	case OPT_SECTOR_SIZE:
		return take_sector_size(opt);
	case OPT_READ_ONLY:
	case OPT_EXCLUSIVE:
	case OPT_LOOP:
	case OPT_COUNTERS:
	case OPT_HELP:
		take_flag(opt, key);
		return 0;
	default:
		return take_number(opt, key);
	}
}

static int
check(const struct mount_options *opt)
{
	const char *lacks = NULL;

	if (opt->help)
		return 0;
	if (opt->domain.group == NULL)
		lacks = "which group? give --group NAME, that of the backend (fido-blkd)";
	else if (opt->image.volume == NULL)
		lacks = "which volume? give --volume NAME, one of the backend's";
	else if (opt->mountpoint == NULL)
		lacks = "mount it where? give an empty directory as the last argument";
	else if (opt->sector_size != 0 && !opt->loop)
		lacks = "--sector-size is of a loop device: give --loop, too";
	if (lacks == NULL)
		return 0;
	fprintf(stderr, "fido-blk-mount: %s: see fido-blk-mount --help\n", lacks);
	return -EINVAL;
}

int
mount_options_parse(struct mount_options *opt, int argc, char **argv)
{
	int key, ret;

	*opt = (struct mount_options){.buffers = 64,
		.image = {.backend = "disk",
			.queues = 1,
			.depth = 128,
			.timeout_ms = 5000,
			.uid = getuid(),
			.gid = getgid(),
			.mode = 0600}};
	opterr = 0;
	while ((key = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (key == 'h')
			key = OPT_HELP;
		if (key == '?' || key == ':') {
			fprintf(stderr,
				"fido-blk-mount: option '%s' %s: see fido-blk-mount --help\n",
				argv[optind - 1],
				key == ':' ? "needs a value" : "is unknown or takes no value");
			return -EINVAL;
		}
		ret = take_option(opt, key);
		if (ret != 0)
			return ret;
	}
	if (optind < argc)
		opt->mountpoint = argv[optind++];
	if (optind < argc) {
		fprintf(stderr, "fido-blk-mount: '%s': give one mountpoint only\n", argv[optind]);
		return -EINVAL;
	}
	return check(opt);
}
