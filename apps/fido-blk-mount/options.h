/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_MOUNT_OPTIONS_H
#define FIDO_BLK_MOUNT_OPTIONS_H

/** @file Command line of fido-blk-mount. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <fido/domain.h>

#include "image.h"

struct mount_options {
	struct fido_domain_config domain; /**< name: NULL: mount-PID */
	struct image_config image;
	const char *mountpoint;
	uint32_t buffers; /**< for each queue */
	unsigned int spin_us;
	bool loop;
	uint32_t sector_size; /**< of the loop device; 0: the volume's block size */
	bool counters;
	bool help;
};

/** Parse the command line; strings point into argv. @return 0, -EINVAL after a message on stderr */
int mount_options_parse(struct mount_options *opt, int argc, char **argv);
void mount_options_usage(FILE *out);

#endif
