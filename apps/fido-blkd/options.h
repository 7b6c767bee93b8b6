/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLKD_OPTIONS_H
#define FIDO_BLKD_OPTIONS_H

/** @file Command line of fido-blkd. */

#include <stdbool.h>
#include <stdio.h>

#include "server.h"

struct blkd_options {
	struct fido_domain_config domain;
	struct blk_server_config server;
	struct blk_volume_config volumes[BLK_VOLUMES_MAX];
	int cpus[BLK_WORKERS_MAX];
	unsigned int cpu_count;
	bool help;
	bool quiet;
};

/** Parse the command line; strings point into argv. @return 0, -EINVAL after a message on stderr */
int blkd_options_parse(struct blkd_options *opt, int argc, char **argv);
void blkd_options_usage(FILE *out);

#endif
